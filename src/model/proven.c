/*
 * model/proven.c - see proven.h.
 *
 * Stack arguments that the types do not show are worse than wrong values: an exit program calls
 * the function with a copy of K bytes.  So one contradiction is enough to give K up; silence is
 * not (at -O0 most parameters are seen only in the function's own frame).
 *
 * K = 0 of a function whose parameters were changed.  What compilers do is to remove parameters, or
 * to put in the place of one what it is made of or points to (gcc: ipa-sra.cc, ipa-cp.cc,
 * ipa-split.cc; LLVM: DeadArgumentElimination, ArgumentPromotion); none invents one.  What is left
 * is passed as the same list of types would be.  So if those that are still whole are where that
 * list puts them, and each of the others is a scalar that is gone, which has nothing to be
 * replaced by, the list is the function's; and if the whole of the declared list needed no
 * stack, a part of it needs none.
 */
#include "model/proven.h"

#include <string.h>

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
	       !p->by_ref && (p->place.seen == SEEN_NOT || p->place.seen == SEEN_PARTS);
}

/* Each parameter is whole and in registers, or a scalar that is gone: see above. */
static bool nothing_grew(const struct proto *p)
{
	for (unsigned i = 0; i < p->nparams; i++) {
		const struct proto_param *param = &p->param[i];

		if (!placed_in_regs(param) && (!placed_is_gone(param) || may_have_grown(param)))
			return false;
	}
	return true;
}

static const char *check_change(const struct proto *p, const struct placed_view *v,
				const struct func_model *m)
{
	const bool some = m->call.stack_bytes != 0;

	switch ((enum proto_change)p->change) {
	case CHANGE_NONE:
		return NULL;
	case CHANGE_ANY:
		return !some && v->as_reduced && nothing_grew(p) ?
			       NULL :
			       "the compiler changed its parameters";
	case CHANGE_FEWER:
		return some ? "the compiler removed some of its parameters" : NULL;
	case CHANGE_LOCAL:
		break;
	}
	if (some && v->some_less)
		return "the compiler may have changed its parameters";
	for (unsigned i = 0; i < p->nparams && i < m->nargs; i++) {
		if (placed_is_gone(&p->param[i]) && (some || may_have_grown(&p->param[i])))
			return "the compiler may have changed its parameters";
		if (may_be_spread(&p->param[i], &m->arg[i].place))
			return "the compiler may have changed its parameters";
	}
	return NULL;
}

/*
 * How many general registers Rust's own convention can take for a value, or C's: each passes two
 * scalars in registers of their own, what is larger than two of them by its address.  (Spec: rustc,
 * compiler/rustc_ty_utils/src/abi.rs: a scalar pair, a cast to integers, or indirect, never by value
 * in memory.)  A tuple may be the arguments of a closure, each for itself: 7 are too many.
 */
static unsigned rust_registers(const struct ty *type)
{
	const struct ty *t = ty_strip(type);
	unsigned words = (unsigned)(t->size > 32 ? 1 : (t->size + 7) / 8);

	if (!t->size)
		return 0;
	if (t->kind != TY_STRUCT && t->kind != TY_UNION)
		return words;
	if (t->name[0] == '(')
		return 7;
	return words > 2 ? words : 2;
}

/*
 * Does nothing of a Rust function's go on the stack, whichever convention it has?  It can have a
 * hidden pointer to its result, one to the place of its caller (track_caller), and a closure what
 * it has caught; nothing tells.
 */
static bool rust_in_registers(const struct proto *p, const struct func_model *m)
{
	unsigned n = 2 + (p->name[0] == '{' || strstr(p->name, "::{") ? 4 : 0);

	for (unsigned i = 0; i < p->nparams && n <= 6; i++)
		n += rust_registers(p->param[i].type);
	return n <= 6 && !m->call.stack_bytes;
}

const char *proven_check(const struct proto *p, const struct placed_view *v,
			 const struct func_model *m)
{
	if (p->foreign && !(p->rust && rust_in_registers(p, m)))
		return "its language may call otherwise than C does";
	if (!v->as_typed && !p->rust && (p->change == CHANGE_NONE || !v->as_reduced))
		return "debug information sees a parameter elsewhere than its type puts it";
	return check_change(p, v, m);
}
