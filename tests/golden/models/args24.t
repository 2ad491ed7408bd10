sig void(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32)
fentry read=23
fexit count
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 32
save rax at -24
save rcx at -16
ctx -192: 23
out -176: 144 bytes of stack arguments, in a loop
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x20
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x18], rax
80  mov [rbp-0x10], rcx
80  movsxd rax, dword ptr [rbp+0x98]
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  lea rsp, [rbp-0x20]
80  mov ecx, 0x12
500031:
80  push [rbp+rcx*8+0x08]
80  sub ecx, 0x01
80  jnz 0x0000000000500031
80  mov rax, [rbp-0x18]
80  mov rcx, [rbp-0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x20]
80  mov [rbp-0x18], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  nop [rax+rax*1], eax
80  mov eax, 0x00
80  mov rax, [rbp-0x18]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 376
args 24
ret -8
ctx -200: 24 slots, 6 registers
count -208
rbx -216
run_ctx -232
out -376: 144 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x178
80  mov [rbp-0xD8], rbx
80  mov eax, 0x18
80  mov [rbp-0xD0], rax
80  mov [rbp-0xC8], rdi
80  mov [rbp-0xC0], rsi
80  mov [rbp-0xB8], rdx
80  mov [rbp-0xB0], rcx
80  mov [rbp-0xA8], r8
80  mov [rbp-0xA0], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x90], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x88], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x80], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x78], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x70], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0x68], rax
80  mov rax, [rbp+0x50]
80  mov [rbp-0x60], rax
80  mov rax, [rbp+0x58]
80  mov [rbp-0x58], rax
80  mov rax, [rbp+0x60]
80  mov [rbp-0x50], rax
80  mov rax, [rbp+0x68]
80  mov [rbp-0x48], rax
80  mov rax, [rbp+0x70]
80  mov [rbp-0x40], rax
80  mov rax, [rbp+0x78]
80  mov [rbp-0x38], rax
80  mov rax, [rbp+0x80]
80  mov [rbp-0x30], rax
80  mov rax, [rbp+0x88]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x90]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x98]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0xA0]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0xE8], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0xE8]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050012C
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
50012c:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0xE8]
80  call 0x0000000000450100
80  mov rdi, [rbp-0xC8]
80  mov rsi, [rbp-0xC0]
80  mov rdx, [rbp-0xB8]
80  mov rcx, [rbp-0xB0]
80  mov r8, [rbp-0xA8]
80  mov r9, [rbp-0xA0]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x178], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x170], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x168], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x160], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x158], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x150], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0x148], rax
80  mov rax, [rbp+0x50]
80  mov [rbp-0x140], rax
80  mov rax, [rbp+0x58]
80  mov [rbp-0x138], rax
80  mov rax, [rbp+0x60]
80  mov [rbp-0x130], rax
80  mov rax, [rbp+0x68]
80  mov [rbp-0x128], rax
80  mov rax, [rbp+0x70]
80  mov [rbp-0x120], rax
80  mov rax, [rbp+0x78]
80  mov [rbp-0x118], rax
80  mov rax, [rbp+0x80]
80  mov [rbp-0x110], rax
80  mov rax, [rbp+0x88]
80  mov [rbp-0x108], rax
80  mov rax, [rbp+0x90]
80  mov [rbp-0x100], rax
80  mov rax, [rbp+0x98]
80  mov [rbp-0xF8], rax
80  mov rax, [rbp+0xA0]
80  mov [rbp-0xF0], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0xE8], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0xE8]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050027B
80  mov eax, 0x00
50027b:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0xE8]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0xD8]
80  leave
00  add rsp, 0x08
00  ret
