# No types: six registers as they are; entry programs work.
sig raw
fentry call
tag 7
leave
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 176
save rax at -168
save rcx at -160
save rdx at -152
save rsi at -144
save rdi at -136
save r8 at -128
save r9 at -120
save r10 at -112
save r11 at -104
ctx -72: 0 1 2 3 4 5 6 7 count ip
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0xB0
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov qword ptr [rbp-0x08], 0xFFFFFFFF80000007
c0  mov [rbp-0xA8], rax
c0  mov [rbp-0xA0], rcx
c0  mov [rbp-0x98], rdx
c0  mov [rbp-0x90], rsi
c0  mov [rbp-0x88], rdi
c0  mov [rbp-0x80], r8
c0  mov [rbp-0x78], r9
c0  mov [rbp-0x70], r10
c0  mov [rbp-0x68], r11
c0  mov [rbp-0x48], rdi
c0  mov [rbp-0x40], rsi
c0  mov [rbp-0x38], rdx
c0  mov [rbp-0x30], rcx
c0  mov [rbp-0x28], r8
c0  mov [rbp-0x20], r9
c0  mov qword ptr [rbp-0x18], 0x00
c0  mov qword ptr [rbp-0x10], 0x00
c0  mov qword ptr [rbp-0x50], 0x06
c0  mov eax, 0x400100
c0  mov [rbp-0x58], rax
c0  lea rdi, [rbp-0x48]
c0  mov esi, 0x1234
c0  mov rax, 0x7F0012345678
c0  call rax
c0  mov rax, [rbp-0xA8]
c0  mov rcx, [rbp-0xA0]
c0  mov rdx, [rbp-0x98]
c0  mov rsi, [rbp-0x90]
c0  mov rdi, [rbp-0x88]
c0  mov r8, [rbp-0x80]
c0  mov r9, [rbp-0x78]
c0  mov r10, [rbp-0x70]
c0  mov r11, [rbp-0x68]
c0  leave
00  jmp 0x0000000000400210
