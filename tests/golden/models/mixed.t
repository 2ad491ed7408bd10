sig i64(i32,f64,i64,f32,p,f64,i8,i16,f64,u32,i64)
fentry read=0,1,2,3,4,5,6,7,8,9,10
layout both
---- ours
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 96
save rax at -96
ctx -88: 0 1 2 3 4 5 6 7 8 9 10
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x60
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x60], rax
80  movsxd rax, edi
80  mov [rbp-0x58], rax
80  movq [rbp-0x50], xmm0
80  mov [rbp-0x48], rsi
80  movq [rbp-0x40], xmm1
80  mov dword ptr [rbp-0x3C], 0x00
80  mov [rbp-0x38], rdx
80  movq [rbp-0x30], xmm2
80  movsx rax, cl
80  mov [rbp-0x28], rax
80  movsx rax, r8w
80  mov [rbp-0x20], rax
80  movq [rbp-0x18], xmm3
80  mov eax, r9d
80  mov [rbp-0x10], rax
80  mov rax, [rbp+0x10]
80  mov [rbp-0x08], rax
80  mov rax, [rbp-0x58]
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x40]
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
80  mov rax, [rbp-0x60]
80  leave
00  jmp 0x0000000000400105
---- seed
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
layout: seed, entered by call: RESTORE_REGS
frame 120
args 24
ctx -88: 11 slots, 6 registers
count -96
rbx -104
run_ctx -120
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x78
80  mov [rbp-0x68], rbx
80  mov eax, 0x0B
80  mov [rbp-0x60], rax
80  mov [rbp-0x58], rdi
80  movq [rbp-0x50], xmm0
80  mov [rbp-0x48], rsi
80  movq [rbp-0x40], xmm1
80  mov [rbp-0x38], rdx
80  movq [rbp-0x30], xmm2
80  mov [rbp-0x28], rcx
80  mov [rbp-0x20], r8
80  movq [rbp-0x18], xmm3
80  mov [rbp-0x10], r9
80  mov rax, [rbp+0x18]
80  mov [rbp-0x08], rax
80  mov edi, 0x64
80  mov [rbp-0x78], rdi
80  mov edi, 0x600000
80  lea rsi, [rbp-0x78]
80  call 0x0000000000450000
80  mov rbx, rax
80  test rax, rax
80  jz 0x000000000050009D
80  mov rax, [rbp-0x58]
80  mov rax, [rbp-0x50]
80  mov rax, [rbp-0x48]
80  mov rax, [rbp-0x40]
80  mov rax, [rbp-0x38]
80  mov rax, [rbp-0x30]
80  mov rax, [rbp-0x28]
80  mov rax, [rbp-0x20]
80  mov rax, [rbp-0x18]
80  mov rax, [rbp-0x10]
80  mov rax, [rbp-0x08]
80  mov eax, 0x00
50009d:
80  mov edi, 0x600000
80  mov rsi, rbx
80  lea rdx, [rbp-0x78]
80  call 0x0000000000450100
80  mov rdi, [rbp-0x58]
80  mov rsi, [rbp-0x48]
80  mov rdx, [rbp-0x38]
80  mov rcx, [rbp-0x28]
80  mov r8, [rbp-0x20]
80  mov r9, [rbp-0x10]
80  mov rbx, [rbp-0x68]
80  leave
00  ret
