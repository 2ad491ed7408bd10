# The original needs our frame, the program does not: the stack is where the call left it.
sig i64(i64,i64,i64,i64,i64,i64,i64)
tag 3
fexit bare
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 16
save rax at -16
out -48: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x28
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000003
c0  push [rbp+0x10]
c0  call 0x0000000000400105
c0  mov [rbp-0x10], rax
c0  nop [rax+rax*1], eax
c0  mov eax, 0x00
c0  mov rax, [rbp-0x10]
c0  leave
00  ret
