# A result in memory is shown by its address.
sig {i64,i64,i64}(i32)
fexit read=0,1
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -32
ctx -24: 0 1
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  mov [rbp-0x20], rax
80  movsxd rax, esi
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov rax, [rbp-0x20]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x20], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x20]
80  mov [rbp-0x10], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  leave
00  ret
