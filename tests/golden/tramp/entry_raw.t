# No types: six registers as they are; entry programs work.
sig raw
fentry call
tag 7
leave
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 224
save rax at -120
save rcx at -112
save rdx at -104
save rsi at -96
save rdi at -88
save r8 at -80
save r9 at -72
save r10 at -64
save r11 at -56
ctx -184: 0 1 2 3 4 5 6 7 count ip
scratch -224
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xE0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x30], 0xFFFFFFFF80000007
c0  mov [rbp-0x78], rax
c0  mov [rbp-0x70], rcx
c0  mov [rbp-0x68], rdx
c0  mov [rbp-0x60], rsi
c0  mov [rbp-0x58], rdi
c0  mov [rbp-0x50], r8
c0  mov [rbp-0x48], r9
c0  mov [rbp-0x40], r10
c0  mov [rbp-0x38], r11
c0  mov [rbp-0xB8], rdi
c0  mov [rbp-0xB0], rsi
c0  mov [rbp-0xA8], rdx
c0  mov [rbp-0xA0], rcx
c0  mov [rbp-0x98], r8
c0  mov [rbp-0x90], r9
c0  mov qword ptr [rbp-0x88], 0x00
c0  mov qword ptr [rbp-0x80], 0x00
c0  mov qword ptr [rbp-0xC0], 0x06
c0  mov eax, 0x400100
c0  mov [rbp-0xC8], rax
c0  lea rdi, [rbp-0xB8]
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
00  jmp 0x0000000000400210
