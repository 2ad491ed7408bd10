# fmod_ret skips the function: the exit phase is one all the same
sig i32(i32)
fsession cookie
fmod_ret override
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit, 1 fsession
original: called
frame 128
save rax at -56
ctx -80: count override
scratch -120
session cookie 6 at -128
out -176: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  mov qword ptr [rbp-0x48], 0x00
80  mov qword ptr [rbp-0x40], 0x00
80  mov qword ptr [rbp-0x58], 0x01
80  mov qword ptr [rbp-0x68], 0x00
80  mov qword ptr [rbp-0x80], 0x00
80  mov qword ptr [rbp-0x58], 0x601
80  movzx eax, byte ptr [rbp-0x57]
80  neg rax
80  lea rax, [rbp+rax*8-0x50]
80  inc [rax]
80  mov eax, 0x00
80  mov qword ptr [rbp-0x68], 0x01
80  mov qword ptr [rbp-0x48], 0xFFFFFFFFFFFFFFF4
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x68], 0x00
80  jnz 0x00000000005000A5
80  mov [rbp-0x48], rax
80  test rax, rax
80  jnz 0x00000000005000A5
80  lea rsp, [rbp-0xB0]
80  mov rax, [rbp-0x38]
80  call 0x0000000000400105
80  mov [rbp-0x38], rax
80  lea rsp, [rbp-0x80]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  jmp 0x00000000005000AD
5000a5:
80  mov rax, [rbp-0x48]
80  mov [rbp-0x38], rax
5000ad:
80  nop [rax+rax*1], eax
80  mov rax, 0x8000000000000001
80  mov [rbp-0x58], rax
80  mov rax, 0x8000000000000601
80  mov [rbp-0x58], rax
80  movzx eax, byte ptr [rbp-0x57]
80  neg rax
80  lea rax, [rbp+rax*8-0x50]
80  inc [rax]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
