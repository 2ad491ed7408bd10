# Two of each kind, in the order in which they run.
sig i32(i32,p)
fentry count read=0
fmod_ret count count
fexit read=2 count
layout both
---- ours
---- plan
programs: 2 fentry, 2 fmod_ret, 2 fexit
original: called
frame 48
save rax at -40
ctx -32: 0 2
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x28], rax
80  movsxd rax, edi
80  mov [rbp-0x20], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov eax, 0x00
80  mov rax, [rbp-0x20]
80  mov eax, 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050007F
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050007F
80  mov rax, [rbp-0x28]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x30]
80  mov [rbp-0x28], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x28]
80  mov [rbp-0x10], rax
80  jmp 0x0000000000500087
50007f:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x28], rax
500087:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  ret
---- seed
---- plan
programs: 2 fentry, 2 fmod_ret, 2 fexit
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
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050004F
80  mov eax, 0x00
50004f:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  mov edi, 0x65
80  mov [rbp-0x38], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050008C
80  mov rax, [rbp-0x18]
80  mov eax, 0x00
50008c:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000CF
80  mov eax, 0x00
80  mov [rbp-0x08], rax
5000cf:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500150
80  mov edi, 0x65
80  mov [rbp-0x38], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500117
80  mov eax, 0x00
80  mov [rbp-0x08], rax
500117:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500150
80  mov rdi, [rbp-0x18]
80  mov rsi, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax], eax
500150:
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050017C
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50017c:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  mov edi, 0x65
80  mov [rbp-0x38], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005001B5
80  mov eax, 0x00
5001b5:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x28]
80  leave
00  add rsp, 0x08
00  ret
