/*
 * profiled_drive.S - callers and callees that compilers do not make: see profiled.c.
 */
	.text
/*
 * long drive(long (*fn)(long), long arg, long rbp, long *kept): fn(arg), with callee-saved
 * registers of known values and rbp as told.  *kept: they are so afterwards.
 */
#ifndef FRAMES
	.globl drive
	.type drive, @function
drive:
	.cfi_startproc
	.irp r, rbx, rbp, r12, r13, r14, r15
	pushq %\r
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %\r, 0
	.endr
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	pushq %rcx
	.cfi_adjust_cfa_offset 8
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rbp
	movl $0x1b, %ebx
	movl $0x112, %r12d
	movl $0x113, %r13d
	movl $0x114, %r14d
	movl $0x115, %r15d
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call *%rax
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rcx
	.cfi_adjust_cfa_offset -8
	popq %rdx
	.cfi_adjust_cfa_offset -8
	xorl %esi, %esi
	cmpq %rdx, %rbp
	jne 1f
	cmpq $0x1b, %rbx
	jne 1f
	cmpq $0x112, %r12
	jne 1f
	cmpq $0x113, %r13
	jne 1f
	cmpq $0x114, %r14
	jne 1f
	cmpq $0x115, %r15
	jne 1f
	incl %esi
1:	movq %rsi, (%rcx)
	.irp r, r15, r14, r13, r12, rbp, rbx
	popq %\r
	.cfi_adjust_cfa_offset -8
	.cfi_restore %\r
	.endr
	ret
	.cfi_endproc
	.size drive, . - drive
#endif

/*
 * long p_raw(long n): calls p_leaf with rsp off by 8 and rbp the stack's address plus n, which
 * is neither a frame nor the caller's.
 */
	.globl p_raw
	.type p_raw, @function
p_raw:
	.cfi_startproc
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	incl %fs:level@tpoff
	leaq (%rsp, %rdi), %rbp
	call p_leaf
	incq %rax
	decl %fs:level@tpoff
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size p_raw, . - p_raw
	.section .note.GNU-stack, "", @progbits
