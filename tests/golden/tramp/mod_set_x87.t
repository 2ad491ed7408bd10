# utramp_set_result: st1 and st0 are loaded, what a program returns is no result.
sig cx80(i32)
fmod_ret set
fexit read=1
---- plan
programs: 0 fentry, 1 fmod_ret, 1 fexit
original: called
frame 96
save rax at -88
ctx -40: 1 override result
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x60
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x58], rax
80  mov qword ptr [rbp-0x20], 0x00
80  mov qword ptr [rbp-0x18], 0x00
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x40], 0x00
80  mov qword ptr [rbp-0x48], 0x00
80  mov eax, 0x20
80  mov [rbp-0x50], rax
80  mov qword ptr [rbp-0x40], 0x01
80  mov eax, 0x00
80  cmp qword ptr [rbp-0x40], 0x00
80  jnz 0x000000000050009C
80  mov rax, [rbp-0x58]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x60]
80  mov [rbp-0x58], rax
80  lea rsp, [rbp-0x270]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  fxsave64 [rsp]
80  mov rax, [rsp+0x20]
80  mov [rbp-0x20], rax
80  lea rsp, [rbp-0x60]
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  jmp 0x00000000005000BC
50009c:
80  fld [rbp-0x10]
80  mov word ptr [rbp-0x06], 0x00
80  mov dword ptr [rbp-0x04], 0x00
80  fld [rbp-0x20]
80  mov word ptr [rbp-0x16], 0x00
80  mov dword ptr [rbp-0x14], 0x00
5000bc:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x20]
80  mov eax, 0x00
80  mov rax, [rbp-0x58]
80  leave
00  ret
