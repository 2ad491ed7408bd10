# The second fmod_ret program stops the chain.
sig i32(i32,p,i16,i32,p,i8,i32)
fmod_ret count stop
fexit read=7
layout both
---- ours
---- plan
programs: 0 fentry, 2 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
ctx -72: 7
out -48: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x28
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050006F
80  mov rax, 0xFFFFFFFFFFFFFFF4
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050006F
80  mov rax, [rbp-0x18]
80  lea rsp, [rbp-0x28]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x18]
80  mov [rbp-0x10], rax
80  jmp 0x0000000000500077
50006f:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x18], rax
500077:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  leave
00  ret
---- seed
---- plan
programs: 0 fentry, 2 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 104
args 24
ret -8
ctx -64: 7 slots, 6 registers
count -72
rbx -80
run_ctx -96
out -104: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x68
80  mov [rbp-0x50], rbx
80  mov eax, 0x07
80  mov [rbp-0x48], rax
80  mov [rbp-0x40], rdi
80  mov [rbp-0x38], rsi
80  mov [rbp-0x30], rdx
80  mov [rbp-0x28], rcx
80  mov [rbp-0x20], r8
80  mov [rbp-0x18], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x10], rax
80  mov dword ptr [rbp-0x0C], 0x00
80  mov edi, 0x610000
80  call 0x0000000000450200
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x60], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x60]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500078
80  mov eax, 0x00
80  mov [rbp-0x08], rax
500078:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x60]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500110
80  mov edi, 0x65
80  mov [rbp-0x60], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x60]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000C2
80  mov rax, 0xFFFFFFFFFFFFFFF4
80  mov [rbp-0x08], rax
5000c2:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x60]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500110
80  mov rdi, [rbp-0x40]
80  mov rsi, [rbp-0x38]
80  mov rdx, [rbp-0x30]
80  mov rcx, [rbp-0x28]
80  mov r8, [rbp-0x20]
80  mov r9, [rbp-0x18]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x68], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax], eax
500110:
80  mov edi, 0x64
80  mov [rbp-0x60], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x60]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050013C
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50013c:
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
