# the code of a session program is there once
sig void(i64,i64,i64,i64,i64,i64,i64,i64)
fsession outline
fexit count
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit, 1 fsession
original: called
frame 16
save rax at -8
out -48: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x08], rax
80  call 0x0000000000500050
80  mov rax, [rbp-0x08]
80  lea rsp, [rbp-0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x10]
80  mov [rbp-0x08], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  call 0x0000000000500050
80  mov eax, 0x00
80  mov rax, [rbp-0x08]
80  leave
00  ret
80  int3
80  int3
80  int3
80  int3
80  int3
80  int3
80  int3
500050:
00  mov eax, 0x00
00  ret
