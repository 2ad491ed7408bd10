# Sessions in the kernel's frame: cookies below the address, ctx[-1] rewritten for each that asks.
sig i32(i32,p,i16,i32,p,i8,i32,i64)
fentry call
fsession cookie cookie
fexit call
layout seed
entry call
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit, 2 fsession
layout: seed, entered by call: CALL_ORIG SKIP_FRAME IP_ARG
frame 152
args 24
ret -8
ctx -72: 8 slots, 6 registers
count -80
ip -88
session cookie 3 at -96
session cookie 4 at -104
rbx -112
run_ctx -128
out -152: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x98
80  mov [rbp-0x70], rbx
80  mov eax, 0x08
80  mov [rbp-0x50], rax
80  mov eax, 0x400100
80  mov [rbp-0x58], rax
80  mov [rbp-0x48], rdi
80  mov [rbp-0x40], rsi
80  mov [rbp-0x38], rdx
80  mov [rbp-0x30], rcx
80  mov [rbp-0x28], r8
80  mov [rbp-0x20], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov [rbp-0x60], rax
80  mov [rbp-0x68], rax
80  mov edi, 0x64
80  mov [rbp-0x80], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500099
80  lea rdi, [rbp-0x48]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
500099:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov eax, 0x308
80  mov [rbp-0x50], rax
80  mov edi, 0x65
80  mov [rbp-0x80], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000EA
80  movzx eax, byte ptr [rbp-0x4F]
80  neg rax
80  lea rax, [rbp+rax*8-0x48]
80  inc [rax]
80  mov eax, 0x00
5000ea:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov eax, 0x408
80  mov [rbp-0x50], rax
80  mov edi, 0x66
80  mov [rbp-0x80], rdi
80  mov edi, 0x600020
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050013B
80  movzx eax, byte ptr [rbp-0x4F]
80  neg rax
80  lea rax, [rbp+rax*8-0x48]
80  inc [rax]
80  mov eax, 0x00
50013b:
80  mov edi, 0x600020
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x48]
80  mov rsi, [rbp-0x40]
80  mov rdx, [rbp-0x38]
80  mov rcx, [rbp-0x30]
80  mov r8, [rbp-0x28]
80  mov r9, [rbp-0x20]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x90], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, 0x8000000000000008
80  mov [rbp-0x50], rax
80  mov rax, 0x8000000000000308
80  mov [rbp-0x50], rax
80  mov edi, 0x65
80  mov [rbp-0x80], rdi
80  mov edi, 0x600010
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005001DB
80  movzx eax, byte ptr [rbp-0x4F]
80  neg rax
80  lea rax, [rbp+rax*8-0x48]
80  inc [rax]
80  mov eax, 0x00
5001db:
80  mov edi, 0x600010
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov rax, 0x8000000000000408
80  mov [rbp-0x50], rax
80  mov edi, 0x66
80  mov [rbp-0x80], rdi
80  mov edi, 0x600020
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500231
80  movzx eax, byte ptr [rbp-0x4F]
80  neg rax
80  lea rax, [rbp+rax*8-0x48]
80  inc [rax]
80  mov eax, 0x00
500231:
80  mov edi, 0x600020
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov edi, 0x66
80  mov [rbp-0x80], rdi
80  mov edi, 0x600020
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050027A
80  lea rdi, [rbp-0x48]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
50027a:
80  mov edi, 0x600020
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x70]
80  leave
00  add rsp, 0x08
00  ret
