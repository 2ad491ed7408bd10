/*
 * same.h - the same program in other words, of which the kernel knows as much as we do.
 *
 * A way says some instructions by others that do exactly the same, whatever registers and stack hold.  So a program that
 * the kernel refuses as it stands and accepts in other words is safe by its own judgement: no belief in ours is
 * in that, and where we let something pass that is not safe it refuses both.
 *
 * Programs are such as check.h takes: no branch leads out of the text.  Pure; [ctl].
 */
#ifndef TESTS_VERIFY_SAME_H
#define TESTS_VERIFY_SAME_H

#include <linux/bpf.h>

#include "gen.h"

enum same_way {
	/*
	 * x *= 31: once for x < 0 and once for others.  There the signs of what is multiplied are not looked at one by
	 * one, and of a product of either sign only bounds with sign are left, none of 32 bits (6.18.44).
	 */
	SAME_PRODUCT,
	/*
	 * if x > 48: if x s< 0 or x s> 48.  There a number that is at most 0 with sign, and then at most 48
	 * without, is 0 to 48 (6.18.44): it forgets one end where the other is what the jump is about.
	 */
	SAME_ORDER,
	/*
	 * *(u8 *)(p - 64) = 16, where p = r10 + 63: the word it lies in is read, changed and stored.  There a word of zeroes
	 * that is written to in part is no zeroes any more (6.18.44: fp-8=mmmmmmmm).
	 */
	SAME_PART,
	/*
	 * x %= 49: x if that is below 49, and what is not below 49 afterwards, which is nothing, is 0; x /= 3: no more than
	 * x >> 1; by powers of 2: masks and shifts; of constants: what it is.  There nothing is known of quotients and rests.
	 */
	SAME_QUOTIENT,
	/* if r1 == r1: always; r1 -= r1: 0.  There it is not seen that both operands are one register. */
	SAME_SELF,
	/* x <<= y: by y & 63; of constants: what it is.  There nothing is known of a shift that may be by more than the width. */
	SAME_SHIFT,
	/* p -= x: p += 0 - x.  There nothing may be subtracted from a pointer into the stack. */
	SAME_MINUS,
	/* Each instruction in the words of the first of these ways that has some for it. */
	SAME_ALL,
	SAME_WAYS
};

#define SAME_MAX_INSNS (4 * GEN_MAX_INSNS)

/* "it accepts the same by ...". */
const char *same_why(enum same_way way);

/*
 * How many instructions are in out[SAME_MAX_INSNS]; 0: nothing of it can be said so.  What stands for insn[i] begins at
 * out[start[i]]; there all registers that insn[] names hold the same in both.
 */
int same_program(enum same_way way, const struct bpf_insn *insn, int n, struct bpf_insn *out,
		 int start[GEN_MAX_INSNS]);

#endif
