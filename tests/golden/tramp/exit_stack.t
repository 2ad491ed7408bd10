# Stack arguments are pushed again, congruent mod 64; a struct of 24 bytes shows its address.
sig {i64,f64}(i64,{i64,i64,i64},f32)
fexit read=1,3,4
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 48
save rax at -40
ctx -40: 1 3 4
out -112: 24 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x58
80  mov [rbp-0x28], rax
80  lea rax, [rbp+0x10]
80  mov [rbp-0x20], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x28]
80  push [rbp+0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x30]
80  mov [rbp-0x28], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x28]
80  mov [rbp-0x10], rax
80  movq [rbp-0x08], xmm0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  ret
