# One stack argument of 4 bytes.
sig i32(u64,p,i16,i32,p,i8,i32)
fentry read=0,1,2,3,4,5,6
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 64
save rax at -64
ctx -56: 0 1 2 3 4 5 6
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x40
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x40], rax
80  mov [rbp-0x38], rdi
80  mov [rbp-0x30], rsi
80  movsx rax, dx
80  mov [rbp-0x28], rax
80  movsxd rax, ecx
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], r8
80  movsx rax, r9b
80  mov [rbp-0x10], rax
80  movsxd rax, dword ptr [rbp+0x10]
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x40]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 88
args 24
ctx -56: 7 slots, 6 registers
count -64
rbx -72
run_ctx -88
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x58
80  mov [rbp-0x48], rbx
80  mov eax, 0x07
80  mov [rbp-0x40], rax
80  mov [rbp-0x38], rdi
80  mov [rbp-0x30], rsi
80  mov [rbp-0x28], rdx
80  mov [rbp-0x20], rcx
80  mov [rbp-0x18], r8
80  mov [rbp-0x10], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x08], rax
80  mov dword ptr [rbp-0x04], 0x00
80  mov edi, 0x64
80  mov [rbp-0x58], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x58]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500080
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500080:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x58]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x38]
80  mov rsi, [rbp-0x30]
80  mov rdx, [rbp-0x28]
80  mov rcx, [rbp-0x20]
80  mov r8, [rbp-0x18]
80  mov r9, [rbp-0x10]
80  mov rbx, [rbp-0x48]
80  leave
00  ret
