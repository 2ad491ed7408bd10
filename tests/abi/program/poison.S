/*
 * poison.S - call a function with every register filled, and look at all of them behind it.
 *
 * Not built by gcc's or clang's C: neither can fill registers around a call.
 */
	.text
	.globl poisoned_call
	.type poisoned_call, @function
/* void poisoned_call(void (*fn)(void), void *stack): fn() on that stack, with poison_before and
 * poison_image in the registers; what they hold then goes to poison_after and poison_seen. */
poisoned_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, own_stack(%rip)
	stmxcsr own_mxcsr(%rip)
	fnstcw own_cw(%rip)
	mov %rdi, target(%rip)
	mov %rsi, %rsp
	mov poison_components(%rip), %eax
	xor %edx, %edx
	xrstor64 poison_image(%rip)
	mov poison_before+0(%rip), %rax
	mov poison_before+8(%rip), %rcx
	mov poison_before+16(%rip), %rdx
	mov poison_before+24(%rip), %rbx
	mov poison_before+40(%rip), %rbp
	mov poison_before+48(%rip), %rsi
	mov poison_before+56(%rip), %rdi
	mov poison_before+64(%rip), %r8
	mov poison_before+72(%rip), %r9
	mov poison_before+80(%rip), %r10
	mov poison_before+88(%rip), %r11
	mov poison_before+96(%rip), %r12
	mov poison_before+104(%rip), %r13
	mov poison_before+112(%rip), %r14
	mov poison_before+120(%rip), %r15
	call *target(%rip)
	mov %rax, poison_after+0(%rip)
	mov %rcx, poison_after+8(%rip)
	mov %rdx, poison_after+16(%rip)
	mov %rbx, poison_after+24(%rip)
	mov %rsp, poison_after+32(%rip)
	mov %rbp, poison_after+40(%rip)
	mov %rsi, poison_after+48(%rip)
	mov %rdi, poison_after+56(%rip)
	mov %r8, poison_after+64(%rip)
	mov %r9, poison_after+72(%rip)
	mov %r10, poison_after+80(%rip)
	mov %r11, poison_after+88(%rip)
	mov %r12, poison_after+96(%rip)
	mov %r13, poison_after+104(%rip)
	mov %r14, poison_after+112(%rip)
	mov %r15, poison_after+120(%rip)
	mov own_stack(%rip), %rsp
	pushf
	pop poison_after+128(%rip)
	cld
	mov poison_components(%rip), %eax
	xor %edx, %edx
	xsave64 poison_seen(%rip)
	fninit
	fldcw own_cw(%rip)
	ldmxcsr own_mxcsr(%rip)
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.size poisoned_call, . - poisoned_call

	.local own_stack, target, own_mxcsr, own_cw
	.comm own_stack, 8, 8
	.comm target, 8, 8
	.comm own_mxcsr, 4, 4
	.comm own_cw, 2, 2
	.section .note.GNU-stack, "", @progbits
