# Of st0 and st1 only the words that a program reads; the stack of bodies is aligned behind it.
sig cx80({i64[3]})
fexit read=3
tag 7
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -40: 3
out -48: 24 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000007
c0  mov [rbp-0x18], rax
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov rax, [rbp-0x18]
c0  lea rsp, [rbp-0x18]
c0  push [rbp+0x20]
c0  push [rbp+0x18]
c0  push [rbp+0x10]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x20]
c0  mov [rbp-0x18], rax
c0  lea rsp, [rbp-0x230]
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  fxsave64 [rsp]
c0  mov rax, [rsp+0x30]
c0  mov [rbp-0x10], rax
c0  lea rsp, [rbp-0x20]
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  nop [rax+rax*1], eax
c0  mov rax, [rbp-0x10]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x18]
c0  leave
00  ret
