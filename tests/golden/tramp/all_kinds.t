# Everything at once: fentry, two fmod_ret, fexit, a function behind the image, result in xmm0.
sig f64(f64,i32)
fentry outline
fmod_ret count read=1
fexit outline read=2
tag 3
---- plan
programs: 1 fentry, 2 fmod_ret, 2 fexit
original: called
frame 48
save rax at -40
ctx -40: 1 2
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000003
c0  mov [rbp-0x28], rax
c0  movsxd rax, edi
c0  mov [rbp-0x20], rax
c0  mov qword ptr [rbp-0x18], 0x00
c0  mov qword ptr [rbp-0x10], 0x00
c0  call 0x00000000005000A0
c0  mov eax, 0x00
c0  mov [rbp-0x18], rax
c0  test rax, rax
c0  jnz 0x000000000050007F
c0  mov rax, [rbp-0x20]
c0  mov eax, 0x00
c0  mov [rbp-0x18], rax
c0  test rax, rax
c0  jnz 0x000000000050007F
c0  mov rax, [rbp-0x28]
c0  lea rsp, [rbp-0x30]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x30]
c0  mov [rbp-0x28], rax
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  movq [rbp-0x18], xmm0
c0  jmp 0x0000000000500084
50007f:
c0  movq xmm0, qword ptr [rbp-0x18]
500084:
c0  nop [rax+rax*1], eax
c0  call 0x00000000005000B0
c0  mov rax, [rbp-0x18]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x28]
c0  leave
00  ret
c0  int3
c0  int3
c0  int3
5000a0:
00  mov eax, 0x00
00  ret
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
5000b0:
00  mov eax, 0x00
00  ret
