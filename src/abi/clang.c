/*
 * abi/clang.c - the psABI as clang reads it (see sysv.h, abi_priv.h).
 *
 * clang decides in two places.  Its front end classifies (the first 16 bytes only: two classes, and
 * a whole vector beyond), keeps count of the registers it believes to be taken, and hands values
 * that do not fit to memory, unless they are scalars: these, and the eightbytes of what fits, it
 * hands one by one to the back end, which counts again.  Where the counts part, because of an
 * __int128 that the back end splits or a _Float128 or std::nullptr_t that the front end does not
 * know, a struct can be torn into a register and a stack slot.
 *
 * Known by comparing with what clang 13, 14, 15, 16 and 19 do (tests/unit/abi), not by its sources.
 */
#include "abi/abi_priv.h"

#include <errno.h>

struct pair {
	uint8_t c[2]; /* enum abi_class, of the first and the second eightbyte */
};

struct walk {
	const struct abi_way *way;
	unsigned nodes;
	bool f128; /* seen */
};

static int classify(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
		    struct pair *out);

static uint8_t merge(uint8_t a, uint8_t b)
{
	if (a == b || b == NONE)
		return a;
	if (a == MEMORY || b == MEMORY)
		return MEMORY;
	if (a == NONE)
		return b;
	if (a == INTEGER || b == INTEGER)
		return INTEGER;
	if (a >= X87 || b >= X87)
		return MEMORY;
	return SSE;
}

/* psABI 3.2.3, aggregates, rule 5. */
static void settle(struct pair *p, uint32_t size)
{
	if (p->c[1] == MEMORY || (p->c[1] == X87UP && p->c[0] != X87) ||
	    (size > 16 && (p->c[0] != SSE || p->c[1] != SSEUP)))
		p->c[0] = MEMORY;
	if (p->c[1] == SSEUP && p->c[0] != SSE)
		p->c[1] = SSE;
}

static void classify_vector(const struct walk *w, const struct abi_type *t, unsigned half,
			    struct pair *out)
{
	if (t->size < 8) { /* as the integer of its size */
		out->c[half] = INTEGER;
	} else if (t->size == 8) {
		out->c[half] = SSE;
	} else if (t->size <= w->way->vector) {
		out->c[0] = SSE;
		out->c[1] = SSEUP;
	} else {
		out->c[half] = MEMORY;
	}
}

static void classify_scalar(struct walk *w, const struct abi_type *t, unsigned half,
			    struct pair *out)
{
	switch ((enum abi_kind)t->kind) {
	case ABI_INT:
		out->c[half] = t->size > 16 || t->null ? MEMORY : INTEGER;
		if (t->size == 16)
			out->c[0] = out->c[1] = INTEGER;
		break;
	case ABI_FLOAT:
		out->c[half] = SSE;
		if (t->size == 16) {
			w->f128 = true;
			out->c[0] = w->way->f128_unknown ? MEMORY : SSE;
			out->c[1] = w->way->f128_unknown ? NONE : SSEUP;
		}
		break;
	case ABI_VECTOR:
		classify_vector(w, t, half, out);
		break;
	case ABI_X87:
		out->c[0] = X87;
		out->c[1] = X87UP;
		break;
	case ABI_COMPLEX_X87:
		out->c[half] = COMPLEX_X87;
		break;
	case ABI_VOID:
	case ABI_AGGREGATE:
	case ABI_ARRAY:
		break;
	}
}

static int classify_bits(const struct abi_type *outer, const struct abi_field *f, uint32_t off,
			 struct pair *out)
{
	uint64_t from = (uint64_t)f->offset * 8 + f->bit_offset, end = from + f->bits;

	if (f->type->kind != ABI_INT || end > (uint64_t)outer->size * 8)
		return -EINVAL;
	from += (uint64_t)off * 8;
	end += (uint64_t)off * 8;
	for (uint64_t i = from / 64; i <= (end - 1) / 64 && i < 2; i++)
		out->c[i] = INTEGER;
	return 0;
}

/* Is there T[] in it, or at the end of what is in it? */
static bool is_flexible(const struct abi_type *t, unsigned depth)
{
	if (t->kind == ABI_ARRAY)
		return t->flexible;
	if (t->kind != ABI_AGGREGATE || depth > ABI_MAX_DEPTH || !t->field)
		return false;
	for (uint32_t i = t->is_union || !t->n ? 0 : t->n - 1; i < t->n; i++) {
		if (t->field[i].type && is_flexible(t->field[i].type, depth + 1))
			return true;
	}
	return false;
}

/* Beyond 16 bytes only a single vector, alone or in a union, is not memory. */
static bool is_memory(const struct walk *w, const struct abi_type *t, const struct abi_field *f,
		      uint32_t off)
{
	if (t->size > 16 &&
	    ((!t->is_union && f->type->size != t->size) || t->size > w->way->vector))
		return true;
	return !f->bits && f->type->align && (off + f->offset) % f->type->align;
}

/* All fields are looked at, so that malformed types are refused; the classes stay those of memory. */
static int classify_record(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
			   struct pair *out)
{
	bool memory = is_flexible(t, 0);

	for (uint32_t i = 0; i < t->n; i++) {
		const struct abi_field *f = &t->field[i];
		struct pair own = { { NONE } };
		int err;

		if (!f->type || ++w->nodes > ABI_MAX_NODES)
			return -EINVAL;
		if (!f->bits && (f->offset > t->size || f->type->size > t->size - f->offset))
			return -EINVAL;
		err = f->bits ? classify_bits(t, f, off, &own) :
				classify(w, f->type, off + f->offset, depth + 1, &own);
		if (err)
			return err;
		memory |= is_memory(w, t, f, off);
		out->c[0] = merge(out->c[0], own.c[0]);
		out->c[1] = merge(out->c[1], own.c[1]);
	}
	if (memory)
		out->c[0] = MEMORY;
	settle(out, t->size);
	return 0;
}

static int classify_array(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
			  struct pair *out)
{
	bool is_long = t->size > 16;

	if (!t->elem || (uint64_t)t->n * t->elem->size != t->size)
		return -EINVAL;
	if (is_long && t->elem->size == t->size)
		is_long = t->size > w->way->vector;
	for (uint32_t i = 0; i < t->n && t->elem->size; i++) {
		struct pair own = { { NONE } };
		int err = classify(w, t->elem, off + i * t->elem->size, depth + 1, &own);

		if (err)
			return err;
		out->c[0] = merge(out->c[0], own.c[0]);
		out->c[1] = merge(out->c[1], own.c[1]);
	}
	if (is_long) /* it counts for nothing, which matters in a union with a vector */
		*out = (struct pair){ { NONE } };
	else
		settle(out, t->size);
	if (t->elem->align && off % t->elem->align)
		out->c[off >= 8] = MEMORY;
	return 0;
}

static int classify(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
		    struct pair *out)
{
	if (depth > ABI_MAX_DEPTH || ++w->nodes > ABI_MAX_NODES)
		return -EINVAL;
	*out = (struct pair){ { NONE } };
	if (t->kind == ABI_AGGREGATE)
		return classify_record(w, t, off, depth, out);
	if (t->kind == ABI_ARRAY)
		return classify_array(w, t, off, depth, out);
	if (t->kind == ABI_VOID || !t->size || !t->align)
		return -EINVAL;
	classify_scalar(w, t, off >= 8, out);
	return 0;
}

static bool is_aggregate(const struct abi_type *t)
{
	return t->kind == ABI_AGGREGATE || t->kind == ABI_COMPLEX_X87;
}

/* An integer of _BitInt: in memory as a struct is. */
static bool is_bit_int(const struct abi_type *t)
{
	return t->kind == ABI_INT && (t->size > 16 || (t->size == 16 && t->align == 8));
}

static void want_pair(const struct pair *c, struct abi_want *out)
{
	out->nregs = c->c[1] == NONE || c->c[1] == SSEUP ? 1 : 2;
	out->file[0] = c->c[0] == INTEGER ? ABI_GPR : ABI_XMM;
	out->file[1] = c->c[1] == INTEGER ? ABI_GPR : ABI_XMM;
	out->wide = c->c[1] == SSEUP;
}

/* The result's register, of scalars that the classes send to memory: the back end has its own. */
static void want_result(const struct abi_type *t, struct abi_want *out)
{
	if (is_aggregate(t) || is_bit_int(t))
		return;
	out->nregs = 1;
	if (t->null)
		return;
	out->file[0] = ABI_XMM;
	out->wide = true;
	out->disputed = t->kind == ABI_VECTOR; /* in two registers, or four */
}

int abi_want_clang(const struct abi_way *way, const struct abi_type *t, bool is_ret,
		   struct abi_want *out)
{
	struct walk w = { .way = way };
	struct pair c = { { NONE } };
	int err = 0;

	*out = (struct abi_want){ 0 };
	if (t->size > ABI_MAX_CLASSIFIED)
		return 0;
	err = classify(&w, t, 0, 0, &c);
	if (err)
		return err;
	switch ((enum abi_class)c.c[0]) {
	case NONE:
		out->none = c.c[1] == NONE;
		return out->none ? 0 : -ENOTSUP;
	case INTEGER:
	case SSE:
		want_pair(&c, out);
		/* in a union with something else it is miscompiled: SSE, but in a general register */
		out->disputed = w.f128 && c.c[0] == SSE && c.c[1] != SSEUP;
		break;
	case X87:
	case COMPLEX_X87:
		if (is_ret)
			out->nregs = c.c[0] == X87 ? 1 : 2;
		out->file[0] = out->file[1] = ABI_ST;
		break;
	case SSEUP:
	case X87UP:
	case MEMORY:
		if (is_ret)
			want_result(t, out);
		break;
	}
	return 0;
}

/* A piece is an eightbyte or a whole vector. */
static int assign_piece(struct abi_state *s, const struct abi_type *t, unsigned i,
			const struct abi_want *want, struct abi_place *p)
{
	struct abi_call *call = &s->call;
	bool wide = want->file[i] == ABI_XMM && want->wide;

	if (want->file[i] == ABI_GPR && call->ngpr < ABI_MAX_GPR) {
		p->file[i] = ABI_GPR;
		p->num[i] = call->ngpr++;
		return 0;
	}
	/* those wider than 16 bytes are never in registers where there are variable arguments */
	if (want->file[i] == ABI_XMM && call->nxmm < ABI_MAX_XMM &&
	    !(wide && t->size > 16 && s->way.variadic)) {
		p->file[i] = ABI_XMM;
		p->num[i] = call->nxmm++;
		return 0;
	}
	p->file[i] = ABI_STACK;
	/* Halves of vectors may be whole ones there. */
	p->disputed |= want->file[i] == ABI_XMM && is_aggregate(t) && !wide;
	return wide ? abi_assign_stack(t->size, t->size, p, call) : abi_assign_stack(8, 8, p, call);
}

static int assign_pieces(struct abi_state *s, const struct abi_type *t, const struct abi_want *want,
			 struct abi_place *p)
{
	bool in_memory = true;
	uint32_t first = 0;
	int err = 0;

	for (unsigned i = 0; i < want->nregs && !err; i++) {
		err = assign_piece(s, t, i, want, p);
		first = i ? first : p->stack;
		in_memory &= p->file[i] == ABI_STACK;
	}
	if (!in_memory) {
		p->nregs = want->nregs;
		p->wide = want->wide;
	} else {
		p->stack = first;
	}
	return err;
}

/* Since LLVM 18 both halves of an __int128 go together. */
static int assign_i128(struct abi_state *s, const struct abi_type *t, const struct abi_want *want,
		       struct abi_place *p)
{
	if (s->way.i128 == I128_SPLIT || s->call.ngpr + 2 <= ABI_MAX_GPR)
		return assign_pieces(s, t, want, p);
	if (s->way.i128 == I128_WASTE)
		s->call.ngpr = ABI_MAX_GPR;
	return abi_assign_stack(16, 16, p, &s->call);
}

int abi_arg_clang(struct abi_state *s, const struct abi_type *t, struct abi_place *p)
{
	struct abi_want want = { .nregs = 1, .file = { ABI_GPR } };
	unsigned gpr = 0, xmm = 0;
	int err = t->by_ref ? 0 : abi_want_clang(&s->way, t, false, &want);

	if (err)
		return err;
	p->none = want.none;
	s->lost |= want.disputed;
	p->disputed = s->lost;
	if (want.none)
		return 0;
	for (unsigned i = 0; i < want.nregs; i++) {
		gpr += want.file[i] == ABI_GPR;
		xmm += want.file[i] == ABI_XMM;
	}
	if (want.nregs && s->told_gpr + gpr <= ABI_MAX_GPR && s->told_xmm + xmm <= ABI_MAX_XMM) {
		s->told_gpr += (uint8_t)gpr;
		s->told_xmm += (uint8_t)xmm;
		return assign_pieces(s, t, &want, p);
	}
	if (t->by_ref)
		return assign_pieces(s, t, &want, p);
	if (t->null)
		want.nregs = 1;
	if (t->kind == ABI_FLOAT && !want.nregs) /* a _Float128 */
		want = (struct abi_want){ .nregs = 1, .file = { ABI_XMM }, .wide = true };
	if (!want.nregs || is_aggregate(t) || is_bit_int(t)) /* struct { char c[]; }: 8 bytes */
		return abi_assign_stack(t->size ? t->size : 8, t->align, p, &s->call);
	return t->kind == ABI_INT && t->size == 16 ? assign_i128(s, t, &want, p) :
						     assign_pieces(s, t, &want, p);
}
