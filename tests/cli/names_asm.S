/*
 * names_asm.S - a function whose arguments no debug information tells; and two that are too short
 * for a jump, with padding for one hop in reach.
 */
	.text
	.globl	assembly
	.type	assembly, @function
assembly:
	movl	8(%rsp), %eax
	addl	$1, %eax
	nop
	nop
	ret
	.size	assembly, . - assembly

	.macro	function name
	.globl	\name
	.type	\name, @function
\name:
	.endm

	function wall_before
	.rept	50
	addl	$1, %eax
	.endr
	ret
	.size	wall_before, . - wall_before
	function short_one
	movl	%edi, %eax
	ret
	.size	short_one, . - short_one
	function short_two
	movl	%esi, %eax
	ret
	.size	short_two, . - short_two
	function behind
	movl	%edi, %eax
	addl	$1, %eax
	ret
	.size	behind, . - behind
	.rept	6
	int3
	.endr
	function wall_behind
	.rept	50
	addl	$1, %eax
	.endr
	ret
	.size	wall_behind, . - wall_behind
	.section .note.GNU-stack, "", @progbits
