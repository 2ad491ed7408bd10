# No programs: a jump.
sig i32(i32)
leave
---- plan
programs: 0 fentry, 0 fmod_ret, 0 fexit
nothing to run: jump to the original
---- code
00  jmp 0x0000000000400210
