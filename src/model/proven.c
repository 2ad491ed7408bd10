/*
 * model/proven.c - see proven.h.
 *
 * Stack arguments that the types do not show are worse than wrong values: an exit program calls
 * the function with a copy of K bytes.  So one contradiction is enough to give K up; silence is
 * not (at -O0 most parameters are seen only in the function's own frame).
 *
 * Spec     psABI 3.6.2 (numbers of registers in DWARF)
 */
#include "model/proven.h"

static bool is_reg(const struct abi_place *p, unsigned i, uint8_t dwarf)
{
	static const uint8_t gpr[] = { 5, 4, 1, 2, 8, 9 };

	if (p->file[i] == ABI_STACK)
		return false;
	if (p->file[i] == ABI_XMM)
		return dwarf == 17 + p->num[i];
	return p->num[i] < ARRAY_LEN(gpr) && dwarf == gpr[p->num[i]];
}

static bool in_these_regs(const struct abi_place *p, const struct proto_place *seen)
{
	for (unsigned i = 0; i < 2; i++) {
		if (seen->reg[i] == PLACE_NO_REG)
			continue;
		if (i >= p->nregs || !is_reg(p, i, seen->reg[i]))
			return false;
	}
	return p->nregs > 0;
}

static bool agrees(const struct abi_place *p, const struct proto_place *seen)
{
	if (p->none || seen->seen == SEEN_NOT || seen->seen == SEEN_GONE)
		return true;
	if (seen->deref != p->by_ref)
		return false;
	switch ((enum place_seen)seen->seen) {
	case SEEN_REGS:
		return in_these_regs(p, seen);
	case SEEN_STACK:
		return !p->nregs && seen->offset == p->stack;
	case SEEN_NOT:
	case SEEN_GONE:
	case SEEN_COPY:
		break;
	}
	return true;
}

static void mark_from(struct func_model *m, unsigned i)
{
	for (; i < m->nargs; i++)
		m->arg[i].flags |= FM_UNCERTAIN;
}

/* A pointer's place can be taken by what it points to; a scalar can only be dropped. */
static bool may_have_grown(const struct proto_param *p)
{
	switch ((enum ty_kind)ty_strip(p->type)->kind) {
	case TY_INT:
	case TY_ENUM:
	case TY_FLOAT:
		return p->by_ref;
	default:
		return true;
	}
}

/*
 * LLVM passes the members of a struct on the stack each in a place of its own where it knows all
 * callers (ArgumentPromotion), which takes more room than the struct; then there is no one place.
 */
static bool may_be_spread(const struct proto_param *p, const struct abi_place *place)
{
	enum ty_kind kind = (enum ty_kind)ty_strip(p->type)->kind;

	return (kind == TY_STRUCT || kind == TY_UNION) && !place->nregs && !place->none &&
	       !p->by_ref && p->place.seen == SEEN_NOT;
}

static const char *check_change(const struct proto *p, const struct func_model *m)
{
	const bool some = m->call.stack_bytes != 0;

	switch ((enum proto_change)p->change) {
	case CHANGE_NONE:
		return NULL;
	case CHANGE_ANY:
		return "the compiler changed its parameters";
	case CHANGE_FEWER:
		return some ? "the compiler removed some of its parameters" : NULL;
	case CHANGE_LOCAL:
		break;
	}
	for (unsigned i = 0; i < p->nparams && i < m->nargs; i++) {
		if (p->param[i].place.seen == SEEN_GONE && (some || may_have_grown(&p->param[i])))
			return "the compiler may have changed its parameters";
		if (may_be_spread(&p->param[i], &m->arg[i].place))
			return "the compiler may have changed its parameters";
	}
	return NULL;
}

const char *proven_check(const struct proto *p, struct func_model *m)
{
	const char *why = NULL;

	for (unsigned i = 0; i < p->nparams && i < m->nargs; i++) {
		if (p->param[i].uncertain)
			m->arg[i].flags |= FM_UNCERTAIN;
		if (agrees(&m->arg[i].place, &p->param[i].place) || why)
			continue;
		mark_from(m, i);
		why = "debug information sees a parameter elsewhere than its type puts it";
	}
	if (p->foreign)
		why = "its language may call otherwise than C does";
	if (!why)
		why = check_change(p, m);
	return why;
}
