# A packed struct of 11 bytes comes back in memory; it is shown if rax is what came in rdi.
sig !{i8,i64,i16}(i32)
fexit read=0,1,2
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 128
save rax at -56
ctx -80: 0 1 2
scratch -120
out -176: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  mov [rbp-0x38], rax
80  movsxd rax, esi
80  mov [rbp-0x50], rax
80  mov qword ptr [rbp-0x48], 0x00
80  mov qword ptr [rbp-0x40], 0x00
80  mov rax, [rbp-0x38]
80  mov [rbp-0x48], rdi
80  call 0x0000000000400105
80  mov [rbp-0x38], rax
80  lea rsp, [rbp-0x80]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  cmp [rbp-0x48], rax
80  mov qword ptr [rbp-0x48], 0x00
80  mov qword ptr [rbp-0x40], 0x00
80  jnz 0x000000000050007B
80  mov rax, [rbp-0x38]
80  mov rax, [rax]
80  mov [rbp-0x48], rax
80  mov rax, [rbp-0x38]
80  movzx eax, word ptr [rax+0x08]
80  mov [rbp-0x40], ax
80  mov rax, [rbp-0x38]
80  movzx eax, byte ptr [rax+0x0A]
80  mov [rbp-0x3E], al
50007b:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x40]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
