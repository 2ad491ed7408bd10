# A struct that does not fit the last register goes to the stack.
sig i32(u64,p,i16,i32,p,{u64,i32})
fentry read=5,6
fexit read=7
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -32
ctx -64: 5 6 7
out -48: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x10]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x18]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  lea rsp, [rbp-0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x20], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x20]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 120
args 24
ret -8
ctx -64: 7 slots, 5 registers
count -72
rbx -80
run_ctx -96
out -120: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x78
80  mov [rbp-0x50], rbx
80  mov eax, 0x07
80  mov [rbp-0x48], rax
80  mov [rbp-0x40], rdi
80  mov [rbp-0x38], rsi
80  mov [rbp-0x30], rdx
80  mov [rbp-0x28], rcx
80  mov [rbp-0x20], r8
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x60], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x60]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500073
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500073:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x60]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x40]
80  mov rsi, [rbp-0x38]
80  mov rdx, [rbp-0x30]
80  mov rcx, [rbp-0x28]
80  mov r8, [rbp-0x20]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x78], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x70], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x60], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x60]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000E2
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
5000e2:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x60]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x50]
80  leave
00  add rsp, 0x08
00  ret
