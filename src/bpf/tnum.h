/*
 * bpf/tnum.h - numbers of which some bits are known ("tristate numbers").
 *
 * A tnum stands for the set of all x with (x & ~mask) == value: a bit of mask is unknown, every
 * other bit is as in value.  Always value & mask == 0; there is no empty tnum.  Every operator is
 * sound (op(x, y) is in the result for all x of a, y of b) and works on 64 bits; of tnums that are
 * cut to n bits the low n bits of add, sub, mul, neg, and, or, xor, lsh are right for n bits too,
 * for those never look at higher bits.
 *
 * Units    bits and their numbers; sizes in bytes where a parameter is called size
 * Errors   none; what has no answer returns false
 * Memory   values
 * Context  pure
 * Sources  Vishwanathan, Shachnai, Narayana, Nagarakatte: "Sound, Precise, and Fast Abstract
 *          Interpretation with Tristate Numbers", CGO 2022; the same domain: kernel/bpf/tnum.c
 */
#ifndef BPF_TNUM_H
#define BPF_TNUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tnum {
	uint64_t value; /* the known bits that are one */
	uint64_t mask;  /* the unknown bits */
};

static inline struct tnum tnum_const(uint64_t value)
{
	return (struct tnum){ value, 0 };
}

static inline struct tnum tnum_unknown(void)
{
	return (struct tnum){ 0, UINT64_MAX };
}

static inline bool tnum_is_const(struct tnum t)
{
	return !t.mask;
}

static inline bool tnum_is_unknown(struct tnum t)
{
	return t.mask == UINT64_MAX;
}

/* The smallest and the largest value, unsigned. */
static inline uint64_t tnum_min(struct tnum t)
{
	return t.value;
}

static inline uint64_t tnum_max(struct tnum t)
{
	return t.value | t.mask;
}

static inline bool tnum_contains(struct tnum t, uint64_t value)
{
	return (value & ~t.mask) == t.value;
}

/* Every value of inner is one of outer. */
static inline bool tnum_is_subset(struct tnum outer, struct tnum inner)
{
	return !(inner.mask & ~outer.mask) && tnum_contains(outer, inner.value);
}

static inline bool tnum_equal(struct tnum a, struct tnum b)
{
	return a.value == b.value && a.mask == b.mask;
}

/* Every value is a multiple of size, a power of two; 0 and 1 ask nothing. */
static inline bool tnum_is_aligned(struct tnum t, uint64_t size)
{
	return !size || !(tnum_max(t) & (size - 1));
}

/* The smallest tnum with all of min..max (unsigned, min <= max). */
struct tnum tnum_range(uint64_t min, uint64_t max);

struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_neg(struct tnum a);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);

/* Shifts by a known number of bits below 64; arsh repeats the sign of a number of `bits` bits (1..64). */
struct tnum tnum_lsh(struct tnum a, unsigned by);
struct tnum tnum_rsh(struct tnum a, unsigned by);
struct tnum tnum_arsh(struct tnum a, unsigned by, unsigned bits);

/* The low `bits` bits (1..64), the others zero; the same by 1, 2, 4 or 8 bytes. */
struct tnum tnum_cut(struct tnum a, unsigned bits);
struct tnum tnum_cast(struct tnum a, unsigned size);

/* What the low `bits` bits give as a signed number of 64 bits. */
struct tnum tnum_sign_extend(struct tnum a, unsigned bits);

/* The bytes of the low 16, 32 or 64 bits reversed, the others zero. */
struct tnum tnum_swap(struct tnum a, unsigned bits);

/* The values of both; false (*out unchanged): there are none. */
bool tnum_intersect(struct tnum a, struct tnum b, struct tnum *out);

/* The smallest tnum with the values of either. */
struct tnum tnum_union(struct tnum a, struct tnum b);

/* The smallest value of t that is at least from (largest, at most from); false: there is none. */
bool tnum_ceil(struct tnum t, uint64_t from, uint64_t *out);
bool tnum_floor(struct tnum t, uint64_t from, uint64_t *out);

/* "(0x10; 0xf)", as the kernel's log writes it; the length as snprintf's. */
int tnum_text(struct tnum t, char *buf, size_t size);

#endif
