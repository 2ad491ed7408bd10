# Small integers are extended by their own sign, a float's upper half is cleared, a double is
# stored as it is, the seventh integer comes from the stack.
sig void(i8,u8,i16,u16,bool,u32,i32,f32,f64,{u8[5]})
fentry read=0,1,2,3,4,5,6,7,8,9
---- plan
programs: 1 fentry, 0 fmod_ret, 0 fexit
original: jumped to
frame 96
save rax at -88
ctx -80: 0 1 2 3 4 5 6 7 8 9
---- code
00  push rbp
41  mov rbp, rsp
80  sub rsp, 0x60
80  and rsp, 0xFFFFFFFFFFFFFFF0
80  mov [rbp-0x58], rax
80  movsx rax, dil
80  mov [rbp-0x50], rax
80  movzx eax, sil
80  mov [rbp-0x48], rax
80  movsx rax, dx
80  mov [rbp-0x40], rax
80  movzx eax, cx
80  mov [rbp-0x38], rax
80  movzx eax, r8b
80  mov [rbp-0x30], rax
80  mov eax, r9d
80  mov [rbp-0x28], rax
80  movsxd rax, dword ptr [rbp+0x10]
80  mov [rbp-0x20], rax
80  movq [rbp-0x18], xmm0
80  mov dword ptr [rbp-0x14], 0x00
80  movq [rbp-0x10], xmm1
80  mov rax, [rbp+0x18]
80  shl rax, 0x18
80  shr rax, 0x18
80  mov [rbp-0x08], rax
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
80  mov rax, [rbp-0x58]
80  leave
00  jmp 0x0000000000400105
