/*
 * harness.S - a caller and a callee that know every register, for emit_test.c.
 *
 * harness_call(fn) builds a stack with harness_k bytes of arguments at an address that is
 * harness_shift mod 64, loads every register from h_in, calls fn and stores every register
 * to h_out.  harness_callee stores what it was called with (h_seen), scribbles over its
 * stack arguments and below its stack pointer, and returns with h_set in every caller-saved register.
 * harness_patched is a function whose first instruction calls h_tramp, as a patched one is
 * entered in the kernel; harness_body, behind that, is the rest of it: harness_callee.
 * A state is 15 general registers by number (rsp's place: rsp itself), then 16 xmm.
 */
	.text
#define GPRS(f, base)                                                                          \
	f(rax, base, 0) ; f(rcx, base, 8) ; f(rdx, base, 16) ; f(rsi, base, 48) ;               \
	f(rdi, base, 56) ; f(r8, base, 64) ; f(r9, base, 72) ; f(r10, base, 80) ; f(r11, base, 88)
#define KEPT(f, base)                                                                          \
	f(rbx, base, 24) ; f(rbp, base, 40) ; f(r12, base, 96) ; f(r13, base, 104) ;            \
	f(r14, base, 112) ; f(r15, base, 120)
#define LOAD(r, base, off) mov base + off(%rip), %r
#define STORE(r, base, off) mov %r, base + off(%rip)

	.macro xmms op, base
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	.ifc \op, load
	movups \base + 128 + 16 * \n(%rip), %xmm\n
	.else
	movups %xmm\n, \base + 128 + 16 * \n(%rip)
	.endif
	.endr
	.endm

	.globl harness_call
	.type harness_call, @function
harness_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, h_fn(%rip)
	mov %rsp, h_old_rsp(%rip)
	mov harness_k(%rip), %rcx
	sub %rcx, %rsp
	sub $256, %rsp
	and $-64, %rsp
	add harness_shift(%rip), %rsp
	lea harness_stack(%rip), %rsi
	mov %rsp, %rdi
	rep movsb
	mov %rsp, h_in + 32(%rip)
	xmms load, h_in
	cmpb $0, harness_step(%rip)
	je 1f
	pushf
	orl $0x100, (%rsp)
	popf
1:
	KEPT(LOAD, h_in)
	GPRS(LOAD, h_in)
	call *h_fn(%rip)
	.globl harness_returned
harness_returned:
	GPRS(STORE, h_out)
	KEPT(STORE, h_out)
	mov %rsp, h_out + 32(%rip)
	pushf
	pop %rax
	mov %rax, h_flags(%rip)
	and $~0x100, %rax
	push %rax
	popf
	cld
	xmms store, h_out
	mov %rsp, %rsi
	lea harness_stack_after(%rip), %rdi
	mov harness_k(%rip), %rcx
	rep movsb
	mov h_old_rsp(%rip), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.globl harness_callee
	.type harness_callee, @function
harness_callee:
	GPRS(STORE, h_seen)
	KEPT(STORE, h_seen)
	mov %rsp, h_seen + 32(%rip)
	xmms store, h_seen
	incl harness_runs(%rip)
	lea 8(%rsp), %rsi
	lea harness_stack_seen(%rip), %rdi
	mov harness_k(%rip), %rcx
	rep movsb
	lea 8(%rsp), %rdi
	mov harness_k(%rip), %rcx
	mov $0xee, %eax
	rep stosb
	lea -512(%rsp), %rdi
	mov $512, %ecx
	rep stosb
	xmms load, h_set
	GPRS(LOAD, h_set)
	ret

	.globl harness_patched, harness_body
	.type harness_patched, @function
harness_patched:
	call *h_tramp(%rip)
harness_body:
	jmp harness_callee

	/* What the slot's stubs do: count, touching flags only, and go on. */
	.globl harness_leave_ret
harness_leave_ret:
	incl harness_left(%rip)
	ret
	.globl harness_leave_resume
harness_leave_resume:
	incl harness_left(%rip)
	jmp harness_callee

	/* rt_tail(): which tail calls share a frame is the test's to say. */
	.globl harness_tail
harness_tail:
	incl harness_asked(%rip)
	mov harness_shares(%rip), %rax
	ret

	.bss
	.balign 64
	.irp s, h_in, h_out, h_seen, h_set
	.globl \s
\s:	.skip 128 + 256
	.endr
	.irp s, harness_shares, harness_k, harness_shift, h_fn, h_tramp, h_old_rsp, h_flags
	.globl \s
\s:	.skip 8
	.endr
	.globl harness_runs, harness_left, harness_step, harness_asked
harness_asked: .skip 4
harness_runs: .skip 4
harness_left: .skip 4
harness_step: .skip 8
	.irp s, harness_stack, harness_stack_seen, harness_stack_after
	.globl \s
	.balign 64
\s:	.skip 65536
	.endr
	.section .note.GNU-stack, "", @progbits
