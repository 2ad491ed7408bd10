# The last argument that a register holds.
sig i32(u64,p,i16,i32,p,u64)
fentry read=5
fmod_ret count
fexit read=6
layout both
---- ours
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
original: called
frame 32
save rax at -32
ctx -64: 5 6
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], r9
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x18]
80  mov eax, 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x0000000000500065
80  mov rax, [rbp-0x20]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x20], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x20]
80  mov [rbp-0x10], rax
80  jmp 0x000000000050006D
500065:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x20], rax
50006d:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 88
args 24
ret -8
ctx -56: 6 slots, 6 registers
count -64
rbx -72
run_ctx -88
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x58
80  mov [rbp-0x48], rbx
80  mov eax, 0x06
80  mov [rbp-0x40], rax
80  mov [rbp-0x38], rdi
80  mov [rbp-0x30], rsi
80  mov [rbp-0x28], rdx
80  mov [rbp-0x20], rcx
80  mov [rbp-0x18], r8
80  mov [rbp-0x10], r9
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x58], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x58]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500063
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
500063:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x58]
80  call 0x0000000000450100
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x58], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x58]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000A6
80  mov eax, 0x00
80  mov [rbp-0x08], rax
5000a6:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x58]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x00000000005000F0
80  mov rdi, [rbp-0x38]
80  mov rsi, [rbp-0x30]
80  mov rdx, [rbp-0x28]
80  mov rcx, [rbp-0x20]
80  mov r8, [rbp-0x18]
80  mov r9, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
5000f0:
80  mov edi, 0x64
80  mov [rbp-0x58], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x58]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050011C
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50011c:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x58]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x48]
80  leave
00  add rsp, 0x08
00  ret
