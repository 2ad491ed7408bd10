# Copied in a loop here, one by one in the seed's.
sig i64({u8[200]},i64)
fexit read=0,1,2
layout both
---- ours
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 48
save rax at -40
save rcx at -32
ctx -24: 0 1 2
out -240: 200 bytes of stack arguments, in a loop
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x30
80  mov [rbp-0x28], rax
80  mov [rbp-0x20], rcx
80  lea rax, [rbp+0x10]
80  mov [rbp-0x18], rax
80  mov [rbp-0x10], rdi
80  mov qword ptr [rbp-0x08], 0x00
80  lea rsp, [rbp-0x28]
80  mov ecx, 0x19
50002d:
80  push [rbp+rcx*8+0x08]
80  sub ecx, 0x01
80  jnz 0x000000000050002D
80  mov rax, [rbp-0x28]
80  mov rcx, [rbp-0x20]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x30]
80  mov [rbp-0x28], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x28]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x28]
80  leave
00  ret
---- seed
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 264
args 24
ret -8
ctx -24: 2 slots, 1 registers
count -32
rbx -40
run_ctx -56
out -264: 200 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x108
80  mov [rbp-0x28], rbx
80  mov eax, 0x02
80  mov [rbp-0x20], rax
80  lea rax, [rbp+0x18]
80  mov [rbp-0x18], rax
80  mov [rbp-0x10], rdi
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov rdi, [rbp-0x10]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x108], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x100], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0xF8], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0xF0], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0xE8], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0xE0], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0xD8], rax
80  mov rax, [rbp+0x50]
80  mov [rbp-0xD0], rax
80  mov rax, [rbp+0x58]
80  mov [rbp-0xC8], rax
80  mov rax, [rbp+0x60]
80  mov [rbp-0xC0], rax
80  mov rax, [rbp+0x68]
80  mov [rbp-0xB8], rax
80  mov rax, [rbp+0x70]
80  mov [rbp-0xB0], rax
80  mov rax, [rbp+0x78]
80  mov [rbp-0xA8], rax
80  mov rax, [rbp+0x80]
80  mov [rbp-0xA0], rax
80  mov rax, [rbp+0x88]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x90]
80  mov [rbp-0x90], rax
80  mov rax, [rbp+0x98]
80  mov [rbp-0x88], rax
80  mov rax, [rbp+0xA0]
80  mov [rbp-0x80], rax
80  mov rax, [rbp+0xA8]
80  mov [rbp-0x78], rax
80  mov rax, [rbp+0xB0]
80  mov [rbp-0x70], rax
80  mov rax, [rbp+0xB8]
80  mov [rbp-0x68], rax
80  mov rax, [rbp+0xC0]
80  mov [rbp-0x60], rax
80  mov rax, [rbp+0xC8]
80  mov [rbp-0x58], rax
80  mov rax, [rbp+0xD0]
80  mov [rbp-0x50], rax
80  mov rax, [rbp+0xD8]
80  mov [rbp-0x48], rax
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
80  jz 0x0000000000500193
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500193:
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
