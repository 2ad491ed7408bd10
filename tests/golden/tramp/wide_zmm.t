# Half of one vector is read by VEX, all of another by EVEX.
sig void(v512,v512)
fentry read=3,12
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 144
save rax at -136
ctx -128: 3 12
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x90
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x88], rax
80  vmovups [rbp-0x80], ymm0
80  vmovups zmmword ptr [rbp-0x40], zmm1
80  mov rax, [rbp-0x68]
80  mov rax, [rbp-0x20]
80  mov eax, 0x00
80  mov rax, [rbp-0x88]
80  leave
00  jmp 0x0000000000400105
