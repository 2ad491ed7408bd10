# 1, 4, 8 and 12 bytes.
sig i32({i8},{i32},{i32,i32},{i32,i32,i32})
fentry read=0,1,2,3,4
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 48
save rax at -48
ctx -40: 0 1 2 3 4
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x30], rax
80  movzx eax, dil
80  mov [rbp-0x28], rax
80  mov eax, esi
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], rdx
80  mov [rbp-0x10], rcx
80  mov eax, r8d
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x30]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 72
args 24
ctx -40: 5 slots, 5 registers
count -48
rbx -56
run_ctx -72
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x48
80  mov [rbp-0x38], rbx
80  mov eax, 0x05
80  mov [rbp-0x30], rax
80  mov [rbp-0x28], rdi
80  mov [rbp-0x20], rsi
80  mov [rbp-0x18], rdx
80  mov [rbp-0x10], rcx
80  mov [rbp-0x08], r8
80  mov edi, 0x64
80  mov [rbp-0x48], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x48]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500065
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500065:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x48]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x28]
80  mov rsi, [rbp-0x20]
80  mov rdx, [rbp-0x18]
80  mov rcx, [rbp-0x10]
80  mov r8, [rbp-0x08]
80  mov rbx, [rbp-0x38]
80  leave
00  ret
