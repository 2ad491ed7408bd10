/*
 * bpf/range_view.h - a range looked at in one width: as two intervals, one for each sign.
 *
 * Internal to bpf/range*.c.  Unsigned and signed bounds of a number of `width` bits say together:
 * it is in lo[0]..hi[0], below the sign bit, or in lo[1]..hi[1], which have it.  In an interval
 * unsigned and signed order are one, so no rule needs a case for numbers that cross the sign.
 * Numbers are kept unsigned, zero above width; an interval that is empty has lo > hi.
 *
 * Context  pure
 */
#ifndef BPF_RANGE_VIEW_H
#define BPF_RANGE_VIEW_H

#include "bpf/range.h"

#define RANGE_HALF (RANGE_WORD / 2)
#define RANGE_BYTE ((RANGE_WORD + 7) / 8) /* an eighth of a word, in bits */

struct view {
	unsigned width;
	struct tnum bits;
	uint64_t lo[2], hi[2];
};

/* Wide enough for exact sums and products of 64-bit numbers. */
__extension__ typedef __int128 view_int;

static inline uint64_t view_mask(unsigned width)
{
	return UINT64_MAX >> (64 - width);
}

static inline uint64_t view_sign_bit(unsigned width)
{
	return (uint64_t)1 << (width - 1);
}

static inline int64_t view_signed(uint64_t value, unsigned width)
{
	return (int64_t)(value << (64 - width)) >> (64 - width);
}

static inline bool view_has(const struct view *v, unsigned side)
{
	return v->lo[side] <= v->hi[side];
}

static inline bool view_is_empty(const struct view *v)
{
	return !view_has(v, 0) && !view_has(v, 1);
}

/* Of a view that is not empty. */
static inline uint64_t view_umin(const struct view *v)
{
	return view_has(v, 0) ? v->lo[0] : v->lo[1];
}

static inline uint64_t view_umax(const struct view *v)
{
	return view_has(v, 1) ? v->hi[1] : v->hi[0];
}

static inline int64_t view_smin(const struct view *v)
{
	return view_signed(view_has(v, 1) ? v->lo[1] : v->lo[0], v->width);
}

static inline int64_t view_smax(const struct view *v)
{
	return view_signed(view_has(v, 0) ? v->hi[0] : v->hi[1], v->width);
}

/* No value; every value. */
struct view view_none(unsigned width);
struct view view_all(unsigned width);

/* The range in its full width, and its low half. */
struct view view_word(const struct range *r);
struct view view_half(const struct range *r);

/* What the view's bits say of a word: nothing above the width. */
static inline struct tnum view_word_bits(const struct view *v)
{
	return (struct tnum){ v->bits.value, v->bits.mask | ~view_mask(v->width) };
}

/* Writes the fields of the view's width; of bits, those.  Not of an empty view. */
void view_put(const struct view *v, struct range *r);

/* Adds all numbers of lo..hi, modulo the width; bits is what is known of those. */
void view_add(struct view *v, view_int lo, view_int hi, struct tnum bits);

/* Takes away what is not in lo..hi. */
void view_limit(struct view *v, uint64_t lo, uint64_t hi);
void view_limit_signed(struct view *v, int64_t lo, int64_t hi);

/* v becomes what is in both.  Bits and intervals tell each other, as in view_settle(). */
bool view_intersect(struct view *v, const struct view *with);

/* Bits and intervals tell each other all they know; false: no number satisfies both. */
bool view_settle(struct view *v);

#endif
