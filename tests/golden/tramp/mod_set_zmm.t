# A result of 64 bytes takes eight slots.
sig v512(i32)
fmod_ret set
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 128
save rax at -120
ctx -72: override result
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x80
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x78], rax
80  mov qword ptr [rbp-0x40], 0x00
80  mov qword ptr [rbp-0x38], 0x00
80  mov qword ptr [rbp-0x30], 0x00
80  mov qword ptr [rbp-0x28], 0x00
80  mov qword ptr [rbp-0x20], 0x00
80  mov qword ptr [rbp-0x18], 0x00
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x60], 0x00
80  mov qword ptr [rbp-0x68], 0x00
80  mov eax, 0x40
80  mov [rbp-0x70], rax
80  mov qword ptr [rbp-0x60], 0x01
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x60], 0x00
80  jnz 0x000000000050008E
80  mov rax, [rbp-0x78]
80  leave
00  jmp 0x0000000000400105
50008e:
80  vmovups zmm0, zmmword ptr [rbp-0x40]
80  mov rax, [rbp-0x78]
80  leave
00  ret
