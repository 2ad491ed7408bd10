sig i32(i8,i32,u64)
fentry read=0,1,2
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 32
save rax at -32
ctx -24: 0 1 2
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x20], rax
80  movsx rax, dil
80  mov [rbp-0x18], rax
80  movsxd rax, esi
80  mov [rbp-0x10], rax
80  mov [rbp-0x08], rdx
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 56
args 24
ctx -24: 3 slots, 3 registers
count -32
rbx -40
run_ctx -56
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x38
80  mov [rbp-0x28], rbx
80  mov eax, 0x03
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], rdi
80  mov [rbp-0x10], rsi
80  mov [rbp-0x08], rdx
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500055
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500055:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x18]
80  mov rsi, [rbp-0x10]
80  mov rdx, [rbp-0x08]
80  mov rbx, [rbp-0x28]
80  leave
00  ret
