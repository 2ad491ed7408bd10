/* kinds.S - waits for a signal: as a program of 32 bits, of x32, and with a note of Go's. */
	.globl _start
_start:
#ifdef __x86_64__
	movl $(34 + X32), %eax	/* pause */
	syscall
#else
	movl $29, %eax
	int $0x80
#endif
	jmp _start
#ifdef GO
	.section .note.go.buildid, "a", @note
	.balign 4
	.long 4, 8, 4
	.asciz "Go\0"
	.ascii "buildid\0"
#endif
	.section .note.GNU-stack, "", @progbits
