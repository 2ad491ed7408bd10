sig i32(bool,i32,i16,u8,i8,u16,bool,i8,i16)
fentry read=0,1,2,3,4,5,6,7,8
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 80
save rax at -80
ctx -72: 0 1 2 3 4 5 6 7 8
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x50
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x50], rax
80  movzx eax, dil
80  mov [rbp-0x48], rax
80  movsxd rax, esi
80  mov [rbp-0x40], rax
80  movsx rax, dx
80  mov [rbp-0x38], rax
80  movzx eax, cl
80  mov [rbp-0x30], rax
80  movsx rax, r8b
80  mov [rbp-0x28], rax
80  movzx eax, r9w
80  mov [rbp-0x20], rax
80  movzx eax, byte ptr [rbp+0x10]
80  mov [rbp-0x18], rax
80  movsx rax, byte ptr [rbp+0x18]
80  mov [rbp-0x10], rax
80  movsx rax, word ptr [rbp+0x20]
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x40]
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x50]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 104
args 24
ctx -72: 9 slots, 6 registers
count -80
rbx -88
run_ctx -104
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x68
80  mov [rbp-0x58], rbx
80  mov eax, 0x09
80  mov [rbp-0x50], rax
80  mov [rbp-0x48], rdi
80  mov [rbp-0x40], rsi
80  mov [rbp-0x38], rdx
80  mov [rbp-0x30], rcx
80  mov [rbp-0x28], r8
80  mov [rbp-0x20], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x10], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x68], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x68]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500091
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x40]
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500091:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x68]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x48]
80  mov rsi, [rbp-0x40]
80  mov rdx, [rbp-0x38]
80  mov rcx, [rbp-0x30]
80  mov r8, [rbp-0x28]
80  mov r9, [rbp-0x20]
80  mov rbx, [rbp-0x58]
80  leave
00  ret
