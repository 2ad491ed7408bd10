# A struct that does not fit goes to the stack, a later argument still takes r9.
sig i32(i8,i8,i8,i8,i8,{i64,i32},i8)
fentry read=0,5,6,7
fexit read=8
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 80
save rax at -80
ctx -72: 0 5 6 7 8
out -48: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x50
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x50], rax
80  movsx rax, dil
80  mov [rbp-0x48], rax
80  mov rax, [rbp+0x10]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  movsx rax, r9b
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x50]
80  lea rsp, [rbp-0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x50]
80  mov [rbp-0x50], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x50]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x50]
80  leave
00  ret
