# The kernel's layout refuses it.
sig f64(f64)
fexit read=0,1
layout both
---- ours
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 128
save rax at -56
ctx -80: 0 1
scratch -120
out -176: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  mov [rbp-0x38], rax
80  movq [rbp-0x50], xmm0
80  mov qword ptr [rbp-0x48], 0x00
80  mov rax, [rbp-0x38]
80  call 0x0000000000400105
80  mov [rbp-0x38], rax
80  lea rsp, [rbp-0x80]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movq [rbp-0x48], xmm0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x48]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
---- seed
---- refused
Operation not supported: the kernel's layout keeps rax only of a result: attach fentry programs
