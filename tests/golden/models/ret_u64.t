sig u64(u64)
fentry call
fexit call
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 128
save rax at -120
save rcx at -112
save rdx at -104
save rsi at -96
save rdi at -88
save r8 at -80
save r9 at -72
save r10 at -64
save r11 at -56
ctx -24: 0 1 2 count ip
out -48: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x80
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x78], rax
80  mov [rbp-0x70], rcx
80  mov [rbp-0x68], rdx
80  mov [rbp-0x60], rsi
80  mov [rbp-0x58], rdi
80  mov [rbp-0x50], r8
80  mov [rbp-0x48], r9
80  mov [rbp-0x40], r10
80  mov [rbp-0x38], r11
80  mov [rbp-0x18], rdi
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x20], 0x01
80  mov eax, 0x400100
80  mov [rbp-0x28], rax
80  lea rdi, [rbp-0x18]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  mov rax, [rbp-0x78]
80  mov rcx, [rbp-0x70]
80  mov rdx, [rbp-0x68]
80  mov rsi, [rbp-0x60]
80  mov rdi, [rbp-0x58]
80  mov r8, [rbp-0x50]
80  mov r9, [rbp-0x48]
80  mov r10, [rbp-0x40]
80  mov r11, [rbp-0x38]
80  lea rsp, [rbp-0x30]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x80]
80  mov [rbp-0x78], rax
80  mov [rbp-0x70], rcx
80  mov [rbp-0x68], rdx
80  mov [rbp-0x60], rsi
80  mov [rbp-0x58], rdi
80  mov [rbp-0x50], r8
80  mov [rbp-0x48], r9
80  mov [rbp-0x40], r10
80  mov [rbp-0x38], r11
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x78]
80  mov [rbp-0x10], rax
80  nop [rax+rax*1], eax
80  lea rdi, [rbp-0x18]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  mov rax, [rbp-0x78]
80  mov rcx, [rbp-0x70]
80  mov rdx, [rbp-0x68]
80  mov rsi, [rbp-0x60]
80  mov rdi, [rbp-0x58]
80  mov r8, [rbp-0x50]
80  mov r9, [rbp-0x48]
80  mov r10, [rbp-0x40]
80  mov r11, [rbp-0x38]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME IP_ARG
frame 56
args 24
ret -8
ctx -16: 1 slots, 1 registers
count -24
ip -32
rbx -40
run_ctx -56
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x38
80  mov [rbp-0x28], rbx
80  mov eax, 0x01
80  mov [rbp-0x18], rax
80  mov eax, 0x400100
80  mov [rbp-0x20], rax
80  mov [rbp-0x10], rdi
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500064
80  lea rdi, [rbp-0x10]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
500064:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x38]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x10]
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x38], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x38]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000BF
80  lea rdi, [rbp-0x10]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
5000bf:
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
