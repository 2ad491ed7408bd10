# A counting program saves rax and nothing else; the function is jumped to.
sig i32(i32,p)
fentry count
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 16
save rax at -8
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x10
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x08], rax
80  mov eax, 0x00
80  mov rax, [rbp-0x08]
80  leave
00  jmp 0x0000000000400105
