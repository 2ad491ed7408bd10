/* Code that is named in every way a file can: see test_code_addresses. */
	.text
	.globl named, bare, start_up
	.type named, @function
named:	ret
local:	ret
far:	ret
bare:	ret /* a global label without type and size */
	.type start_up, @function
start_up: ret /* DT_INIT */
	.size start_up, . - start_up
	.skip 16, 0xcc
	.type chosen, @gnu_indirect_function
chosen:	ret
last:	ret
	.skip 23, 0xcc
	.size named, . - named

	.data
	.balign 8
	.quad local     /* RELATIVE */
	.quad 7, named + 40
	.quad far       /* in a bitmap */
	.skip 600
	.quad last      /* in the second one */
	.quad chosen    /* IRELATIVE */
	.quad 0x1000    /* a number */
	.section .note.GNU-stack, "", @progbits
