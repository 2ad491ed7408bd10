# Eight doubles fill the xmm registers, the ninth goes to the stack.
sig i32(f64,f64,f64,f64,f64,f64,f64,f64,f64)
fentry read=0,7,8
fexit read=8,9
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 96
save rax at -88
ctx -80: 0 7 8 9
out -48: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x60
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x58], rax
80  movq [rbp-0x50], xmm0
80  movq [rbp-0x18], xmm7
80  mov rax, [rbp+0x10]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x58]
80  lea rsp, [rbp-0x28]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x60]
80  mov [rbp-0x58], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x58]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x58]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 120
args 24
ret -8
ctx -80: 9 slots, 0 registers
count -88
rbx -96
run_ctx -112
out -120: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x78
80  mov [rbp-0x60], rbx
80  mov eax, 0x09
80  mov [rbp-0x58], rax
80  movq [rbp-0x50], xmm0
80  movq [rbp-0x48], xmm1
80  movq [rbp-0x40], xmm2
80  movq [rbp-0x38], xmm3
80  movq [rbp-0x30], xmm4
80  movq [rbp-0x28], xmm5
80  movq [rbp-0x20], xmm6
80  movq [rbp-0x18], xmm7
80  mov rax, [rbp+0x18]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x70], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x70]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500083
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500083:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x70]
80  call 0x0000000000450100
80  mov rax, [rbp+0x18]
80  mov [rbp-0x78], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x70], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x70]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000DA
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
5000da:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x70]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x60]
80  leave
00  add rsp, 0x08
00  ret
