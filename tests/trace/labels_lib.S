/* Two ways into one function; the second has no size, and no type where NOTYPE is defined. */
	.text
	.globl first, second
	.type first, @function
#ifndef NOTYPE
	.type second, @function
#endif
	.p2align 4
first:	xorl %eax, %eax
	nop
second:	leaq 1(%rdi,%rax), %rax
	imulq $3, %rax, %rax
	ret
	.size first, . - first
	.section .note.GNU-stack, "", @progbits
