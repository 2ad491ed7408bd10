# two session programs with cookies, one without, a plain entry and a plain exit
sig i64(i64,i32)
fsession cookie count cookie
fentry read=0
fexit read=0,2
tag 9
leave
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit, 3 fsession
original: called
frame 64
save rax at -64
ctx -32: 0 2 count
session cookie 2 at -48
session cookie 3 at -56
out -112: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x70
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000009
c0  mov [rbp-0x40], rax
c0  mov [rbp-0x20], rdi
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov qword ptr [rbp-0x28], 0x02
c0  mov qword ptr [rbp-0x30], 0x00
c0  mov qword ptr [rbp-0x38], 0x00
c0  mov qword ptr [rbp-0x28], 0x202
c0  movzx eax, byte ptr [rbp-0x27]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x20]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov eax, 0x00
c0  mov qword ptr [rbp-0x28], 0x302
c0  movzx eax, byte ptr [rbp-0x27]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x20]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x20]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x40]
c0  lea rsp, [rbp-0x70]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x40]
c0  mov [rbp-0x40], rax
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  mov rax, [rbp-0x40]
c0  mov [rbp-0x10], rax
c0  nop [rax+rax*1], eax
c0  mov rax, 0x8000000000000002
c0  mov [rbp-0x28], rax
c0  mov rax, 0x8000000000000202
c0  mov [rbp-0x28], rax
c0  movzx eax, byte ptr [rbp-0x27]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x20]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov eax, 0x00
c0  mov rax, 0x8000000000000302
c0  mov [rbp-0x28], rax
c0  movzx eax, byte ptr [rbp-0x27]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x20]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x20]
c0  mov rax, [rbp-0x10]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x40]
c0  leave
00  jmp 0x0000000000400200
