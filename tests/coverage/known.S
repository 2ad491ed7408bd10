/*
 * known.S - one function for each way to be entered, and for each refusal that code or names can
 * give; coverage.py knows how many.  Nothing of it ever runs.
 *
 * Code stands close, so that no padding invites a hop; `hop` has the only hole.
 */
	.macro function name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.endm
	.macro end name
	.size \name, . - \name
	.endm

	.text
	/* sites */
function moved
	push %rbp
	mov %rsp, %rbp
	sub $16, %rsp
	leave
	ret
end moved
function nops
	.byte 0x0f, 0x1f, 0x44, 0, 0
	ret
end nops
function returns_at_once /* the padding behind it is a part of the window */
	ret
end returns_at_once
	.skip 4, 0x90
function calls_last
	push %rax
	call moved
	pop %rax
	ret
end calls_last

	/* refused */
function short
	ret
end short
function unmovable
	ud2
	ret
end unmovable
function early_call
	call *%rax
	xor %eax, %eax
	ret
end early_call
function loops
	dec %edi
	jnz loops
	ret
end loops
function branch_into
	push %rbp
1:	mov %rsp, %rbp
	dec %edi
	jnz 1b
	pop %rbp
	ret
end branch_into
function jumps_anywhere
	push %rbp
	sub %rax, %rcx
	xor %eax, %eax
	jmp *%rcx
end jumps_anywhere
function undecodable
	.byte 0x06
	xor %eax, %eax
	xor %eax, %eax
	ret
end undecodable
function sigreturn_bytes
	mov $15, %rax
	syscall
end sigreturn_bytes
function split_stack
	cmp %fs:0x70, %rsp
	ret
end split_stack
	.globl resolver
	.hidden resolver
	.type resolver, @gnu_indirect_function
resolver:
	lea moved(%rip), %rax
	ret
end resolver
function __restore
	mov $15, %rax
	syscall
end __restore

	/* entry programs only */
function setjmp
	mov %rbx, (%rdi)
	mov %rbp, 8(%rdi)
	ret
end setjmp
function swapcontext
	mov %rsp, 8(%rdi)
	mov 8(%rsi), %rsp
	ret
end swapcontext

	/* no function: a part of one, and start-up code */
function moved.cold
	xor %eax, %eax
	xor %eax, %eax
	xor %eax, %eax
	ret
end moved.cold

	/* 300 bytes of code away, the only padding: of it two may want, and one gets it */
	.rept 60
	mov $1, %eax
	.endr
function hop
	ret
end hop
	nop /* code as far as the sweep can tell: it is too short for a hole */
function next
	mov $2, %eax
	ret
	.skip 8, 0xcc
end next
function no_hop_left
	rep ret
end no_hop_left
function behind
	mov $3, %eax
	ret
end behind
	.section .note.GNU-stack, "", @progbits
