sig i32(u64,p,i16,i32,u64)
fentry read=4
fmod_ret count
layout both
---- ours
---- plan
programs: 1 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 32
save rax at -32
ctx -56: 4
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], r8
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x18]
80  mov eax, 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x0000000000500049
80  mov rax, [rbp-0x20]
80  leave
00  jmp 0x0000000000400105
500049:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x20], rax
80  mov rax, [rbp-0x20]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 1 fmod_ret, 0 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 80, then aligned to 16
args 24
ret -8
ctx -48: 5 slots, 5 registers
count -56
rbx -64
run_ctx -80
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x50
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x40], rbx
80  mov eax, 0x05
80  mov [rbp-0x38], rax
80  mov [rbp-0x30], rdi
80  mov [rbp-0x28], rsi
80  mov [rbp-0x20], rdx
80  mov [rbp-0x18], rcx
80  mov [rbp-0x10], r8
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x50], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x50]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500063
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500063:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x50]
80  call 0x0000000000450100
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x50], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x50]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000A6
80  mov eax, 0x00
80  mov [rbp-0x08], rax
5000a6:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x50]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x00000000005000F0
80  mov rdi, [rbp-0x30]
80  mov rsi, [rbp-0x28]
80  mov rdx, [rbp-0x20]
80  mov rcx, [rbp-0x18]
80  mov r8, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
80  nop [rax], eax
5000f0:
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x40]
80  leave
00  add rsp, 0x08
00  ret
