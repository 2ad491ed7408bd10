sig i32(i32)
fentry read=0
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 16
save rax at -16
ctx -8: 0
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x10
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x10], rax
80  movsxd rax, edi
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x10]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 40
args 24
ctx -8: 1 slots, 1 registers
count -16
rbx -24
run_ctx -40
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x28
80  mov [rbp-0x18], rbx
80  mov eax, 0x01
80  mov [rbp-0x10], rax
80  mov [rbp-0x08], rdi
80  mov edi, 0x64
80  mov [rbp-0x28], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x28]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500045
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500045:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x28]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x08]
80  mov rbx, [rbp-0x18]
80  leave
00  ret
