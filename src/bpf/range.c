/*
 * bpf/range.c - see range.h: making, deducing, comparing and writing ranges.
 *
 * Deduction goes to and fro between two views, the word and its low half: bits that both have are
 * shared, the word's intervals tell which low halves occur, the low half's intervals move the ends
 * of the word's to the next number whose low half is possible.
 */
#include "bpf/range.h"

#include "bpf/range_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define ROUNDS 16 /* a fix point takes 2 or 3; each round only narrows, so any may be the last */

struct range range_unknown(void)
{
	struct view word = view_all(RANGE_WORD), half = view_all(RANGE_HALF);
	struct range r = { .bits = word.bits };

	view_put(&word, &r);
	view_put(&half, &r);
	return r;
}

struct range range_const(uint64_t value)
{
	struct range r;
	uint32_t low = (uint32_t)(value & view_mask(RANGE_HALF));

	r.bits = tnum_const(value & view_mask(RANGE_WORD));
	r.umin = r.umax = r.bits.value;
	r.smin = r.smax = view_signed(value, RANGE_WORD);
	r.umin32 = r.umax32 = low;
	r.smin32 = r.smax32 = (int32_t)view_signed(low, RANGE_HALF);
	return r;
}

struct range range_unsigned(uint64_t lo, uint64_t hi)
{
	struct range r = range_unknown();

	r.umin = lo;
	r.umax = hi;
	(void)range_deduce(&r);
	return r;
}

struct range range_signed(int64_t lo, int64_t hi)
{
	struct range r = range_unknown();

	r.smin = lo;
	r.smax = hi;
	(void)range_deduce(&r);
	return r;
}

struct range range_load(unsigned size, bool sign_extend)
{
	struct range r = range_unknown();

	if (sign_extend)
		range_sign_extend(&r, size);
	else
		range_cast(&r, size);
	return r;
}

/* Moves *end up to the next number whose low half is in half; false: there is none. */
static bool next_by_half(const struct view *half, uint64_t *end)
{
	uint64_t mask = view_mask(RANGE_HALF), low = *end & mask, high = *end & ~mask;

	for (unsigned i = 0; i < 2; i++) {
		if (!view_has(half, i) || half->hi[i] < low)
			continue;
		*end = high | (half->lo[i] > low ? half->lo[i] : low);
		return true;
	}
	if (high == (view_mask(RANGE_WORD) & ~mask))
		return false;
	*end = (high + mask + 1) | view_umin(half);
	return true;
}

/* The same, down. */
static bool last_by_half(const struct view *half, uint64_t *end)
{
	uint64_t mask = view_mask(RANGE_HALF), low = *end & mask, high = *end & ~mask;

	for (unsigned i = 2; i-- > 0;) {
		if (!view_has(half, i) || half->lo[i] > low)
			continue;
		*end = high | (half->hi[i] < low ? half->hi[i] : low);
		return true;
	}
	if (!high)
		return false;
	*end = (high - mask - 1) | view_umax(half);
	return true;
}

static bool word_to_half(const struct view *word, struct view *half)
{
	struct view low = view_none(RANGE_HALF);

	for (unsigned i = 0; i < 2; i++)
		if (view_has(word, i)) /* as distances: a length of a whole half makes it all */
			view_add(&low, word->lo[i] & view_mask(RANGE_HALF),
				 (view_int)(word->lo[i] & view_mask(RANGE_HALF)) + word->hi[i] -
					 word->lo[i],
				 word->bits);
	return view_intersect(half, &low);
}

static bool half_to_word(const struct view *half, struct view *word)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t lo = word->lo[i], hi = word->hi[i];

		if (!view_has(word, i))
			continue;
		if (next_by_half(half, &lo) && last_by_half(half, &hi)) {
			word->lo[i] = lo;
			word->hi[i] = hi;
		} else {
			word->lo[i] = 1; /* empty */
			word->hi[i] = 0;
		}
	}
	return tnum_intersect(word->bits, view_word_bits(half), &word->bits) && view_settle(word);
}

static bool same_view(const struct view *a, const struct view *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (a->lo[i] != b->lo[i] || a->hi[i] != b->hi[i])
			return false;
	return tnum_equal(a->bits, b->bits);
}

bool range_deduce(struct range *r)
{
	struct view word = view_word(r), half = view_half(r);

	if (!view_settle(&word) || !view_settle(&half))
		return false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct view old_word = word, old_half = half;

		if (!word_to_half(&word, &half) || !half_to_word(&half, &word))
			return false;
		if (same_view(&word, &old_word) && same_view(&half, &old_half))
			break;
	}
	r->bits = word.bits;
	view_put(&half, r);
	view_put(&word, r);
	return true;
}

bool range_is_unknown(const struct range *r)
{
	struct range all = range_unknown();

	return range_equal(r, &all);
}

bool range_contains(const struct range *r, uint64_t value)
{
	uint32_t low = (uint32_t)(value & view_mask(RANGE_HALF));
	int64_t word = view_signed(value, RANGE_WORD), half = view_signed(low, RANGE_HALF);

	return tnum_contains(r->bits, value) && r->umin <= value && value <= r->umax &&
	       r->smin <= word && word <= r->smax && r->umin32 <= low && low <= r->umax32 &&
	       r->smin32 <= half && half <= r->smax32;
}

bool range_within(const struct range *old, const struct range *new)
{
	return tnum_is_subset(old->bits, new->bits) &&
	       old->umin <= new->umin &&new->umax <= old->umax &&
	       old->smin <= new->smin &&new->smax <= old->smax &&
	       old->umin32 <= new->umin32 &&new->umax32 <= old->umax32 &&
	       old->smin32 <= new->smin32 &&new->smax32 <= old->smax32;
}

bool range_equal(const struct range *a, const struct range *b)
{
	return range_within(a, b) && range_within(b, a);
}

bool range_intersect(struct range *dst, const struct range *src)
{
	struct view word = view_word(src), half = view_half(src);
	struct view dst_word = view_word(dst), dst_half = view_half(dst);

	if (!view_intersect(&dst_word, &word) || !view_intersect(&dst_half, &half) ||
	    !tnum_intersect(dst_word.bits, view_word_bits(&dst_half), &dst_word.bits))
		return false;
	view_put(&dst_half, dst);
	view_put(&dst_word, dst);
	return range_deduce(dst);
}

/* Unsigned and signed bounds hold for the joined values one by one; so does each of the two halves. */
void range_join(struct range *dst, const struct range *src)
{
#define JOIN(field, than) dst->field = dst->field than src->field ? dst->field : src->field
	JOIN(umin, <);
	JOIN(umax, >);
	JOIN(smin, <);
	JOIN(smax, >);
	JOIN(umin32, <);
	JOIN(umax32, >);
	JOIN(smin32, <);
	JOIN(smax32, >);
#undef JOIN
	dst->bits = tnum_union(dst->bits, src->bits);
	(void)range_deduce(dst);
}

/* One bound as the log writes it; silent if it says nothing. */
struct bound {
	const char *name;
	uint64_t value;
	bool is_signed, silent;
};

struct writer {
	char *buf;
	size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
	size_t room = w->length < w->size ? w->size - w->length : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? w->buf + w->length : NULL, room, format, args);
	va_end(args);
	if (n > 0)
		w->length += (size_t)n;
}

/* What fits 16 bits in decimal, the rest in hexadecimal (kernel/bpf/log.c since 6.8). */
static void put_number(struct writer *w, uint64_t value, bool is_signed)
{
	int64_t number = (int64_t)value;

	if (is_signed && number >= INT16_MIN && number <= INT16_MAX)
		put(w, "%" PRId64, number);
	else if (!is_signed && value <= UINT16_MAX)
		put(w, "%" PRIu64, value);
	else
		put(w, "0x%" PRIx64, value);
}

/* Lower bounds of one value are written with one number, and so are upper ones. */
static void put_bounds(struct writer *w, struct bound *bound, unsigned n, const char **comma)
{
	for (unsigned i = 0; i < n; i++) {
		if (bound[i].silent)
			continue;
		put(w, "%s%s=", *comma, bound[i].name);
		*comma = ",";
		for (unsigned j = i + 2; j < n; j += 2) {
			if (bound[j].silent || bound[j].value != bound[i].value)
				continue;
			put(w, "%s=", bound[j].name);
			bound[j].silent = true;
		}
		put_number(w, bound[i].value, bound[i].is_signed);
	}
}

int range_text(const struct range *r, uint32_t id, char *buf, size_t size)
{
	struct range all = range_unknown();
	struct writer w = { buf, size, 0 };
	const char *comma = "";
	char bits[64];
	struct bound bound[] = {
#define BOUND(field, is_signed) { #field, (uint64_t)r->field, is_signed, r->field == all.field }
		BOUND(smin, true),    BOUND(smax, true),    BOUND(umin, false),
		BOUND(umax, false),   BOUND(smin32, true),  BOUND(smax32, true),
		BOUND(umin32, false), BOUND(umax32, false),
#undef BOUND
	};

	if (range_is_const(r)) {
		put_number(&w, (uint64_t)r->smin, true);
		return (int)w.length;
	}
	put(&w, "scalar(");
	if (id) {
		put(&w, "id=%" PRIu32, id);
		comma = ",";
	}
	put_bounds(&w, bound, sizeof(bound) / sizeof(bound[0]), &comma);
	if (!tnum_equal(r->bits, all.bits)) {
		tnum_text(r->bits, bits, sizeof(bits));
		put(&w, "%svar_off=%s", comma, bits);
	}
	put(&w, ")");
	return (int)w.length;
}
