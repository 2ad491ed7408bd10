/*
 * bpf/tnum.c - see tnum.h.
 *
 * Where an operator works bit by bit, a result bit is known if what is known of the operands' bits
 * decides it; sums are the one case where bits meet, through the carry.
 */
#include "bpf/tnum.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t low_bits(unsigned bits)
{
	return bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;
}

/* Value where known, with the bits that are not. */
static struct tnum known_except(uint64_t value, uint64_t unknown)
{
	return (struct tnum){ value & ~unknown, unknown };
}

struct tnum tnum_range(uint64_t min, uint64_t max)
{
	uint64_t differ = min ^ max;

	/* Above the highest bit that differs all values agree; below it each pattern may occur. */
	if (!differ)
		return tnum_const(min);
	return known_except(min, low_bits(64 - (unsigned)__builtin_clzll(differ)));
}

/*
 * a + b + carry.  A bit's carry grows with the operands, so between all-least and all-largest it is
 * one value where these two sums agree (CGO 2022: minimum and maximum carries lemmas; optimal).
 */
static struct tnum sum(struct tnum a, struct tnum b, unsigned carry)
{
	uint64_t least = tnum_min(a) + tnum_min(b) + carry;
	uint64_t most = tnum_max(a) + tnum_max(b) + carry;

	return known_except(least, (least ^ most) | a.mask | b.mask);
}

static struct tnum complement(struct tnum a)
{
	return known_except(~a.value, a.mask);
}

struct tnum tnum_add(struct tnum a, struct tnum b)
{
	return sum(a, b, 0);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
	return sum(a, complement(b), 1); /* two's complement */
}

struct tnum tnum_neg(struct tnum a)
{
	return tnum_sub(tnum_const(0), a);
}

/*
 * Long multiplication: one addend of b for each bit of a.  A bit that is not known adds or does
 * not: the union of both ways.
 */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
	struct tnum product = tnum_const(0);

	if (__builtin_popcountll(a.mask) > __builtin_popcountll(b.mask)) {
		struct tnum t = a;

		a = b; /* fewer unions lose less */
		b = t;
	}
	for (uint64_t left = tnum_max(a); left; left &= left - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(left);
		struct tnum with = tnum_add(product, tnum_lsh(b, bit));

		product = a.mask >> bit & 1 ? tnum_union(product, with) : with;
	}
	return product;
}

/* Known: 0 where either is known to be 0, 1 where both are known to be 1. */
struct tnum tnum_and(struct tnum a, struct tnum b)
{
	uint64_t one = a.value & b.value;

	return (struct tnum){ one, tnum_max(a) & tnum_max(b) & ~one };
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
	uint64_t one = a.value | b.value;

	return (struct tnum){ one, (a.mask | b.mask) & ~one };
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
	return known_except(a.value ^ b.value, a.mask | b.mask);
}

struct tnum tnum_lsh(struct tnum a, unsigned by)
{
	return (struct tnum){ a.value << by, a.mask << by };
}

struct tnum tnum_rsh(struct tnum a, unsigned by)
{
	return (struct tnum){ a.value >> by, a.mask >> by };
}

/* A sign that is not known makes every copy of it unknown. */
struct tnum tnum_arsh(struct tnum a, unsigned by, unsigned bits)
{
	a = tnum_sign_extend(a, bits);
	a.value = (uint64_t)((int64_t)a.value >> by);
	a.mask = (uint64_t)((int64_t)a.mask >> by);
	return tnum_cut(a, bits);
}

struct tnum tnum_cut(struct tnum a, unsigned bits)
{
	return (struct tnum){ a.value & low_bits(bits), a.mask & low_bits(bits) };
}

struct tnum tnum_cast(struct tnum a, unsigned size)
{
	return tnum_cut(a, 8 * size);
}

struct tnum tnum_sign_extend(struct tnum a, unsigned bits)
{
	unsigned up = 64 - bits;

	a = tnum_lsh(a, up);
	a.value = (uint64_t)((int64_t)a.value >> up);
	a.mask = (uint64_t)((int64_t)a.mask >> up);
	return a;
}

static uint64_t swap(uint64_t v, unsigned bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

struct tnum tnum_swap(struct tnum a, unsigned bits)
{
	return (struct tnum){ swap(a.value, bits), swap(a.mask, bits) };
}

bool tnum_intersect(struct tnum a, struct tnum b, struct tnum *out)
{
	if ((a.value ^ b.value) & ~a.mask & ~b.mask)
		return false; /* a bit known to be 0 here and 1 there */
	*out = known_except(a.value | b.value, a.mask & b.mask);
	return true;
}

struct tnum tnum_union(struct tnum a, struct tnum b)
{
	return known_except(a.value, a.mask | b.mask | (a.value ^ b.value));
}

bool tnum_ceil(struct tnum t, uint64_t from, uint64_t *out)
{
	uint64_t wrong = (from ^ t.value) & ~t.mask, high, up;

	if (!wrong) {
		*out = from;
		return true;
	}
	high = (uint64_t)1 << (63 -
			       __builtin_clzll(wrong)); /* the highest bit that t has otherwise */
	/*
	 * If t has a one there, that alone makes it larger than from: below, the least.  If it has
	 * a zero, the value must outgrow from in a bit above: the lowest that may be set and is not.
	 */
	up = high;
	if (!(t.value & high)) {
		up = t.mask & ~from & ~(high | (high - 1));
		up &= -up;
		if (!up)
			return false;
	}
	*out = (from & ~(up | (up - 1))) | up | (t.value & (up - 1));
	return true;
}

bool tnum_floor(struct tnum t, uint64_t from, uint64_t *out)
{
	/* The complement turns the order round. */
	if (!tnum_ceil(complement(t), ~from, out))
		return false;
	*out = ~*out;
	return true;
}

int tnum_text(struct tnum t, char *buf, size_t size)
{
	return snprintf(buf, size, "(0x%" PRIx64 "; 0x%" PRIx64 ")", t.value, t.mask);
}
