# A packed struct of 11 bytes comes back in memory; it is shown if rax is what came in rdi.
sig !{i8,i64,i16}(i32)
fexit read=0,1,2
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -32
ctx -24: 0 1 2
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  mov [rbp-0x20], rax
80  movsxd rax, esi
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x20]
80  mov [rbp-0x10], rdi
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x20], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  cmp [rbp-0x10], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500078
80  mov rax, [rbp-0x20]
80  mov rax, [rax]
80  mov [rbp-0x10], rax
80  mov rax, [rbp-0x20]
80  movzx eax, word ptr [rax+0x08]
80  mov [rbp-0x08], ax
80  mov rax, [rbp-0x20]
80  movzx eax, byte ptr [rax+0x0A]
80  mov [rbp-0x06], al
500078:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  leave
00  ret
