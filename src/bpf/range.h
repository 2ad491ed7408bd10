/*
 * bpf/range.h - what is known of a scalar in a register: its bits and its bounds.
 *
 * A range stands for the set of all 64-bit x that satisfy every field at once: x is in bits,
 * umin <= x <= umax, smin <= (int64_t)x <= smax, and the same for the low half of x in the fields
 * that end in 32.  No field says anything of another width or sign but through range_deduce(),
 * which every function here ends with: what they return is deduced already.
 *
 * Soundness: for x of a and y of b, what the instruction makes of x and y is in what the operator
 * makes of a and b; a branch loses no pair that takes it.  Same register twice (r1 - r1,
 * if r1 < r1): the operators do not know that both values are one; the caller may.
 *
 * A word has RANGE_WORD bits, "32" is its half: 64 in the product.  A test builds the same source
 * with 8 and sees all values of all ranges; fields and types stay as they are.
 *
 * Units    bits, values; sizes in bytes where a parameter is called size
 * Errors   false: no value at all is possible (this path is never taken)
 * Memory   the caller's
 * Context  pure
 * Spec     RFC 9669 sections 4.1, 4.2 (arithmetic, byte swaps), 4.3 (jumps)
 */
#ifndef BPF_RANGE_H
#define BPF_RANGE_H

#include "bpf/tnum.h"

#include <linux/bpf.h>

#ifndef RANGE_WORD
#define RANGE_WORD 64
#endif

struct range {
	struct tnum bits;
	uint64_t umin, umax;
	int64_t smin, smax;
	uint32_t umin32, umax32; /* of the low half */
	int32_t smin32, smax32;
};

struct range range_unknown(void);
struct range range_const(uint64_t value);

/* All of lo..hi, lo <= hi. */
struct range range_unsigned(uint64_t lo, uint64_t hi);
struct range range_signed(int64_t lo, int64_t hi);

/* What a load of size (1, 2, 4, 8) bytes gives of which nothing is known. */
struct range range_load(unsigned size, bool sign_extend);

static inline bool range_is_const(const struct range *r)
{
	return tnum_is_const(r->bits); /* deduction makes the bits of a single value known */
}

bool range_is_unknown(const struct range *r);
bool range_contains(const struct range *r, uint64_t value);
bool range_equal(const struct range *a, const struct range *b);

/*
 * Tells every field what the others know, until none learns more.  For who changed fields by hand.
 * false: no value satisfies all (the fields are then of no use).
 */
bool range_deduce(struct range *r);

/*
 * dst = dst op src.  op is BPF_OP() of an instruction of class BPF_ALU64 (is64) or BPF_ALU, whose
 * results are zero-extended; an immediate is range_const((int64_t)imm).  off is the instruction's:
 * 1 makes BPF_DIV and BPF_MOD signed, 8, 16, 32 make BPF_MOV sign-extend.  BPF_NEG looks at dst
 * only.  Any op that is not one of these (BPF_END above all: range_swap) makes dst unknown.
 */
void range_alu(struct range *dst, uint8_t op, bool is64, int16_t off, const struct range *src);

/*
 * BPF_END: keeps the low 16, 32 or 64 bits, zero-extended; their bytes reversed if reverse:
 * class BPF_ALU64 (bswap), or BPF_ALU and BPF_TO_BE on this little-endian machine.
 */
void range_swap(struct range *dst, unsigned bits, bool reverse);

/* dst = its low size (1, 2, 4, 8) bytes, zero-extended (sign-extended). */
void range_cast(struct range *dst, unsigned size);
void range_sign_extend(struct range *dst, unsigned size);

/*
 * What a and b are once "if a op b" (BPF_OP() of a conditional jump; of class BPF_JMP32 if not
 * is64) was taken, or was not.  An immediate is a range_const((int64_t)imm); a and b may not be
 * the same object.  false: this way is never taken; a and b are then of no use.
 */
bool range_branch(uint8_t op, bool is64, struct range *a, struct range *b, bool taken);

/* 1: the jump is always taken; 0: never; -1: depends. */
int range_decide(uint8_t op, bool is64, const struct range *a, const struct range *b);

/* Every value of new is one of old: what was proved of old holds of new. */
bool range_within(const struct range *old, const struct range *new);

/* dst gets the values of both; false: there are none. */
bool range_intersect(struct range *dst, const struct range *src);

/* dst is widened until it has all values of src too. */
void range_join(struct range *dst, const struct range *src);

/*
 * As the kernel's log (kernel/bpf/log.c, 6.8 and later) writes a scalar: "5", "scalar()",
 * "scalar(id=2,smin=umin=1,smax=umax=255,var_off=(0x0; 0xff))".  id 0 is not written.  The length
 * as snprintf's.
 */
int range_text(const struct range *r, uint32_t id, char *buf, size_t size);

#endif
