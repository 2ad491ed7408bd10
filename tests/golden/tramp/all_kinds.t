# Everything at once: fentry, two fmod_ret, fexit, a function behind the image, result in xmm0.
sig f64(f64,i32)
fentry outline
fmod_ret count read=1
fexit outline read=2
tag 3
---- plan
programs: 1 fentry, 2 fmod_ret, 2 fexit
original: called
frame 128
save rax at -56
ctx -88: 1 2
scratch -128
out -176: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x30], 0xFFFFFFFF80000003
c0  mov [rbp-0x38], rax
c0  movsxd rax, edi
c0  mov [rbp-0x50], rax
c0  mov qword ptr [rbp-0x48], 0x00
c0  mov qword ptr [rbp-0x40], 0x00
c0  call 0x00000000005000B0
c0  mov eax, 0x00
c0  mov [rbp-0x48], rax
c0  test rax, rax
c0  jnz 0x0000000000500085
c0  mov rax, [rbp-0x50]
c0  mov eax, 0x00
c0  mov [rbp-0x48], rax
c0  test rax, rax
c0  jnz 0x0000000000500085
c0  lea rsp, [rbp-0xB0]
c0  mov rax, [rbp-0x38]
c0  call 0x0000000000400105
c0  mov [rbp-0x38], rax
c0  lea rsp, [rbp-0x80]
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  movq [rbp-0x48], xmm0
c0  jmp 0x000000000050008A
500085:
c0  movq xmm0, qword ptr [rbp-0x48]
50008a:
c0  nop [rax+rax*1], eax
c0  call 0x00000000005000C0
c0  mov rax, [rbp-0x48]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x38]
c0  leave
00  ret
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
c0  int3
5000b0:
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
5000c0:
00  mov eax, 0x00
00  ret
