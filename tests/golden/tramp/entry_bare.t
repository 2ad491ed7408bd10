# Entry programs that need neither frame nor stack get none: rax is kept below rsp.
sig i32(i32,p)
fentry bare
fentry bare
---- plan
programs: 2 fentry, 0 fmod_ret, 0 fexit
original: jumped to
no frame: offsets from rsp
save rax at -8
---- code
00  mov [rsp-0x08], rax
00  mov eax, 0x00
00  mov eax, 0x00
00  mov rax, [rsp-0x08]
00  jmp 0x0000000000400105
