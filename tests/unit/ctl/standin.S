/* A slab template for the tests of ctl/: the symbols of rt/slab.h, little room. */
	.section .tbss, "awT", @nobits
	.globl rt_tls_word
	.hidden rt_tls_word
rt_tls_word:
	.skip 8

	.text
	.globl slab_text
	.hidden slab_text
	.balign 4096
slab_text:
	.fill 0x10000, 1, 0xcc
	.size slab_text, 0x10000
tls_user:
	movq rt_tls_word@gottpoff(%rip), %rax
	ret

	.section .rodata
	.globl slab_shadow
	.hidden slab_shadow
	.balign 4096
slab_shadow:
	.fill 0x10000, 1, 0
	.size slab_shadow, 0x10000

	.data
	.globl rt_state
	.hidden rt_state
	.balign 8
rt_state:
	.fill 256, 1, 0
	.quad rt_state
	.section .note.GNU-stack, "", @progbits
