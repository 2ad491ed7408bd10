# utramp_set_result has written where rdi said: rax says it, too.
sig {i64,i64,i64}(i32)
fmod_ret set
fexit read=1
---- plan
programs: 0 fentry, 1 fmod_ret, 1 fexit
original: called
frame 80
save rax at -72
ctx -24: 1 override result
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x50
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x48], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x30], 0x00
80  mov [rbp-0x38], rdi
80  mov eax, 0x18
80  mov [rbp-0x40], rax
80  mov qword ptr [rbp-0x30], 0x01
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x30], 0x00
80  jnz 0x0000000000500073
80  mov rax, [rbp-0x48]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x50]
80  mov [rbp-0x48], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x48]
80  mov [rbp-0x10], rax
80  jmp 0x000000000050007F
500073:
80  mov rax, [rbp-0x38]
80  mov [rbp-0x48], rax
80  mov [rbp-0x10], rax
50007f:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x48]
80  leave
00  ret
