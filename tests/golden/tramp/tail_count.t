# counting programs, two slabs: what a hit that is no tail call pays for those that are
sig i64(i64)
fentry count
fexit count
tag 7
leave
rooms 2
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
tail calls share the frame of an open call
frame 16
save rax at -16
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000007
c0  mov [rbp-0x10], rax
c0  mov rax, [rbp+0x08]
c0  shr rax, 0x10
c0  sub eax, 0x50
c0  cmp eax, 0x1C0
c0  jbe 0x0000000000500073
c0  sub eax, 0x7EFFFFB0
c0  cmp eax, 0x1C0
c0  jbe 0x0000000000500073
500041:
c0  mov eax, 0x00
c0  mov rax, [rbp-0x10]
c0  lea rsp, [rbp-0x30]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x10]
c0  mov [rbp-0x10], rax
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  nop [rax+rax*1], eax
c0  mov eax, 0x00
c0  mov rax, [rbp-0x10]
c0  leave
00  jmp 0x0000000000400200
500073:
c0  call 0x0000000000400300
c0  test rax, rax
c0  jz 0x0000000000500041
c0  mov eax, 0x00
c0  mov rax, [rbp-0x10]
c0  leave
00  jmp 0x0000000000400210
