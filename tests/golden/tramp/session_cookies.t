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
frame 144
save rax at -56
ctx -88: 0 2 count
scratch -128
session cookie 6 at -136
session cookie 7 at -144
out -176: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x30], 0xFFFFFFFF80000009
c0  mov [rbp-0x38], rax
c0  mov [rbp-0x58], rdi
c0  mov qword ptr [rbp-0x48], 0x00
c0  mov qword ptr [rbp-0x60], 0x02
c0  mov qword ptr [rbp-0x88], 0x00
c0  mov qword ptr [rbp-0x90], 0x00
c0  mov qword ptr [rbp-0x60], 0x602
c0  movzx eax, byte ptr [rbp-0x5F]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x58]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov eax, 0x00
c0  mov qword ptr [rbp-0x60], 0x702
c0  movzx eax, byte ptr [rbp-0x5F]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x58]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x58]
c0  mov eax, 0x00
c0  lea rsp, [rbp-0xB0]
c0  mov rax, [rbp-0x38]
c0  call 0x0000000000400105
c0  mov [rbp-0x38], rax
c0  lea rsp, [rbp-0x90]
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  mov rax, [rbp-0x38]
c0  mov [rbp-0x48], rax
c0  nop [rax+rax*1], eax
c0  mov rax, 0x8000000000000002
c0  mov [rbp-0x60], rax
c0  mov rax, 0x8000000000000602
c0  mov [rbp-0x60], rax
c0  movzx eax, byte ptr [rbp-0x5F]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x58]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov eax, 0x00
c0  mov rax, 0x8000000000000702
c0  mov [rbp-0x60], rax
c0  movzx eax, byte ptr [rbp-0x5F]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x58]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x58]
c0  mov rax, [rbp-0x48]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x38]
c0  leave
00  jmp 0x0000000000400200
