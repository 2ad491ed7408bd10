# Without exit programs the function is jumped to; nothing is copied.
sig i64(i64,i64,i64,i64,i64,i64,i64)
fmod_ret count
leave
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 176
save rax at -56
ctx -128:
scratch -168
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  mov qword ptr [rbp-0x48], 0x00
80  mov qword ptr [rbp-0x40], 0x00
80  mov eax, 0x00
80  mov [rbp-0x48], rax
80  test rax, rax
80  jnz 0x000000000050003F
80  mov rax, [rbp-0x38]
80  leave
00  jmp 0x0000000000400210
50003f:
80  mov rax, [rbp-0x48]
80  mov [rbp-0x38], rax
80  mov rax, [rbp-0x38]
80  leave
00  jmp 0x0000000000400200
