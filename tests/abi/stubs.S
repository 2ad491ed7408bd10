/*
 * stubs.S - what C cannot say: a caller that checks the callee-saved registers, and the
 * program body, which logs its context and then destroys every register that it may.
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
