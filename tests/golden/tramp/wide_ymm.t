# A third word is read: 32 bytes by VEX, and the frame has room for all of them.
sig v256(i32,v256)
fentry read=3
fexit read=6
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 64
save rax at -56
ctx -56: 3 6
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x40
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  vmovups [rbp-0x30], ymm0
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x20]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x40]
80  mov [rbp-0x38], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movups [rbp-0x10], xmm0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
