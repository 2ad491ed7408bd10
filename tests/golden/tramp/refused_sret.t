sig {i64,i64,i64}(i32)
fmod_ret count
---- refused
Operation not supported: fmod_ret: the result is stored in the caller's memory, which a program's 64-bit value cannot replace: use utramp_set_result(), or attach fentry or fexit programs
