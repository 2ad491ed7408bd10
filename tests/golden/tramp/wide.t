# A vector of 16 bytes takes two slots, read by one movups.
sig v128(v128)
fentry read=0,1
fexit read=2
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 48
save rax at -40
ctx -32: 0 1 2
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x28], rax
80  movups [rbp-0x20], xmm0
80  mov qword ptr [rbp-0x10], 0x00
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x30]
80  mov [rbp-0x28], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movups [rbp-0x10], xmm0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  ret
