# A native body may change every caller-saved register; both stubs of the slot, and a tag.
sig i32(p,u8,f64)
fexit call
tag 0x2a
leave
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 144
save rax at -144
save rcx at -136
save rdx at -128
save rsi at -120
save rdi at -112
save r8 at -104
save r9 at -96
save r10 at -88
save r11 at -80
ctx -48: 0 1 2 3 4 count ip
out -112: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x90
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF8000002A
c0  mov [rbp-0x90], rax
c0  mov [rbp-0x30], rdi
c0  movzx eax, sil
c0  mov [rbp-0x28], rax
c0  movq [rbp-0x20], xmm0
c0  mov qword ptr [rbp-0x18], 0x00
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov qword ptr [rbp-0x38], 0x03
c0  mov eax, 0x400100
c0  mov [rbp-0x40], rax
c0  mov rax, [rbp-0x90]
c0  lea rsp, [rbp-0x70]
c0  call 0x0000000000400105
c0  lea rsp, [rbp-0x90]
c0  mov [rbp-0x90], rax
c0  mov [rbp-0x88], rcx
c0  mov [rbp-0x80], rdx
c0  mov [rbp-0x78], rsi
c0  mov [rbp-0x70], rdi
c0  mov [rbp-0x68], r8
c0  mov [rbp-0x60], r9
c0  mov [rbp-0x58], r10
c0  mov [rbp-0x50], r11
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  movsxd rax, dword ptr [rbp-0x90]
c0  mov [rbp-0x18], rax
c0  nop [rax+rax*1], eax
c0  lea rdi, [rbp-0x30]
c0  mov esi, 0x1234
c0  mov rax, 0x7F0012345678
c0  call rax
c0  mov rax, [rbp-0x90]
c0  mov rcx, [rbp-0x88]
c0  mov rdx, [rbp-0x80]
c0  mov rsi, [rbp-0x78]
c0  mov rdi, [rbp-0x70]
c0  mov r8, [rbp-0x68]
c0  mov r9, [rbp-0x60]
c0  mov r10, [rbp-0x58]
c0  mov r11, [rbp-0x50]
c0  leave
00  jmp 0x0000000000400200
