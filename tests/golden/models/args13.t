# One more than the kernel takes.
sig i64(i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64)
fentry read=12
fexit read=13
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -112: 12 13
out -112: 56 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x38
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  lea rsp, [rbp-0x38]
80  push [rbp+0x40]
80  push [rbp+0x38]
80  push [rbp+0x30]
80  push [rbp+0x28]
80  push [rbp+0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x18]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 200
args 24
ret -8
ctx -112: 13 slots, 6 registers
count -120
rbx -128
run_ctx -144
out -200: 56 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xC8
80  mov [rbp-0x80], rbx
80  mov eax, 0x0D
80  mov [rbp-0x78], rax
80  mov [rbp-0x70], rdi
80  mov [rbp-0x68], rsi
80  mov [rbp-0x60], rdx
80  mov [rbp-0x58], rcx
80  mov [rbp-0x50], r8
80  mov [rbp-0x48], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x40], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x38], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x30], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x90], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x90]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000A4
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
5000a4:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x90]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x70]
80  mov rsi, [rbp-0x68]
80  mov rdx, [rbp-0x60]
80  mov rcx, [rbp-0x58]
80  mov r8, [rbp-0x50]
80  mov r9, [rbp-0x48]
80  mov rax, [rbp+0x18]
80  mov [rbp-0xC8], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0xC0], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0xB8], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0xB0], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0xA8], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0xA0], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0x98], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x90], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x90]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050015D
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50015d:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x90]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x80]
80  leave
00  add rsp, 0x08
00  ret
