# Six structs of 16 bytes: twelve slots.
sig i32({i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32},{i64,i32})
fentry read=0,11
fexit read=12
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 112
save rax at -112
ctx -104: 0 11 12
out -112: 48 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x70
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x70], rax
80  mov [rbp-0x68], rdi
80  mov rax, [rbp+0x38]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x68]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x70]
80  lea rsp, [rbp-0x40]
80  push [rbp+0x38]
80  push [rbp+0x30]
80  push [rbp+0x28]
80  push [rbp+0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x70]
80  mov [rbp-0x70], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x70]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x70]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 184
args 24
ret -8
ctx -104: 12 slots, 6 registers
count -112
rbx -120
run_ctx -136
out -184: 48 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB8
80  mov [rbp-0x78], rbx
80  mov eax, 0x0C
80  mov [rbp-0x70], rax
80  mov [rbp-0x68], rdi
80  mov [rbp-0x60], rsi
80  mov [rbp-0x58], rdx
80  mov [rbp-0x50], rcx
80  mov [rbp-0x48], r8
80  mov [rbp-0x40], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x38], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x30], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x88], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x88]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000A0
80  mov rax, [rbp-0x68]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
5000a0:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x88]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x68]
80  mov rsi, [rbp-0x60]
80  mov rdx, [rbp-0x58]
80  mov rcx, [rbp-0x50]
80  mov r8, [rbp-0x48]
80  mov r9, [rbp-0x40]
80  mov rax, [rbp+0x18]
80  mov [rbp-0xB8], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0xB0], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0xA8], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0xA0], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x90], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x88], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x88]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050014E
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50014e:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x88]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x78]
80  leave
00  add rsp, 0x08
00  ret
