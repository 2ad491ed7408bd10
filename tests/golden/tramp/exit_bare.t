# The original needs our frame, the program does not: the stack is where the call left it.
sig i64(i64,i64,i64,i64,i64,i64,i64)
tag 3
fexit bare
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 176
save rax at -56
ctx -128:
scratch -168
out -176: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xA8
80  mov qword ptr [rbp-0x30], 0xFFFFFFFF80000003
c0  push [rbp+0x10]
c0  call 0x0000000000400105
c0  mov [rbp-0x38], rax
c0  nop [rax+rax*1], eax
c0  mov eax, 0x00
c0  mov rax, [rbp-0x38]
c0  leave
00  ret
