/*
 * calls.S - what no C compiler writes: calls with every register in use, on chosen stacks, and
 * functions whose arguments and results are where the ABI has none.
 */
	.macro function name
	.text
	.p2align 4
	.globl \name
	.type \name, @function
\name:
	.endm

	.macro end name
	.size \name, . - \name
	.endm

/* long on_stack(fn, args, n, top): six registers from args, n words at the end of the stack. */
function on_stack
	push %rbx
	push %rbp
	mov %rsp, %rbx
	mov %rdi, %rax
	mov %rsi, %r10
	mov %rdx, %r11
	mov %rcx, %rsp
1:	test %r11, %r11
	jz 2f
	push 40(%r10,%r11,8)
	dec %r11
	jmp 1b
2:	mov (%r10), %rdi
	mov 8(%r10), %rsi
	mov 16(%r10), %rdx
	mov 24(%r10), %rcx
	mov 32(%r10), %r8
	mov 40(%r10), %r9
	xor %ebp, %ebp
	call *%rax
	mov %rbx, %rsp
	pop %rbp
	pop %rbx
	ret
end on_stack

/*
 * void state_call(struct state *in, struct state *out, fn, long mask): every register from in,
 * fn, every register to out.  state: 16 general registers by number, flags, then at 192 a
 * pointer to the area of xsave (mask != 0) or fxsave.
 */
function state_call
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $40, %rsp
	mov %rsi, (%rsp)
	mov %rdx, 8(%rsp)
	mov %ecx, 16(%rsp)
	mov 192(%rdi), %rbx
	mov %ecx, %eax
	xor %edx, %edx
	test %eax, %eax
	jz 1f
	xrstor64 (%rbx)
	jmp 2f
1:	fxrstor64 (%rbx)
2:	mov 0(%rdi), %rax
	mov 8(%rdi), %rcx
	mov 16(%rdi), %rdx
	mov 24(%rdi), %rbx
	mov 40(%rdi), %rbp
	mov 48(%rdi), %rsi
	mov 64(%rdi), %r8
	mov 72(%rdi), %r9
	mov 80(%rdi), %r10
	mov 88(%rdi), %r11
	mov 96(%rdi), %r12
	mov 104(%rdi), %r13
	mov 112(%rdi), %r14
	mov 120(%rdi), %r15
	mov 56(%rdi), %rdi
	call *8(%rsp)
	mov %rdi, 24(%rsp)
	mov (%rsp), %rdi
	mov %rax, 0(%rdi)
	mov %rcx, 8(%rdi)
	mov %rdx, 16(%rdi)
	mov %rbx, 24(%rdi)
	mov %rbp, 40(%rdi)
	mov %rsi, 48(%rdi)
	mov %r8, 64(%rdi)
	mov %r9, 72(%rdi)
	mov %r10, 80(%rdi)
	mov %r11, 88(%rdi)
	mov %r12, 96(%rdi)
	mov %r13, 104(%rdi)
	mov %r14, 112(%rdi)
	mov %r15, 120(%rdi)
	pushf
	pop 128(%rdi)
	mov 24(%rsp), %rax
	mov %rax, 56(%rdi)
	mov 192(%rdi), %rbx
	mov 16(%rsp), %eax
	xor %edx, %edx
	test %eax, %eax
	jz 3f
	xsave64 (%rbx)
	jmp 4f
3:	fxsave64 (%rbx)
4:	fninit
	cld
	add $40, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
end state_call

/* Leaves everything as it is; what its caller has in rax, r10, r11 may be an argument. */
function t_state
	nopl 0(%rax)
	nop
	ret
end t_state

/* Arguments in registers that are nobody's: rax, r10, r11. */
function t_scratch
	lea (%rax,%rax,2), %rax
	lea (%rax,%r10,4), %rax
	lea (%rax,%r11,8), %rax
	ret
end t_scratch

function scratch_call
	mov %rdi, %rax
	lea 5(%rdi), %r10
	lea 9(%rdi), %r11
	call t_scratch
	ret
end scratch_call

/* A result in a flag: 3-argument division that says so when it cannot. */
function t_carry
	test %rsi, %rsi
	stc
	jz 1f
	clc
1:	nop
	ret
end t_carry

function carry_call
	call t_carry
	setc %al
	movzx %al, %eax
	ret
end carry_call

/* An argument in a flag. */
function t_borrow
	mov %rdi, %rax
	adc $0, %rax
	nop
	ret
end t_borrow

function borrow_call
	cmp %rsi, %rdi
	call t_borrow
	ret
end borrow_call

/* DF as the callee finds it. */
function t_direction
	pushf
	pop %rax
	and $0x400, %eax
	ret
end t_direction

/* void x87_call(long n, long double out[8]): seven values, t_ldouble(n)'s on top of them. */
	.weak t_ldouble
function x87_call
	push %rbx
	mov %rsi, %rbx
	fninit
	fld1
	fldpi
	fldl2e
	fldl2t
	fldlg2
	fldln2
	fldz
	call t_ldouble
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	fstpt 16 * \n(%rbx)
	.endr
	fninit
	pop %rbx
	ret
end x87_call

/* Returns by push and ret, as hooks that take the return address do: for what counts calls. */
function unbalanced
	lea 1f(%rip), %rax
	push %rax
	ret
1:	ret
end unbalanced
	.section .note.GNU-stack, "", @progbits
