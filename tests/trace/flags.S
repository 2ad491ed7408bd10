/*
 * flags.S - functions whose arguments are flags, as hand-written assembly has them: a carry that
 * goes on into the next limb, an overflow to be branched on, a direction to copy in.  No types
 * are known.
 */
	.text
.macro fn name
	.balign 16
	.globl \name
	.type \name, @function
\name:
.endm
.macro end name
	.size \name, . - \name
.endm

fn flags_adc
	adc %rsi, %rdi
	mov %rdi, %rax
	ret
end flags_adc

fn flags_overflow
	jo 1f
	mov $1, %eax
	ret
1:	mov $2, %eax
	ret
end flags_overflow

fn flags_set
	setc %al
	seto %ah
	movzwl %ax, %eax
	ret
end flags_set

fn flags_all
	nop
	nop
	nop
	pushf
	pop %rax
	and $0xcd5, %eax
	ret
end flags_all

/* on into the next, flags and all */
fn flags_tail
	lea 1(%rdi), %rdi
	jmp flags_adc
end flags_tail

	.section .note.GNU-stack, "", @progbits
