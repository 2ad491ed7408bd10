# 16 bytes: a word is the lower half, the upper one is 0.
sig v128(i32)
fmod_ret stop
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 32
save rax at -24
ctx -24:
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, 0xFFFFFFFFFFFFFFF4
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050003E
80  mov rax, [rbp-0x18]
80  leave
00  jmp 0x0000000000400105
50003e:
80  movups xmm0, [rbp-0x10]
80  mov rax, [rbp-0x18]
80  leave
00  ret
