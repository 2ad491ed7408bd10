# Without exit programs the function is jumped to; nothing is copied.
sig i64(i64,i64,i64,i64,i64,i64,i64)
fmod_ret count
leave
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 32
save rax at -24
ctx -72:
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050003C
80  mov rax, [rbp-0x18]
80  leave
00  jmp 0x0000000000400210
50003c:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x18], rax
80  mov rax, [rbp-0x18]
80  leave
00  jmp 0x0000000000400200
