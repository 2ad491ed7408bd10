sig void(i32)
fmod_ret set
---- refused
Operation not supported: utramp_set_result: the function returns nothing that could be set: return a value other than 0 from the program to skip it
