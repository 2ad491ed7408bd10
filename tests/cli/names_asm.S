/* names_asm.S - a function whose arguments no debug information tells. */
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
	.section .note.GNU-stack, "", @progbits
