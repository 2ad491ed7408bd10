# All kinds and the address: the frame of the kernel's image of fx_mod.
sig i32(i32,p,i16,i32,p,i8,i32,i64)
fentry call
fmod_ret call
fexit call
layout both
---- ours
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
original: called
frame 176
save rax at -176
save rcx at -168
save rdx at -160
save rsi at -152
save rdi at -144
save r8 at -136
save r9 at -128
save r10 at -120
save r11 at -112
ctx -80: 0 1 2 3 4 5 6 7 8 9 count ip
out -176: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0xB0], rax
80  mov [rbp-0xA8], rcx
80  mov [rbp-0xA0], rdx
80  mov [rbp-0x98], rsi
80  mov [rbp-0x90], rdi
80  mov [rbp-0x88], r8
80  mov [rbp-0x80], r9
80  mov [rbp-0x78], r10
80  mov [rbp-0x70], r11
80  movsxd rax, edi
80  mov [rbp-0x50], rax
80  mov [rbp-0x48], rsi
80  movsx rax, dx
80  mov [rbp-0x40], rax
80  movsxd rax, ecx
80  mov [rbp-0x38], rax
80  mov [rbp-0x30], r8
80  movsx rax, r9b
80  mov [rbp-0x28], rax
80  movsxd rax, dword ptr [rbp+0x10]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov qword ptr [rbp-0x58], 0x08
80  mov eax, 0x400100
80  mov [rbp-0x60], rax
80  lea rdi, [rbp-0x50]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  lea rdi, [rbp-0x50]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x000000000050016C
80  mov rax, [rbp-0xB0]
80  mov rcx, [rbp-0xA8]
80  mov rdx, [rbp-0xA0]
80  mov rsi, [rbp-0x98]
80  mov rdi, [rbp-0x90]
80  mov r8, [rbp-0x88]
80  mov r9, [rbp-0x80]
80  mov r10, [rbp-0x78]
80  mov r11, [rbp-0x70]
80  lea rsp, [rbp-0xA0]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0xB0]
80  mov [rbp-0xB0], rax
80  mov [rbp-0xA8], rcx
80  mov [rbp-0xA0], rdx
80  mov [rbp-0x98], rsi
80  mov [rbp-0x90], rdi
80  mov [rbp-0x88], r8
80  mov [rbp-0x80], r9
80  mov [rbp-0x78], r10
80  mov [rbp-0x70], r11
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0xB0]
80  mov [rbp-0x10], rax
80  jmp 0x0000000000500177
50016c:
80  mov rax, [rbp-0x10]
80  mov [rbp-0xB0], rax
500177:
80  nop [rax+rax*1], eax
80  lea rdi, [rbp-0x50]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  mov rax, [rbp-0xB0]
80  mov rcx, [rbp-0xA8]
80  mov rdx, [rbp-0xA0]
80  mov rsi, [rbp-0x98]
80  mov rdi, [rbp-0x90]
80  mov r8, [rbp-0x88]
80  mov r9, [rbp-0x80]
80  mov r10, [rbp-0x78]
80  mov r11, [rbp-0x70]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 1 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME IP_ARG
frame 136
args 24
ret -8
ctx -72: 8 slots, 6 registers
count -80
ip -88
rbx -96
run_ctx -112
out -136: 16 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x88
80  mov [rbp-0x60], rbx
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
80  mov edi, 0x64
80  mov [rbp-0x70], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x70]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050008B
80  lea rdi, [rbp-0x48]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
50008b:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x70]
80  call 0x0000000000450100
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x70], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x70]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000DE
80  lea rdi, [rbp-0x48]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
80  mov [rbp-0x08], rax
5000de:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x70]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x0000000000500140
80  mov rdi, [rbp-0x48]
80  mov rsi, [rbp-0x40]
80  mov rdx, [rbp-0x38]
80  mov rcx, [rbp-0x30]
80  mov r8, [rbp-0x28]
80  mov r9, [rbp-0x20]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x88], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x80], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
500140:
80  mov edi, 0x64
80  mov [rbp-0x70], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x70]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500178
80  lea rdi, [rbp-0x48]
80  mov esi, 0x1234
80  mov rax, 0x7F0012345678
80  call rax
500178:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x70]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x60]
80  leave
00  add rsp, 0x08
00  ret
