sig i64(i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64,i64)
fentry read=0,15
fexit read=16
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 160
save rax at -152
save rcx at -144
ctx -136: 0 15 16
out -240: 80 bytes of stack arguments, in a loop
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xA0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x98], rax
80  mov [rbp-0x90], rcx
80  mov [rbp-0x88], rdi
80  mov rax, [rbp+0x58]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x88]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  lea rsp, [rbp-0xA0]
80  mov ecx, 0x0A
500050:
80  push [rbp+rcx*8+0x08]
80  sub ecx, 0x01
80  jnz 0x0000000000500050
80  mov rax, [rbp-0x98]
80  mov rcx, [rbp-0x90]
80  call 0x0000000000400105
80  lea rsp, [rbp-0xA0]
80  mov [rbp-0x98], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x98]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x98]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 248
args 24
ret -8
ctx -136: 16 slots, 6 registers
count -144
rbx -152
run_ctx -168
out -248: 80 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xF8
80  mov [rbp-0x98], rbx
80  mov eax, 0x10
80  mov [rbp-0x90], rax
80  mov [rbp-0x88], rdi
80  mov [rbp-0x80], rsi
80  mov [rbp-0x78], rdx
80  mov [rbp-0x70], rcx
80  mov [rbp-0x68], r8
80  mov [rbp-0x60], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x58], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x50], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x48], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x40], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x38], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0x30], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x50]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x58]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x60]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0xA8], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0xA8]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005000CC
80  mov rax, [rbp-0x88]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
5000cc:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0xA8]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x88]
80  mov rsi, [rbp-0x80]
80  mov rdx, [rbp-0x78]
80  mov rcx, [rbp-0x70]
80  mov r8, [rbp-0x68]
80  mov r9, [rbp-0x60]
80  mov rax, [rbp+0x18]
80  mov [rbp-0xF8], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0xF0], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0xE8], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0xE0], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0xD8], rax
80  mov rax, [rbp+0x40]
80  mov [rbp-0xD0], rax
80  mov rax, [rbp+0x48]
80  mov [rbp-0xC8], rax
80  mov rax, [rbp+0x50]
80  mov [rbp-0xC0], rax
80  mov rax, [rbp+0x58]
80  mov [rbp-0xB8], rax
80  mov rax, [rbp+0x60]
80  mov [rbp-0xB0], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0xA8], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0xA8]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x00000000005001A9
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
5001a9:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0xA8]
80  call 0x0000000000450100
80  mov edi, 0x610000
80  call 0x0000000000450300
80  mov rax, [rbp-0x08]
80  mov rbx, [rbp-0x98]
80  leave
00  add rsp, 0x08
00  ret
