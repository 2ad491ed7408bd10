# st0 is read by fxsave64, below the frame; 10 bytes of it are shown.
sig x80(i32)
fexit read=1,2
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -24: 1 2
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x18]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  lea rsp, [rbp-0x230]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  fxsave64 [rsp]
80  mov rax, [rsp+0x20]
80  mov [rbp-0x10], rax
80  movzx eax, word ptr [rsp+0x28]
80  mov [rbp-0x08], rax
80  lea rsp, [rbp-0x20]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  leave
00  ret
