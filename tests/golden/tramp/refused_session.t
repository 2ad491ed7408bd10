# exits are impossible
sig raw
fsession cookie
---- refused
Operation not supported: fexit programs need to know what the function is passed on the stack, and it is variadic or has no types: attach fentry programs only, or give its prototype with --proto, its types with --btf
