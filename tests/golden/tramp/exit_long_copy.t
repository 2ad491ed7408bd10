# More than 64 bytes of them are copied by a loop, which counts in rcx.
sig void({u8[200]})
fexit count
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 16
save rax at -16
save rcx at -8
out -240: 200 bytes of stack arguments, in a loop
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x28
80  mov [rbp-0x08], rcx
80  mov ecx, 0x19
500011:
80  push [rbp+rcx*8+0x08]
80  sub ecx, 0x01
80  jnz 0x0000000000500011
80  mov rcx, [rbp-0x08]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x10]
80  mov [rbp-0x10], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  mov eax, 0x00
80  mov rax, [rbp-0x10]
80  leave
00  ret
