/*
 * stubs.S - what C cannot say: a caller that checks the callee-saved registers, the four places
 * where all registers are looked at (state.c), and the program body, which logs its context and
 * then destroys every register that it may.
 */
	.text
	.globl abi_call
	.type abi_call, @function
/* uint64_t abi_call(caller, fn, in, out): callers[i](fn, in, out); non-zero if rbx, rbp, r12-r15
 * or the direction flag came back changed. */
abi_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	mov %rcx, %rdx
	mov $0x1b1b1b1b, %ebx
	mov $0x2b2b2b2b, %ebp
	mov $0x12121212, %r12d
	mov $0x13131313, %r13d
	mov $0x14141414, %r14d
	mov $0x15151515, %r15d
	call *%rax
	pushf
	pop %rax
	and $0x400, %eax
	xor $0x1b1b1b1b, %rbx
	xor $0x2b2b2b2b, %rbp
	xor $0x12121212, %r12
	xor $0x13131313, %r13
	xor $0x14141414, %r14
	xor $0x15151515, %r15
	or %rbx, %rax
	or %rbp, %rax
	or %r12, %rax
	or %r13, %rax
	or %r14, %rax
	or %r15, %rax
	cld
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

/*
 * caller -> abi_enter -> trampoline -> abi_arrive -> callee -> abi_leave -> trampoline ->
 * abi_home -> caller.  The last two by return addresses that state.c puts in place of others.
 */
	.macro each_gpr op
	\op %rax, 0
	\op %rcx, 8
	\op %rdx, 16
	\op %rbx, 24
	\op %rsp, 32
	\op %rbp, 40
	\op %rsi, 48
	\op %rdi, 56
	\op %r8, 64
	\op %r9, 72
	\op %r10, 80
	\op %r11, 88
	\op %r12, 96
	\op %r13, 104
	\op %r14, 112
	\op %r15, 120
	.endm
	.macro store_gpr reg, at
	mov \reg, abi_state+STATE+\at(%rip)
	.endm
	.macro load_gpr reg, at
	mov abi_state+STATE+\at(%rip), \reg
	.endm
	/* All registers to abi_state[n], \what of state.c on a stack of its own, and back. */
	.macro look n, what
	.set STATE, \n * 8192
	each_gpr store_gpr
	lea abi_stack_top(%rip), %rsp
	pushf
	pop abi_state+STATE+128(%rip)
	cld
	mov abi_components(%rip), %eax
	xor %edx, %edx
	xsave64 abi_state+STATE+192(%rip)
	call \what
	mov abi_components(%rip), %eax
	xor %edx, %edx
	xrstor64 abi_state+STATE+192(%rip)
	each_gpr load_gpr
	.endm

	.globl abi_enter
	.type abi_enter, @function
abi_enter:
	look 0, abi_at_entry
	jmp *abi_code(%rip)

	.globl abi_arrive
	.type abi_arrive, @function
abi_arrive:
	look 1, abi_at_callee
	jmp *abi_callee(%rip)

	.globl abi_leave
	.type abi_leave, @function
abi_leave:
	lea -8(%rsp), %rsp
	look 2, abi_from_callee
	ret

	.globl abi_home
	.type abi_home, @function
abi_home:
	lea -8(%rsp), %rsp
	look 3, abi_at_caller
	ret

	.local abi_stack
	.comm abi_stack, 16384, 64
	.set abi_stack_top, abi_stack + 16384

	.globl abi_body
	.type abi_body, @function
abi_body:
	lea 8(%rsp), %rdx
	sub $8, %rsp
	call abi_log
	add $8, %rsp
	movabs $0xdeadbeefcafef00d, %rcx
	mov %rcx, %rdx
	mov %rcx, %rsi
	mov %rcx, %rdi
	mov %rcx, %r8
	mov %rcx, %r9
	mov %rcx, %r10
	mov %rcx, %r11
	ret
	.section .note.GNU-stack, "", @progbits
