# Programs behind the trampoline, as compiled ones are.
sig i64(i64,i64)
fentry outline
fmod_ret outline
fexit outline
layout both
---- ours
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -32:
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  call 0x0000000000500070
80  call 0x0000000000500080
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x0000000000500055
80  mov rax, [rbp-0x18]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  jmp 0x000000000050005D
500055:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x18], rax
50005d:
80  nop [rax+rax*1], eax
80  call 0x0000000000500090
80  mov rax, [rbp-0x18]
80  leave
00  ret
80  int3
80  int3
80  int3
500070:
00  mov eax, 0x00
00  ret
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
500080:
00  mov eax, 0x00
00  ret
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
500090:
00  mov eax, 0x00
00  ret
---- seed
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
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
80  call 0x0000000000500130
50004f:
80  mov edi, 0x600000
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
80  jz 0x0000000000500092
80  call 0x0000000000500140
80  mov [rbp-0x08], rax
500092:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x00000000005000D0
80  mov rdi, [rbp-0x18]
80  mov rsi, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
80  nop [rax], eax
5000d0:
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000F8
80  call 0x0000000000500150
5000f8:
80  mov edi, 0x600000
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
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
500130:
00  mov eax, 0x00
00  ret
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
500140:
00  mov eax, 0x00
00  ret
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
00  int3
500150:
00  mov eax, 0x00
00  ret
