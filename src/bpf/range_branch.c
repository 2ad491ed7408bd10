/*
 * bpf/range_branch.c - see range.h: what a conditional jump tells.
 *
 * "Greater" is "less" of the operands exchanged, and a jump that is not taken is the opposite one
 * that is; so six relations remain, each on two views of the jump's width.
 */
#include "bpf/range_view.h"

enum relation { EQUAL, DIFFERENT, COMMON, DISJOINT, LESS, AT_MOST };

struct comparison {
	enum relation relation;
	bool is_signed, exchanged;
};

static bool comparison_of(uint8_t op, struct comparison *c)
{
	switch (op) {
	case BPF_JEQ:
		*c = (struct comparison){ EQUAL, false, false };
		return true;
	case BPF_JNE:
		*c = (struct comparison){ DIFFERENT, false, false };
		return true;
	case BPF_JSET:
		*c = (struct comparison){ COMMON, false, false };
		return true;
	case BPF_JLT:
	case BPF_JSLT:
		*c = (struct comparison){ LESS, op == BPF_JSLT, false };
		return true;
	case BPF_JLE:
	case BPF_JSLE:
		*c = (struct comparison){ AT_MOST, op == BPF_JSLE, false };
		return true;
	case BPF_JGT:
	case BPF_JSGT:
		*c = (struct comparison){ LESS, op == BPF_JSGT, true };
		return true;
	case BPF_JGE:
	case BPF_JSGE:
		*c = (struct comparison){ AT_MOST, op == BPF_JSGE, true };
		return true;
	default:
		return false;
	}
}

static void negate(struct comparison *c)
{
	static const enum relation opposite[] = {
		[EQUAL] = DIFFERENT, [DIFFERENT] = EQUAL, [COMMON] = DISJOINT,
		[DISJOINT] = COMMON, [LESS] = AT_MOST,    [AT_MOST] = LESS,
	};

	/* !(a < b) is b <= a */
	if (c->relation == LESS || c->relation == AT_MOST)
		c->exchanged = !c->exchanged;
	c->relation = opposite[c->relation];
}

/* v is not the one value that other has: it loses an end, if that is it. */
static void refine_different(struct view *v, const struct view *other)
{
	uint64_t value = other->bits.value;

	if (!tnum_is_const(other->bits))
		return;
	for (unsigned i = 0; i < 2; i++) {
		if (!view_has(v, i))
			continue;
		if (v->lo[i] == v->hi[i] && v->lo[i] == value) {
			v->lo[i] = 1; /* empty */
			v->hi[i] = 0;
		} else if (v->lo[i] == value) {
			v->lo[i]++;
		} else if (v->hi[i] == value) {
			v->hi[i]--;
		}
	}
}

/* a & b is not 0: if there is one bit only that both may have, both have it. */
static bool refine_common(struct view *a, struct view *b)
{
	uint64_t both = tnum_max(a->bits) & tnum_max(b->bits);

	if (both & (both - 1))
		return true;
	if (!both)
		return false;
	a->bits = (struct tnum){ a->bits.value | both, a->bits.mask & ~both };
	b->bits = (struct tnum){ b->bits.value | both, b->bits.mask & ~both };
	return true;
}

/* a & b is 0: what one has the other lacks. */
static bool refine_disjoint(struct view *a, struct view *b)
{
	uint64_t of_a = a->bits.value, of_b = b->bits.value;

	if (of_a & of_b)
		return false;
	a->bits.mask &= ~of_b;
	b->bits.mask &= ~of_a;
	return true;
}

static bool refine_less(struct view *a, struct view *b, bool equal)
{
	uint64_t lo = view_umin(a), hi = view_umax(b);

	if (!equal && (!hi || lo == view_mask(a->width)))
		return false;
	view_limit(a, 0, hi - !equal);
	view_limit(b, lo + !equal, view_mask(a->width));
	return true;
}

static bool refine_less_signed(struct view *a, struct view *b, bool equal)
{
	int64_t least = view_signed(view_sign_bit(a->width), a->width), most = ~least;
	int64_t lo = view_smin(a), hi = view_smax(b);

	if (!equal && (hi == least || lo == most))
		return false;
	view_limit_signed(a, least, hi - !equal);
	view_limit_signed(b, lo + !equal, most);
	return true;
}

/* a and b are settled, so not empty. */
static bool refine(const struct comparison *c, struct view *a, struct view *b)
{
	struct view was = *a;

	switch (c->relation) {
	case EQUAL:
		if (!view_intersect(a, b))
			return false;
		*b = *a;
		return true;
	case DIFFERENT:
		refine_different(a, b);
		refine_different(b, &was);
		return true;
	case COMMON:
		return refine_common(a, b);
	case DISJOINT:
		return refine_disjoint(a, b);
	default:
		return c->is_signed ? refine_less_signed(a, b, c->relation == AT_MOST) :
				      refine_less(a, b, c->relation == AT_MOST);
	}
}

/* The view is what it was of the range, and less: it may be written back, and deduced from. */
static bool learn(struct range *r, struct view *v)
{
	if (!view_settle(v))
		return false;
	view_put(v, r);
	return range_deduce(r);
}

bool range_branch(uint8_t op, bool is64, struct range *a, struct range *b, bool taken)
{
	struct view va = is64 ? view_word(a) : view_half(a);
	struct view vb = is64 ? view_word(b) : view_half(b);
	struct comparison c;

	if (!comparison_of(op, &c))
		return true; /* no conditional jump: nothing is learnt */
	if (!taken)
		negate(&c);
	if (!view_settle(&va) || !view_settle(&vb))
		return false;
	if (!refine(&c, c.exchanged ? &vb : &va, c.exchanged ? &va : &vb))
		return false;
	if (!learn(a, &va) || !learn(b, &vb))
		return false;
	if (c.relation != EQUAL || !is64)
		return true;
	/* One value: what is known of either's low half holds for both. */
	if (!range_intersect(a, b))
		return false;
	*b = *a;
	return true;
}

int range_decide(uint8_t op, bool is64, const struct range *a, const struct range *b)
{
	struct range ta = *a, tb = *b, na = *a, nb = *b;

	if (!range_branch(op, is64, &ta, &tb, true))
		return 0;
	return range_branch(op, is64, &na, &nb, false) ? -1 : 1;
}
