sig i32(f32)
fentry read=0
fexit read=0,1
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -16: 0 1
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  movq [rbp-0x10], xmm0
80  mov dword ptr [rbp-0x0C], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x18]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 48, then aligned to 16
args 24
ret -8
ctx -16: 1 slots, 0 registers
count -24
rbx -32
run_ctx -48
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x20], rbx
80  mov eax, 0x01
80  mov [rbp-0x18], rax
80  movq [rbp-0x10], xmm0
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x30], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x30]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500054
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500054:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x30]
80  call 0x0000000000450100
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x30], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x30]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000A3
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
5000a3:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x30]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x20]
80  leave
00  add rsp, 0x08
00  ret
