/*
 * survive_switch.S - switch stacks as coroutine libraries do by hand: callee-saved registers
 * and rsp.  A victim's, not traced.
 */
	.text
/* void hand_switch(void **save, void *to): go on at `to`, until somebody goes on at *save. */
	.globl hand_switch
	.type hand_switch, @function
hand_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size hand_switch, . - hand_switch
	.section .note.GNU-stack, "", @progbits
