# tail calls run what runs at entry, may be skipped, and share programs' code; one slab
sig i64(i64,i64,i64,i64,i64,i64,i64)
fsession cookie
fentry outline
fmod_ret override
fexit read=7
tag 8
leave
rooms 1
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit, 1 fsession
original: called
tail calls share the frame of an open call
frame 128
save rax at -120
ctx -80: 7 count override
session cookie 4 at -112
out -176: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xA8
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000008
c0  mov [rbp-0x78], rax
c0  mov rax, [rbp+0x08]
c0  shr rax, 0x10
c0  sub eax, 0x50
c0  cmp eax, 0x1C0
c0  jbe 0x0000000000500124
500032:
c0  mov qword ptr [rbp-0x18], 0x00
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov qword ptr [rbp-0x58], 0x07
c0  mov qword ptr [rbp-0x68], 0x00
c0  mov qword ptr [rbp-0x70], 0x00
c0  mov qword ptr [rbp-0x58], 0x407
c0  movzx eax, byte ptr [rbp-0x57]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x50]
c0  inc [rax]
c0  mov eax, 0x00
c0  call 0x00000000005001D0
c0  mov qword ptr [rbp-0x68], 0x01
c0  mov qword ptr [rbp-0x18], 0xFFFFFFFFFFFFFFF4
c0  mov eax, 0x00
c0  cmp qword ptr [rbp-0x68], 0x00
c0  jnz 0x00000000005000D4
c0  mov [rbp-0x18], rax
c0  test rax, rax
c0  jnz 0x00000000005000D4
c0  mov rax, [rbp-0x78]
c0  lea rsp, [rbp-0xA8]
c0  push [rbp+0x10]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x80]
c0  mov [rbp-0x78], rax
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  mov rax, [rbp-0x78]
c0  mov [rbp-0x18], rax
c0  jmp 0x00000000005000DC
5000d4:
c0  mov rax, [rbp-0x18]
c0  mov [rbp-0x78], rax
5000dc:
c0  nop [rax+rax*1], eax
c0  mov rax, 0x8000000000000007
c0  mov [rbp-0x58], rax
c0  mov rax, 0x8000000000000407
c0  mov [rbp-0x58], rax
c0  movzx eax, byte ptr [rbp-0x57]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x50]
c0  inc [rax]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x18]
c0  mov eax, 0x00
c0  mov rax, [rbp-0x78]
c0  leave
00  jmp 0x0000000000400200
500124:
c0  call 0x0000000000400300
c0  test rax, rax
c0  jz 0x0000000000500032
c0  mov qword ptr [rbp-0x18], 0x00
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov rax, 0x4000000000000007
c0  mov [rbp-0x58], rax
c0  mov qword ptr [rbp-0x68], 0x00
c0  mov qword ptr [rbp-0x70], 0x00
c0  mov rax, 0x4000000000000407
c0  mov [rbp-0x58], rax
c0  movzx eax, byte ptr [rbp-0x57]
c0  neg rax
c0  lea rax, [rbp+rax*8-0x50]
c0  inc [rax]
c0  mov eax, 0x00
c0  call 0x00000000005001D0
c0  mov qword ptr [rbp-0x68], 0x01
c0  mov qword ptr [rbp-0x18], 0xFFFFFFFFFFFFFFF4
c0  mov eax, 0x00
c0  cmp qword ptr [rbp-0x68], 0x00
c0  jnz 0x00000000005001BE
c0  mov [rbp-0x18], rax
c0  test rax, rax
c0  jnz 0x00000000005001BE
c0  mov rax, [rbp-0x78]
c0  leave
00  jmp 0x0000000000400210
5001be:
c0  mov rax, [rbp-0x18]
c0  mov [rbp-0x78], rax
c0  mov rax, [rbp-0x78]
c0  leave
00  jmp 0x0000000000400200
5001d0:
00  mov eax, 0x00
00  ret
