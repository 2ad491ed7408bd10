/*
 * rt/entry.S - rt_first: register the thread; rt_guard_slow: ask the recursion guard; rt_tail: ask
 * for an open call.  Every register but rax and flags is preserved; of these DF, which only
 * assembly can have set, and which C code takes for 0.
 *
 * Context  [probe] any stack alignment; callee-saved registers are the C code's care
 */
	.text
	.globl rt_first
	.hidden rt_first
	.type rt_first, @function
rt_first:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushfq
	andq $-16, %rsp
	cld
	call rt_thread_register
	testb $4, -71(%rbp)
	je 1f
	std
1:	leaq -64(%rbp), %rsp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rt_first, . - rt_first

/* rt_guard_enter(8(%rsp), %rbp, %rax): the trampoline's frame is in rbp, the id pushed. */
	.globl rt_guard_slow
	.hidden rt_guard_slow
	.type rt_guard_slow, @function
rt_guard_slow:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movq 16(%rbp), %rdi
	movq (%rbp), %rsi
	movq %rax, %rdx
	pushfq
	andq $-16, %rsp
	cld
	call rt_guard_enter
	testb $4, -71(%rbp)
	je 1f
	std
1:	leaq -64(%rbp), %rsp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rt_guard_slow, . - rt_guard_slow

/* rt_tail_open(%rbp) */
	.globl rt_tail
	.hidden rt_tail
	.type rt_tail, @function
rt_tail:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movq (%rbp), %rdi
	pushfq
	andq $-16, %rsp
	cld
	call rt_tail_open
	testb $4, -71(%rbp)
	je 1f
	std
1:	leaq -64(%rbp), %rsp
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size rt_tail, . - rt_tail
	.section .note.GNU-stack, "", @progbits
