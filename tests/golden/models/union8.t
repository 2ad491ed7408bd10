sig i32(i32,<i64|i32>,<i64[2]|i128>)
fentry read=0,1,2,3
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 48
save rax at -40
ctx -32: 0 1 2 3
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x28], rax
80  movsxd rax, edi
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], rsi
80  mov [rbp-0x10], rdx
80  mov [rbp-0x08], rcx
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 64, then aligned to 16
args 24
ctx -32: 4 slots, 4 registers
count -40
rbx -48
run_ctx -64
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x40
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x30], rbx
80  mov eax, 0x04
80  mov [rbp-0x28], rax
80  mov [rbp-0x20], rdi
80  mov [rbp-0x18], rsi
80  mov [rbp-0x10], rdx
80  mov [rbp-0x08], rcx
80  mov edi, 0x64
80  mov [rbp-0x40], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x40]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500061
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500061:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x40]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x20]
80  mov rsi, [rbp-0x18]
80  mov rdx, [rbp-0x10]
80  mov rcx, [rbp-0x08]
80  mov rbx, [rbp-0x30]
80  leave
00  ret
