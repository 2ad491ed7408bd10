sig i32(f128,i32)
fentry read=2
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 16
save rax at -16
ctx -24: 2
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
---- refused
Operation not supported: argument 0 is a vector, which the kernel's layout does not know
