/*
 * rt/fault_entry.S - where the kernel enters our signal handler, and where handlers return to.
 *
 *   rt_fault_entry  SIGSEGV, SIGBUS: mended, or on to the application's handler
 *   rt_sig_enter    another signal whose handler has one of these in its mask
 *   rt_sig_return   in place of the restorer, for handlers of the application's that came by here
 *   rt_restore      the restorer of our own handler: rt_sigreturn(2), in the bytes by which
 *                   unwinders without unwind tables know a signal's frame
 *
 * At a handler's entry rsp points to the return address, behind it lies struct ucontext; rdi, rsi,
 * rdx hold signal, siginfo, ucontext whether it asked for them or not, rax is 0
 * (arch/x86/kernel/signal_64.c).  The application's handler gets all that as it was.
 *
 * Context  [probe]
 * Spec     DWARF 5 6.4.2; struct sigcontext for the offsets: uc + 40, eight bytes each
 */

.macro enter name, function
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.cfi_startproc
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	call \function
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	testq %rax, %rax
	je 1f
	movq %rax, %r11
	xorl %eax, %eax
	jmp *%r11
1:	ret
	.cfi_endproc
	.size \name, . - \name
.endm

/* A register lies at rsp + off, 64 <= off < 8192: DW_CFA_expression, DW_OP_breg7. */
.macro far reg, off
	.cfi_escape 0x10, \reg, 3, 0x77, (\off & 0x7f) | 0x80, \off >> 7
.endm

/* The same, off < 64. */
.macro near reg, off
	.cfi_escape 0x10, \reg, 2, 0x77, \off
.endm

/* rsp = struct ucontext.  The CFA is the interrupted rsp: DW_CFA_def_cfa_expression, deref. */
.macro signal_frame
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_escape 0x0f, 4, 0x77, (160 & 0x7f) | 0x80, 160 >> 7, 0x06
	near 8, 40
	near 9, 48
	near 10, 56
	far 11, 64
	far 12, 72
	far 13, 80
	far 14, 88
	far 15, 96
	far 5, 104
	far 4, 112
	far 6, 120
	far 3, 128
	far 1, 136
	far 0, 144
	far 2, 152
	far 7, 160
	far 16, 168
.endm

	.text
enter rt_fault_entry, rt_fault
enter rt_sig_enter, rt_sig_entered

/* Unwinders look at the byte before a return address: it must be of this frame, too. */
	.balign 16
	.globl rt_sig_return
	.hidden rt_sig_return
	.type rt_sig_return, @function
	signal_frame
	nop
rt_sig_return:
	movq %rsp, %rdi
	call rt_sig_left
	movq $15, %rax
	syscall
	.cfi_endproc
	.size rt_sig_return, . - rt_sig_return

	.balign 16
	.globl rt_restore
	.hidden rt_restore
	.type rt_restore, @function
	signal_frame
	nop
rt_restore:
	movq $15, %rax
	syscall
	.cfi_endproc
	.size rt_restore, . - rt_restore

	.section .note.GNU-stack, "", @progbits
