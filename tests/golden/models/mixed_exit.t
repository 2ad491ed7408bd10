sig i64(i32,f64,i64,f32,p,f64,i8,i16,f64,u32,i64)
fmod_ret count
fexit read=7,8,9,10,11
layout both
---- ours
---- plan
programs: 0 fentry, 1 fmod_ret, 1 fexit
original: called
frame 64
save rax at -56
ctx -104: 7 8 9 10 11
out -112: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x68
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x38], rax
80  movsx rax, r8w
80  mov [rbp-0x30], rax
80  movq [rbp-0x28], xmm3
80  mov eax, r9d
80  mov [rbp-0x20], rax
80  mov rax, [rbp+0x10]
80  mov [rbp-0x18], rax
80  mov qword ptr [rbp-0x10], 0x00
80  mov qword ptr [rbp-0x08], 0x00
80  mov eax, 0x00
80  mov [rbp-0x10], rax
80  test rax, rax
80  jnz 0x0000000000500077
80  mov rax, [rbp-0x38]
80  lea rsp, [rbp-0x68]
80  push [rbp+0x10]
80  call 0x0000000000400105
80  lea rsp, [rbp-0x40]
80  mov [rbp-0x38], rax
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov rax, [rbp-0x38]
80  mov [rbp-0x10], rax
80  jmp 0x000000000050007F
500077:
80  mov rax, [rbp-0x10]
80  mov [rbp-0x38], rax
50007f:
80  nop [rax+rax*1], eax
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov eax, 0x00
80  mov rax, [rbp-0x38]
80  leave
00  ret
---- seed
---- plan
programs: 0 fentry, 1 fmod_ret, 1 fexit
layout: seed, entered by call: CALL_ORIG SKIP_FRAME
frame 136
args 24
ret -8
ctx -96: 11 slots, 6 registers
count -104
rbx -112
run_ctx -128
out -136: 8 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x88
80  mov [rbp-0x70], rbx
80  mov eax, 0x0B
80  mov [rbp-0x68], rax
80  mov [rbp-0x60], rdi
80  movq [rbp-0x58], xmm0
80  mov [rbp-0x50], rsi
80  movq [rbp-0x48], xmm1
80  mov [rbp-0x40], rdx
80  movq [rbp-0x38], xmm2
80  mov [rbp-0x30], rcx
80  mov [rbp-0x28], r8
80  movq [rbp-0x20], xmm3
80  mov [rbp-0x18], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x10], rax
80  mov edi, 0x610000
80  call 0x0000000000450200
80  xor eax, eax
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x80], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x0000000000500088
80  mov eax, 0x00
80  mov [rbp-0x08], rax
500088:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x80]
80  call 0x0000000000450100
80  cmp qword ptr [rbp-0x08], 0x00
80  jnz 0x00000000005000E0
80  mov rdi, [rbp-0x60]
80  mov rsi, [rbp-0x50]
80  mov rdx, [rbp-0x40]
80  mov rcx, [rbp-0x30]
80  mov r8, [rbp-0x28]
80  mov r9, [rbp-0x18]
80  mov rax, [rbp+0x18]
80  mov [rbp-0x88], rax
80  call 0x0000000000400105
80  mov [rbp-0x08], rax
80  nop [rax+rax*1], eax
80  nop [rax+rax*1], eax
80  nop [rax], eax
5000e0:
80  mov edi, 0x64
80  mov [rbp-0x80], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x80]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050011C
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50011c:
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
