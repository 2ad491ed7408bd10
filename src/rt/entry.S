/*
 * rt/entry.S - rt_first: register the thread; rt_guard_slow: ask the recursion guard; rt_tail: ask
 * for an open call; rt_load_word: read memory.  Every register but the result's and flags is preserved;
 * of these DF, which only assembly can have set, and which C code takes for 0.
 *
 * Context  [probe] any stack alignment; callee-saved registers are the C code's care
 */

/* All that a function in C may change, and a frame; (%rbp) is the caller's rbp. */
.macro begin name, kept=r11
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.cfi_startproc
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq %\kept
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
.endm

/* Call it with what is in its argument registers, and return what it returns, in `result`. */
.macro end name, function, kept=r11, result=rax
	pushfq
	andq $-16, %rsp
	cld
	call \function
	testb $4, -71(%rbp)
	je 1f
	std
1:	leaq -64(%rbp), %rsp
	.ifnc \result, rax
	movq %rax, %\result
	.endif
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %\kept
	popq %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

	.text
begin rt_first
end rt_first, rt_thread_register

/* rt_guard_enter(8(%rsp), %rbp, %rax): the trampoline's frame is in rbp, the id pushed. */
begin rt_guard_slow
	movq 16(%rbp), %rdi
	movq (%rbp), %rsi
	movq %rax, %rdx
end rt_guard_slow, rt_guard_enter

/* rt_tail_open(%rbp) */
begin rt_tail
	movq (%rbp), %rdi
end rt_tail, rt_tail_open

/* rt_load(%r11, %r10) into r11; rax, too, is preserved. */
begin rt_load_word, rax
	movq %r11, %rdi
	movq %r10, %rsi
end rt_load_word, rt_load, rax, r11

	.section .note.GNU-stack, "", @progbits
