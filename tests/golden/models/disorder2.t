# Two structs on the stack, two later arguments in registers.
sig i32(i64,i64,i64,i64,{i64,i32},{i64,i32},i32,i32)
fentry read=4,5,6,7,8,9
fexit read=8,9
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 64
save rax at -56
ctx -80: 4 5 6 7 8 9
out -48: 32 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x40
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  mov [rbp-0x30], r8
80  mov [rbp-0x28], r9
80  mov rax, [rbp+0x10]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  movsxd rax, dword ptr [rbp+0x20]
80  mov [rbp-0x10], rax
80  movsxd rax, dword ptr [rbp+0x28]
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  lea rsp, [rbp-0x10]
80  push [rbp+0x28]
80  push [rbp+0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x40]
80  mov [rbp-0x38], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 152
args 24
ret -8
ctx -88: 10 slots, 6 registers
count -96
rbx -104
run_ctx -120
out -152: 32 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x98
80  mov [rbp-0x68], rbx
80  mov eax, 0x0A
80  mov [rbp-0x60], rax
80  mov [rbp-0x58], rdi
80  mov [rbp-0x50], rsi
80  mov [rbp-0x48], rdx
80  mov [rbp-0x40], rcx
80  mov [rbp-0x38], r8
80  mov [rbp-0x30], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x78], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x78]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050009A
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
50009a:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x78]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x58]
80  mov rsi, [rbp-0x50]
80  mov rdx, [rbp-0x48]
80  mov rcx, [rbp-0x40]
80  mov r8, [rbp-0x38]
80  mov r9, [rbp-0x30]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x90], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x88], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x80], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x78], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x78]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050012A
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
50012a:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x78]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x68]
80  leave
00  add rsp, 0x08
00  ret
