/*
 * abi/dialect.c - abi_assign(): one call in each way that a dialect leaves open (see sysv.h).
 *
 * The ways are laid out side by side, argument by argument, and compared; so what is disputed is
 * what really differs for the types at hand, and nothing is allocated.
 */
#include "abi/abi_priv.h"

#include <errno.h>
#include <string.h>

#define CLANG_OLDEST  13 /* that was run */
#define CLANG_NO_F128 16 /* the last that was run whose front end does not know _Float128 */
#define CLANG_WHOLE   18 /* the first that does not split an __int128 */
#define CLANG_NEWEST  19 /* that was run */
#define GCC_NO_EMPTY  8  /* an empty C++ class is not passed any more */

#define MAX_WAYS (4 * 3) /* of compilers, times widths of vectors */

static const uint8_t widths[] = { 64, 32, 16 };

struct ways {
	unsigned n;
	struct abi_state at[MAX_WAYS];
};

static void add_way(struct ways *w, const struct abi_dialect *d, struct abi_way way)
{
	way.variadic = d->variadic;
	way.cxx = d->cxx;
	for (unsigned i = 0; i < sizeof(widths); i++) {
		if (d->vector && widths[i] != d->vector)
			continue;
		way.vector = widths[i];
		w->at[w->n++] = (struct abi_state){ .way = way, .call.stack_align = 8 };
	}
}

static void add_clang(struct ways *w, const struct abi_dialect *d, unsigned version)
{
	struct abi_way way = { .is_clang = true,
			       .i128 = version < CLANG_WHOLE ? I128_SPLIT : I128_WASTE };

	if (version > CLANG_NO_F128)
		add_way(w, d, way);
	way.f128_unknown = true;
	if (version < CLANG_NEWEST)
		add_way(w, d, way);
}

static void choose_ways(struct ways *w, const struct abi_dialect *d)
{
	bool known = d->version >= CLANG_OLDEST && d->version <= CLANG_NEWEST;

	if (d->by == ABI_BY_CLANG && known) {
		add_clang(w, d, d->version);
		return;
	}
	add_way(w, d, (struct abi_way){ 0 });
	if (d->by == ABI_BY_GCC)
		return;
	add_clang(w, d, CLANG_OLDEST);
	add_clang(w, d, CLANG_NEWEST);
}

static bool same_place(const struct abi_place *a, const struct abi_place *b)
{
	if (a->nregs != b->nregs || a->none != b->none || a->wide != b->wide)
		return false;
	if (a->nregs ? false : a->stack != b->stack)
		return false;
	for (unsigned i = 0; i < a->nregs; i++) {
		if (a->file[i] != b->file[i] || a->num[i] != b->num[i] ||
		    (a->file[i] == ABI_STACK && a->stack != b->stack))
			return false;
	}
	return true;
}

int abi_check_value(const struct abi_type *t)
{
	if (!t || t->kind == ABI_VOID || t->kind == ABI_ARRAY || t->kind > ABI_ARRAY)
		return -EINVAL;
	if (t->align & (t->align - 1))
		return -EINVAL;
	return t->align ? 0 : -EINVAL;
}

/* psABI 3.2.3 "Returning of Values". */
static int assign_ret(struct abi_state *s, const struct abi_type *t, struct abi_place *p)
{
	struct abi_want want = { 0 };
	int err;

	if (t->kind == ABI_VOID)
		return 0;
	if (t->by_ref) {
		s->call.sret = true;
		return 0;
	}
	err = s->way.is_clang ? abi_want_clang(&s->way, t, true, &want) :
				abi_want_gcc(&s->way, t, true, &want);
	if (err)
		return err;
	p->nregs = want.nregs;
	p->wide = want.wide;
	p->none = want.none;
	p->disputed = want.disputed;
	for (unsigned i = 0; i < want.nregs; i++) {
		p->file[i] = want.file[i];
		p->num[i] = i == 1 && want.file[0] == want.file[1];
	}
	s->call.sret = !want.nregs && !want.none;
	return 0;
}

static int ret_in_all(struct ways *w, const struct abi_type *t, struct abi_place *out)
{
	int err = t && t->kind == ABI_VOID ? 0 : abi_check_value(t);

	for (unsigned i = 0; i < w->n && !err; i++) {
		struct abi_state *s = &w->at[i];
		struct abi_place p = { 0 };

		err = assign_ret(s, t, &p);
		s->call.ngpr = s->told_gpr = s->call.sret;
		if (!i)
			*out = p;
		out->disputed |= p.disputed || !same_place(&p, out);
	}
	return err;
}

static int arg_in_all(struct ways *w, const struct abi_type *t, struct abi_place *out)
{
	int err = abi_check_value(t);

	for (unsigned i = 0; i < w->n && !err; i++) {
		struct abi_state *s = &w->at[i];
		struct abi_place p = { .by_ref = t->by_ref };

		err = s->way.is_clang ? abi_arg_clang(s, t, &p) : abi_arg_gcc(s, t, &p);
		if (!i)
			*out = p;
		out->disputed |= p.disputed || !same_place(&p, out);
	}
	return err;
}

/* gcc passed a C++ class without members as a char in memory. */
static bool is_empty_class(const struct abi_dialect *d, const struct abi_type *t,
			   const struct abi_place *p)
{
	return p->none && t->size && d->by == ABI_BY_GCC && d->version && d->version < GCC_NO_EMPTY;
}

int abi_assign(const struct abi_dialect *d, const struct abi_type *ret,
	       const struct abi_type *const *arg, unsigned nargs, struct abi_place *ret_place,
	       struct abi_place *arg_place, struct abi_call *call)
{
	static const struct abi_dialect any = { 0 };
	struct ways w = { 0 };
	struct abi_place r = { 0 };
	bool disputed = false;
	int err;

	d = d ? d : &any;
	choose_ways(&w, d);
	err = ret_in_all(&w, ret, &r);
	for (unsigned i = 0; i < nargs && !err; i++) {
		err = arg_in_all(&w, arg[i], &arg_place[i]);
		if (!err)
			arg_place[i].disputed |= is_empty_class(d, arg[i], &arg_place[i]);
		disputed |= !err && arg_place[i].disputed;
	}
	if (err)
		return err;
	*ret_place = r;
	*call = w.at[0].call;
	for (unsigned i = 1; i < w.n; i++)
		disputed |= w.at[i].call.stack_bytes != call->stack_bytes ||
			    w.at[i].call.stack_align != call->stack_align ||
			    w.at[i].call.sret != call->sret;
	call->disputed = disputed;
	return 0;
}
