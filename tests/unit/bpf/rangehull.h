/*
 * The least range with a set's values, kept in ten bytes, for words of up to 8 bits: RANGE_WORD.
 */
#ifndef UNIT_RANGEHULL_H
#define UNIT_RANGEHULL_H

#include "bpf/range.h"

#include "rangeref.h"

#define WORD   RANGE_WORD
#define HALF   (RANGE_WORD / 2)
#define VALUES (1 << WORD)
#define SIGN   (VALUES / 2)

/*
 * The least range with some values: eight bounds, each so written that the lesser byte is the wider; then
 * the bits that all have, and that none has.  All 0xff: no value.
 */
struct hull {
	uint8_t least[8];
	uint8_t ones, zeros;
};

static const struct hull hull_none = { { 255, 255, 255, 255, 255, 255, 255, 255 }, 255, 255 };

static inline bool hull_is_none(const struct hull *h)
{
	return h->ones & h->zeros;
}

static inline void hull_join(struct hull *h, const struct hull *with)
{
	for (unsigned i = 0; i < 8; i++)
		h->least[i] = h->least[i] < with->least[i] ? h->least[i] : with->least[i];
	h->ones &= with->ones;
	h->zeros &= with->zeros;
}

static inline uint8_t hull_biased(int64_t v)
{
	return (uint8_t)(v + SIGN);
}

static inline struct hull hull_of(uint8_t v)
{
	uint8_t s = hull_biased(ref_signed(v, WORD)), low = v % (1 << HALF);
	uint8_t sl = hull_biased(ref_signed(low, HALF));

	return (struct hull){ { v, (uint8_t)~v, s, (uint8_t)~s, low, (uint8_t)~low, sl,
				(uint8_t)~sl },
			      v,
			      (uint8_t)~v };
}

/* Every value of the hull's set is one of r. */
static inline bool hull_within(const struct range *r, const struct hull *h)
{
	if (hull_is_none(h))
		return true;
	return r->umin <= h->least[0] && (uint8_t)~h->least[1] <= r->umax &&
	       r->smin <= h->least[2] - SIGN && (uint8_t)~h->least[3] - SIGN <= r->smax &&
	       r->umin32 <= h->least[4] && (uint8_t)~h->least[5] <= r->umax32 &&
	       r->smin32 <= h->least[6] - SIGN && (uint8_t)~h->least[7] - SIGN <= r->smax32 &&
	       !((uint8_t)(~h->ones & ~h->zeros) & ~r->bits.mask) &&
	       (h->ones & ~r->bits.mask) == r->bits.value;
}

/* The values of a range, by the meaning of its fields. */
struct values {
	unsigned n;
	uint8_t value[VALUES];
};

static inline struct values values_of(const struct range *r, const struct hull *point)
{
	struct values s = { .n = 0 };

	for (unsigned v = 0; v < VALUES; v++)
		if (hull_within(r, &point[v]))
			s.value[s.n++] = (uint8_t)v;
	return s;
}

#endif
