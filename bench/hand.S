/*
 * hand.S - the least a trampoline can do: the yardstick.
 *
 * Written by hand for each function of the HAND rows: all integer arguments go to an array,
 * a native program is called with its address, the arguments come back.  Nothing is counted
 * or guarded, rax and r10 are lost, nothing can be unwound, nothing can be taken away.
 *
 *   rbp + 16 ..        stack arguments
 *   rbp - 8 * (n + 1)  the array: n arguments, then the result
 *   rsp ..             exit programs: the copy of the stack arguments
 */
	.text

/* arguments <-> array */
.macro SAVE n
	.if \n > 0
	movq %rdi, -8 * (\n + 1)(%rbp)
	movq %rsi, -8 * (\n + 1) + 8(%rbp)
	.endif
	.if \n > 2
	movq %rdx, -8 * (\n + 1) + 16(%rbp)
	movq %rcx, -8 * (\n + 1) + 24(%rbp)
	movq %r8, -8 * (\n + 1) + 32(%rbp)
	movq %r9, -8 * (\n + 1) + 40(%rbp)
	.endif
.endm

.macro RESTORE n
	.if \n > 0
	movq -8 * (\n + 1)(%rbp), %rdi
	movq -8 * (\n + 1) + 8(%rbp), %rsi
	.endif
	.if \n > 2
	movq -8 * (\n + 1) + 16(%rbp), %rdx
	movq -8 * (\n + 1) + 24(%rbp), %rcx
	movq -8 * (\n + 1) + 32(%rbp), %r8
	movq -8 * (\n + 1) + 40(%rbp), %r9
	.endif
.endm

/* The stack arguments into the array and, if the function will be called, for it. */
.macro COPY n, call
	.set i, 0
	.rept \n - 6
	movq 16 + 8 * i(%rbp), %rax
	movq %rax, -8 * (\n + 1) + 48 + 8 * i(%rbp)
	.if \call
	movq %rax, 8 * i(%rsp)
	.endif
	.set i, i + 1
	.endr
.endm

.macro ENTER row, n, call
	.balign 64
	.globl hand_\row\()_tramp_\n
	.hidden hand_\row\()_tramp_\n
	.type hand_\row\()_tramp_\n, @function
hand_\row\()_tramp_\n:
	pushq %rbp
	movq %rsp, %rbp
	.if \call && \n > 6
	subq $((8 * (\n + 1) + 8 * (\n - 6) + 15) & ~15), %rsp
	.else
	subq $((8 * (\n + 1) + 15) & ~15), %rsp
	.endif
	SAVE \n
	.if \n > 6
	COPY \n, \call
	.endif
.endm

.macro RUN n, prog
	leaq -8 * (\n + 1)(%rbp), %rdi
	call \prog
.endm

/* Entry only: on into the function, behind its nop. */
.macro ENTRY row, n, prog
	ENTER \row, \n, 0
	RUN \n, \prog
	RESTORE \n
	leave
	jmp hand_\row\()_f\n + 5
.endm

.macro CALL_AND_EXIT row, n, prog
	call hand_\row\()_f\n + 5
	movq %rax, -8(%rbp)
	RUN \n, \prog
	movq -8(%rbp), %rax
	leave
	ret
.endm

.macro ALL n
	ENTRY empty, \n, native_empty
	ENTRY entry, \n, native_entry
	ENTER exit, \n, 1
	CALL_AND_EXIT exit, \n, native_exit
	ENTER both, \n, 1
	RUN \n, native_entry
	RESTORE \n
	CALL_AND_EXIT both, \n, native_exit
.endm

	ALL 0
	ALL 2
	ALL 6
	ALL 8
	ALL 12
	ENTRY store, 12, native_store

	.section .note.GNU-stack, "", @progbits
