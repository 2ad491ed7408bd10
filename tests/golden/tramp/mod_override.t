# override_return skips malloc with a value of its own; 0 would do as well.
sig p(u64)
fmod_ret override
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 64
save rax at -56
ctx -24: override
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x40
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x30], 0x00
80  mov qword ptr [rbp-0x30], 0x01
80  mov qword ptr [rbp-0x10], 0xFFFFFFFFFFFFFFF4
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x30], 0x00
80  jnz 0x000000000050005F
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050005F
80  mov rax, [rbp-0x38]
80  leave
00  jmp 0x0000000000400105
50005f:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x38], rax
80  mov rax, [rbp-0x38]
80  leave
00  ret
