# A struct of doubles travels in xmm registers.
sig i32(i32,{f64,f64},i32)
fentry read=0,1,2,3
fexit read=1,3
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 48
save rax at -40
ctx -32: 0 1 2 3
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x28], rax
80  movsxd rax, edi
80  mov [rbp-0x20], rax
80  movq [rbp-0x18], xmm0
80  movq [rbp-0x10], xmm1
80  movsxd rax, esi
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x30]
80  mov [rbp-0x28], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 72
args 24
ret -8
ctx -40: 4 slots, 2 registers
count -48
rbx -56
run_ctx -72
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x48
80  mov [rbp-0x38], rbx
80  mov eax, 0x04
80  mov [rbp-0x30], rax
80  mov [rbp-0x28], rdi
80  movq [rbp-0x20], xmm0
80  movq [rbp-0x18], xmm1
80  mov [rbp-0x10], rsi
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x48], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x48]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500069
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500069:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x48]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x28]
80  mov rsi, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x48], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x48]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000C0
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
5000c0:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x48]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x38]
80  leave
00  add rsp, 0x08
00  ret
