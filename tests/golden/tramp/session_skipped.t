# fmod_ret skips the function: the exit phase is one all the same
sig i32(i32)
fsession cookie
fmod_ret override
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit, 1 fsession
original: called
frame 64
save rax at -64
ctx -24: count override
session cookie 4 at -56
out -112: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x70
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x40], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x20], 0x01
80  mov qword ptr [rbp-0x30], 0x00
80  mov qword ptr [rbp-0x38], 0x00
80  mov qword ptr [rbp-0x20], 0x401
80  movzx eax, byte ptr [rbp-0x1F]
80  neg rax
80  lea rax, [rbp+rax*8-0x18]
80  inc [rax]
80  mov eax, 0x00
80  mov qword ptr [rbp-0x30], 0x01
80  mov qword ptr [rbp-0x10], 0xFFFFFFFFFFFFFFF4
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x30], 0x00
80  jnz 0x000000000050009F
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050009F
80  mov rax, [rbp-0x40]
80  lea rsp, [rbp-0x70]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x40]
80  mov [rbp-0x40], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  jmp 0x00000000005000A7
50009f:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x40], rax
5000a7:
80  nop [rax+rax*1], eax
80  mov rax, 0x8000000000000001
80  mov [rbp-0x20], rax
80  mov rax, 0x8000000000000401
80  mov [rbp-0x20], rax
80  movzx eax, byte ptr [rbp-0x1F]
80  neg rax
80  lea rax, [rbp+rax*8-0x18]
80  inc [rax]
80  mov eax, 0x00
80  mov rax, [rbp-0x40]
80  leave
00  ret
