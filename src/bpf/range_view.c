/* bpf/range_view.c - see range_view.h. */
#include "bpf/range_view.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void clear_side(struct view *v, unsigned side)
{
	v->lo[side] = 1;
	v->hi[side] = 0;
}

struct view view_none(unsigned width)
{
	return (struct view){ width, tnum_const(0), { 1, 1 }, { 0, 0 } };
}

struct view view_all(unsigned width)
{
	uint64_t sign = view_sign_bit(width);

	return (struct view){
		width, { 0, view_mask(width) }, { 0, sign }, { sign - 1, view_mask(width) }
	};
}

/* A side that is empty stays so: its lo is above its hi, and both only draw nearer. */
void view_limit(struct view *v, uint64_t lo, uint64_t hi)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!view_has(v, i))
			continue;
		v->lo[i] = most(v->lo[i], lo);
		v->hi[i] = least(v->hi[i], hi);
	}
}

void view_limit_signed(struct view *v, int64_t lo, int64_t hi)
{
	uint64_t mask = view_mask(v->width);

	if (hi < 0)
		clear_side(v, 0);
	if (lo >= 0)
		clear_side(v, 1);
	if (view_has(v, 0)) {
		v->lo[0] = most(v->lo[0], lo > 0 ? (uint64_t)lo : 0);
		v->hi[0] = least(v->hi[0], (uint64_t)hi);
	}
	if (view_has(v, 1)) {
		v->lo[1] = most(v->lo[1], (uint64_t)lo & mask);
		v->hi[1] = least(v->hi[1], hi < 0 ? (uint64_t)hi & mask : mask);
	}
}

struct view view_word(const struct range *r)
{
	struct view v = view_all(RANGE_WORD);

	v.bits = tnum_cut(r->bits, RANGE_WORD);
	view_limit(&v, r->umin, r->umax);
	view_limit_signed(&v, r->smin, r->smax);
	return v;
}

struct view view_half(const struct range *r)
{
	struct view v = view_all(RANGE_HALF);

	v.bits = tnum_cut(r->bits, RANGE_HALF);
	view_limit(&v, r->umin32, r->umax32);
	view_limit_signed(&v, r->smin32, r->smax32);
	return v;
}

void view_put(const struct view *v, struct range *r)
{
	uint64_t keep = ~view_mask(v->width);

	r->bits.value = (r->bits.value & keep) | v->bits.value;
	r->bits.mask = (r->bits.mask & keep) | v->bits.mask;
	if (v->width == RANGE_WORD) {
		r->umin = view_umin(v);
		r->umax = view_umax(v);
		r->smin = view_smin(v);
		r->smax = view_smax(v);
	} else {
		r->umin32 = (uint32_t)view_umin(v);
		r->umax32 = (uint32_t)view_umax(v);
		r->smin32 = (int32_t)view_smin(v);
		r->smax32 = (int32_t)view_smax(v);
	}
}

static void add_to_side(struct view *v, unsigned side, uint64_t lo, uint64_t hi)
{
	bool has = view_has(v, side);

	v->lo[side] = has ? least(v->lo[side], lo) : lo;
	v->hi[side] = has ? most(v->hi[side], hi) : hi;
}

void view_add(struct view *v, view_int lo, view_int hi, struct tnum bits)
{
	uint64_t mask = view_mask(v->width), sign = view_sign_bit(v->width);
	uint64_t at = (uint64_t)lo & mask, left;

	bits = tnum_cut(bits, v->width);
	v->bits = view_is_empty(v) ? bits : tnum_union(v->bits, bits);
	if (hi - lo >= (view_int)mask) {
		add_to_side(v, 0, 0, sign - 1);
		add_to_side(v, 1, sign, mask);
		return;
	}
	/* An arc of the circle of numbers: one piece for each side it comes through, three at most. */
	for (left = (uint64_t)(hi - lo);;) {
		unsigned side = at >= sign;
		uint64_t piece = least((side ? mask : sign - 1) - at, left);

		add_to_side(v, side, at, at + piece);
		if (piece == left)
			return;
		left -= piece + 1;
		at = (at + piece + 1) & mask;
	}
}

bool view_intersect(struct view *v, const struct view *with)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!view_has(v, i) || !view_has(with, i)) {
			clear_side(v, i);
			continue;
		}
		v->lo[i] = most(v->lo[i], with->lo[i]);
		v->hi[i] = least(v->hi[i], with->hi[i]);
	}
	return tnum_intersect(v->bits, with->bits, &v->bits) && view_settle(v);
}

/*
 * The ends of an interval become numbers that the bits allow.  Then the bits above the first that
 * differ within an interval are known.  The ends satisfy that too: once through is enough.
 */
bool view_settle(struct view *v)
{
	struct tnum within = { 0, 0 };
	bool any = false;

	for (unsigned i = 0; i < 2; i++) {
		struct tnum side;

		if (!view_has(v, i))
			continue;
		if (!tnum_ceil(v->bits, v->lo[i], &v->lo[i]) ||
		    !tnum_floor(v->bits, v->hi[i], &v->hi[i]) || v->lo[i] > v->hi[i]) {
			clear_side(v, i);
			continue;
		}
		side = tnum_range(v->lo[i], v->hi[i]);
		within = any ? tnum_union(within, side) : side;
		any = true;
	}
	return any && tnum_intersect(v->bits, within, &v->bits);
}
