/*
 * later.h - instructions of which the kernel knows less only for what becomes of a register after them.
 *
 * i is one of insn[n].  What becomes of a value is read in the order of the text, along copies, sums, arguments and
 * the stack, until all that hold it are set anew.  Pure; [ctl].
 */
#ifndef TESTS_VERIFY_LATER_H
#define TESTS_VERIFY_LATER_H

#include <linux/bpf.h>
#include <stdbool.h>

/* x <<= 3, x *= 22; if x > 41: there x is at most 41, here the largest multiple of 8, of 2, that is no more. */
bool later_multiple(const struct bpf_insn *insn, int n, const struct bpf_insn *i);

/*
 * x -= 1; p += x; *(p + 1): with x from -1 to 45 nothing is outside.  There a number that may be negative has
 * no largest value without sign, and that is looked at (6.18: "unbounded memory access, make sure...").
 */
bool later_offset(const struct bpf_insn *insn, int n, const struct bpf_insn *i);

/*
 * if x s> 0, then x -= 5: one end of the range, from INT64_MIN on, wraps, and there nothing is left of it; here
 * the range without sign, 1 << 63 to 1 << 64, is moved as well.
 */
bool later_moved(const struct bpf_insn *insn, int n, const struct bpf_insn *i);

/*
 * if x s> 5, then if x > 17: 0 to 5; there 0 to 17, as 6.18.44 says in its log of what 32 bits cannot tell.  So
 * it is with the negative of a word of 4 bytes, at most 0.
 */
bool later_unsigned(const struct bpf_insn *insn, int n, const struct bpf_insn *i);

#endif
