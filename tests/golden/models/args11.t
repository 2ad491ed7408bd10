sig i32(u64,p,i16,i32,p,i8,i32,u32,i64,u64,u64)
fentry read=10
fexit read=0,10,11
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
original: called
frame 112
save rax at -104
ctx -96: 0 10 11
out -176: 40 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x88
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x68], rax
80  mov [rbp-0x60], rdi
80  mov rax, [rbp+0x30]
80  mov [rbp-0x10], rax
80  mov qword ptr [rbp-0x08], 0x00
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x68]
80  lea rsp, [rbp-0x88]
80  push [rbp+0x30]
80  push [rbp+0x28]
80  push [rbp+0x20]
80  push [rbp+0x18]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x70]
80  mov [rbp-0x68], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  movsxd rax, dword ptr [rbp-0x68]
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x60]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x68]
80  leave
00  ret
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 168
args 24
ret -8
ctx -96: 11 slots, 6 registers
count -104
rbx -112
run_ctx -128
out -168: 40 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xA8
80  mov [rbp-0x70], rbx
80  mov eax, 0x0B
80  mov [rbp-0x68], rax
80  mov [rbp-0x60], rdi
80  mov [rbp-0x58], rsi
80  mov [rbp-0x50], rdx
80  mov [rbp-0x48], rcx
80  mov [rbp-0x40], r8
80  mov [rbp-0x38], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x30], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0x28], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x18], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  mov edi, 0x64
80  mov [rbp-0x80], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050008E
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
50008e:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x60]
80  mov rsi, [rbp-0x58]
80  mov rdx, [rbp-0x50]
80  mov rcx, [rbp-0x48]
80  mov r8, [rbp-0x40]
80  mov r9, [rbp-0x38]
80  mov rax, [rbp+0x18]
80  mov [rbp-0xA8], rax
80  mov rax, [rbp+0x20]
80  mov [rbp-0xA0], rax
80  mov rax, [rbp+0x28]
80  mov [rbp-0x98], rax
80  mov rax, [rbp+0x30]
80  mov [rbp-0x90], rax
80  mov rax, [rbp+0x38]
80  mov [rbp-0x88], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  mov edi, 0x64
80  mov [rbp-0x80], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500130
80  mov rax, [rbp-0x60]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
500130:
80  mov edi, 0x600000
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
