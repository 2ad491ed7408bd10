/*
 * model/vectors.c - see vectors.h.
 *
 * Spec     psABI 3.6.2 (numbers of registers in DWARF: xmm0 is 17)
 */
#include "model/vectors.h"

#include "base/cleanup.h"

#include <stdlib.h>

#define DWARF_XMM0 17

static const uint8_t widths[] = { 64, 32, 16 };

/* The call in one width. */
struct layout {
	bool possible;
	struct abi_place ret;
	struct abi_place *arg;
	struct abi_call call;
};

static bool contradicts(const struct abi_place *p, const struct proto_place *seen)
{
	switch ((enum place_seen)seen->seen) {
	case SEEN_STACK:
		return p->nregs || seen->offset != p->stack;
	case SEEN_REGS:
		return !p->nregs || p->file[0] != ABI_XMM || seen->reg[0] != DWARF_XMM0 + p->num[0];
	case SEEN_COPY:
		return !p->nregs;
	case SEEN_NOT:
	case SEEN_GONE:
	case SEEN_PARTS:
		break;
	}
	return false;
}

static bool same(const struct abi_place *a, const struct abi_place *b)
{
	return a->nregs == b->nregs && (a->nregs ? a->num[0] == b->num[0] : a->stack == b->stack);
}

/* Only the places of what moves with the width are evidence of it. */
static bool moves(const struct layout l[3], unsigned arg)
{
	return !same(&l[0].arg[arg], &l[1].arg[arg]) || !same(&l[1].arg[arg], &l[2].arg[arg]);
}

static bool is_same_call(const struct layout *a, const struct layout *b, unsigned n)
{
	if (a->call.stack_bytes != b->call.stack_bytes || a->call.sret != b->call.sret ||
	    a->ret.disputed != b->ret.disputed || !same(&a->ret, &b->ret))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!same(&a->arg[i], &b->arg[i]))
			return false;
	return true;
}

static void exclude(struct layout l[3], const struct proto *p)
{
	for (unsigned i = 0; i < p->nparams; i++) {
		if (!moves(l, i) || p->param[i].by_ref || p->param[i].place.deref)
			continue;
		for (unsigned k = 0; k < ARRAY_LEN(widths); k++)
			l[k].possible &= !contradicts(&l[k].arg[i], &p->param[i].place);
	}
}

/* What is told stands, unless it is contradicted. */
static uint8_t choose(const struct layout l[3], unsigned nargs, uint8_t told)
{
	int first = -1;

	for (unsigned k = 0; k < ARRAY_LEN(widths); k++)
		if (l[k].possible && widths[k] == told)
			return told;
	for (unsigned k = 0; k < ARRAY_LEN(widths); k++) {
		if (!l[k].possible)
			continue;
		if (first >= 0 && !is_same_call(&l[first], &l[k], nargs))
			return 0;
		first = first < 0 ? (int)k : first;
	}
	return first < 0 ? 0 : widths[first];
}

void vectors_settle(const struct proto *p, const struct abi_type *ret,
		    const struct abi_type *const *arg, struct abi_dialect *by)
{
	_free_ struct abi_place *places = calloc(3u * (p->nparams + 1u), sizeof(*places));
	struct layout l[ARRAY_LEN(widths)] = { 0 };
	struct abi_dialect d = *by;

	if (!places) {
		by->vector = 0;
		return;
	}
	for (unsigned k = 0; k < ARRAY_LEN(widths); k++) {
		l[k].arg = places + k * (p->nparams + 1u);
		d.vector = widths[k];
		l[k].possible =
			!abi_assign(&d, ret, arg, p->nparams, &l[k].ret, l[k].arg, &l[k].call);
	}
	exclude(l, p);
	by->vector = choose(l, p->nparams, by->vector);
}
