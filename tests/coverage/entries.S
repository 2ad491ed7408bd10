/*
 * entries.S - functions that are entered in rarer ways, for entries.c: of no told size and without
 * unwind tables, as libGL's stubs; and too short for a jump.
 */
	.macro function name
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.endm

	.text
	.balign 32
function bare_add
	lea (%rdi,%rsi), %rax
	ret
	.balign 32
function bare_stub /* jumps on by a table, the stack untouched */
	mov table(%rip), %rax
	jmp *8(%rax)
	.balign 32
function bare_short
	mov %edi, %eax
	ret
	.balign 32
function bare_last
	xor %eax, %eax
	add %rdi, %rax
	add %rsi, %rax
	ret

	.section .data.rel.ro, "aw", @progbits
	.balign 8
table:	.quad entries
entries:
	.quad 0, bare_last
	.section .note.GNU-stack, "", @progbits
