# Here the function is jumped to, in the kernel it is called.
sig i32(i32,p)
fmod_ret count
layout both
---- ours
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
original: jumped to
frame 32
save rax at -24
ctx -32:
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050003C
80  mov rax, [rbp-0x18]
80  leave
00  jmp 0x0000000000400105
50003c:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x18], rax
80  mov rax, [rbp-0x18]
80  leave
00  ret
---- seed
---- plan
programs: 0 fentry, 1 fmod_ret, 0 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 56
args 24
ret -8
ctx -24: 2 slots, 2 registers
count -32
rbx -40
run_ctx -56
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x38
80  mov [rbp-0x28], rbx
80  mov eax, 0x02
80  mov [rbp-0x20], rax
80  mov [rbp-0x18], rdi
80  mov [rbp-0x10], rsi
80  mov edi, 0x610000
80  call 0x0000000000450200
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500059
80  mov eax, 0x00
80  mov [rbp-0x08], rax
500059:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500090
80  mov rdi, [rbp-0x18]
80  mov rsi, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
500090:
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x28]
80  leave
00  add rsp, 0x08
00  ret
