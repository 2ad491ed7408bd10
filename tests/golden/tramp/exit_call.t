# A native body may change every caller-saved register; both stubs of the slot, and a tag.
sig i32(p,u8,f64)
fexit call
tag 0x2a
leave
---- plan
programs: 0 fentry, 0 fmod_ret, 1 fexit
original: called
frame 208
save rax at -120
save rcx at -112
save rdx at -104
save rsi at -96
save rdi at -88
save r8 at -80
save r9 at -72
save r10 at -64
save r11 at -56
ctx -160: 0 1 2 3 4 count ip
scratch -200
out -240: 0 bytes of stack arguments
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xF0
80  mov qword ptr [rbp-0x30], 0xFFFFFFFF8000002A
c0  mov [rbp-0x78], rax
c0  mov [rbp-0xA0], rdi
c0  movzx eax, sil
c0  mov [rbp-0x98], rax
c0  movq [rbp-0x90], xmm0
c0  mov qword ptr [rbp-0x88], 0x00
c0  mov qword ptr [rbp-0x80], 0x00
c0  mov qword ptr [rbp-0xA8], 0x03
c0  mov eax, 0x400100
c0  mov [rbp-0xB0], rax
c0  mov rax, [rbp-0x78]
c0  call 0x0000000000400105
c0  mov [rbp-0x78], rax
c0  mov [rbp-0x70], rcx
c0  mov [rbp-0x68], rdx
c0  mov [rbp-0x60], rsi
c0  mov [rbp-0x58], rdi
c0  mov [rbp-0x50], r8
c0  mov [rbp-0x48], r9
c0  mov [rbp-0x40], r10
c0  mov [rbp-0x38], r11
c0  lea rsp, [rbp-0xD0]
c0  and rsp, 0xFFFFFFFFFFFFFFF0
c0  movsxd rax, dword ptr [rbp-0x78]
c0  mov [rbp-0x88], rax
c0  nop [rax+rax*1], eax
c0  lea rdi, [rbp-0xA0]
c0  mov esi, 0x1234
c0  mov rax, 0x7F0012345678
c0  call rax
c0  mov rax, [rbp-0x78]
c0  mov rcx, [rbp-0x70]
c0  mov rdx, [rbp-0x68]
c0  mov rsi, [rbp-0x60]
c0  mov rdi, [rbp-0x58]
c0  mov r8, [rbp-0x50]
c0  mov r9, [rbp-0x48]
c0  mov r10, [rbp-0x40]
c0  mov r11, [rbp-0x38]
c0  leave
00  jmp 0x0000000000400200
