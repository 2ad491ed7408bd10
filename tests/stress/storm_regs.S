/*
 * storm_regs.S - call leaf() with every caller-saved register in use: what gcc does with
 * -fipa-ra when it knows that leaf() changes rax only.
 */
#include "storm_victim.h"

	.macro gprs op_from=0
	.if \op_from
	movq 0(%rbx), %rdi
	movq 8(%rbx), %rsi
	movq 16(%rbx), %rcx
	movq 24(%rbx), %rdx
	movq 32(%rbx), %r8
	movq 40(%rbx), %r9
	movq 48(%rbx), %r10
	movq 56(%rbx), %r11
	.else
	movq %rdi, 0(%rbp)
	movq %rsi, 8(%rbp)
	movq %rcx, 16(%rbp)
	movq %rdx, 24(%rbp)
	movq %r8, 32(%rbp)
	movq %r9, 40(%rbp)
	movq %r10, 48(%rbp)
	movq %r11, 56(%rbp)
	movq %rax, (8 * REG_RAX)(%rbp)
	.endif
	.endm

	.text
	.globl regs_call
	.type regs_call, @function
regs_call:
	.cfi_startproc
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbx, -16
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -24
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq %rdi, %rbx
	movq %rsi, %rbp
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups (8 * REG_XMM + 16 * \n)(%rbx), %xmm\n
	.endr
	gprs 1
	call leaf
	gprs 0
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups %xmm\n, (8 * REG_XMM + 16 * \n)(%rbp)
	.endr
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rbp
	.cfi_adjust_cfa_offset -8
	popq %rbx
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size regs_call, . - regs_call
	.section .note.GNU-stack, "", @progbits
