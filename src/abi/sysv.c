/*
 * abi/sysv.c - the psABI as gcc reads it (see sysv.h, abi_priv.h).
 *
 * classify() follows the numbered rules of psABI 3.2.3 over up to eight eightbytes;
 * abi_arg_gcc() hands out registers left to right and spills a value whole, never in part.
 * The differential test in tests/unit/abi holds this file to gcc.
 */
#include "abi/abi_priv.h"

#include <errno.h>
#include <stddef.h>

#define MAX_STACK      (UINT32_C(1) << 31)
#define MAX_EIGHTBYTES (ABI_MAX_CLASSIFIED / 8)

/* Of the eightbytes of the whole value, whatever part of it is being looked at. */
struct classes {
	uint8_t at[MAX_EIGHTBYTES]; /* enum abi_class */
};

/* One classification in progress; nodes bounds the work on types that share subtrees. */
struct walk {
	const struct abi_way *way;
	unsigned repeated; /* levels of array elements other than the first */
	unsigned nodes;
};

static int classify(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
		    struct classes *out);

/* Rule 4: the class of an eightbyte that two fields share. */
static enum abi_class merge(enum abi_class a, enum abi_class b)
{
	if (a == b || b == NONE)
		return a;
	if (a == NONE)
		return b;
	if (a == MEMORY || b == MEMORY)
		return MEMORY;
	if (a == INTEGER || b == INTEGER)
		return INTEGER;
	if (a >= X87 || b >= X87)
		return MEMORY;
	return SSE;
}

static void merge_at(struct classes *out, uint32_t eightbyte, enum abi_class c)
{
	out->at[eightbyte] = (uint8_t)merge((enum abi_class)out->at[eightbyte], c);
}

/* Rules 1 and 2 of the basic types: the class of eightbyte i of a scalar. */
static enum abi_class leaf_class(const struct abi_type *t, uint32_t i)
{
	switch ((enum abi_kind)t->kind) {
	case ABI_INT:
		return INTEGER;
	case ABI_FLOAT:
	case ABI_VECTOR:
		if (t->kind == ABI_VECTOR && t->size < 8) /* as the integer of its size */
			return INTEGER;
		return i ? SSEUP : SSE;
	case ABI_X87:
		return i ? X87UP : X87;
	case ABI_COMPLEX_X87:
		return COMPLEX_X87;
	case ABI_VOID:
	case ABI_AGGREGATE:
	case ABI_ARRAY:
		break;
	}
	return MEMORY;
}

static int classify_leaf(struct walk *w, const struct abi_type *t, uint32_t off,
			 struct classes *out)
{
	uint32_t first = off / 8, last = (off + t->size - 1) / 8;

	if (t->kind == ABI_VECTOR && t->size > w->way->vector) {
		merge_at(out, first, MEMORY);
		return 0;
	}
	for (uint32_t i = first; i <= last; i++)
		merge_at(out, i, leaf_class(t, i - first));
	/* Rule 1 of aggregates, unaligned fields; gcc looks at the first element of an array. */
	if (off % t->align && !w->repeated)
		merge_at(out, first, MEMORY);
	return 0;
}

/*
 * Bit-fields count by the bits they touch; their storage unit may be unaligned.  Not so in a
 * union: gcc takes the smallest integer that holds one, which must be aligned.
 */
static int classify_bits(struct walk *w, const struct abi_type *outer, const struct abi_field *f,
			 uint32_t off, struct classes *out)
{
	uint64_t from = (uint64_t)f->offset * 8 + f->bit_offset, end = from + f->bits;

	uint32_t bytes = 1;

	if (f->type->kind != ABI_INT || end > (uint64_t)outer->size * 8)
		return -EINVAL;
	while (bytes * 8 < f->bits)
		bytes *= 2;
	if (outer->is_union && off % bytes && !w->repeated)
		merge_at(out, off / 8, MEMORY);
	from += (uint64_t)off * 8;
	end += (uint64_t)off * 8;
	for (uint64_t i = from / 64; i <= (end - 1) / 64; i++)
		merge_at(out, (uint32_t)i, INTEGER);
	return 0;
}

static int classify_fields(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
			   struct classes *out)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct abi_field *f = &t->field[i];
		int err;

		if (!f->type || ++w->nodes > ABI_MAX_NODES)
			return -EINVAL;
		if (f->bits) {
			err = classify_bits(w, t, f, off, out);
		} else {
			if (f->offset > t->size || f->type->size > t->size - f->offset)
				return -EINVAL;
			err = classify(w, f->type, off + f->offset, depth + 1, out);
		}
		if (err)
			return err;
		if (w->way->cxx && f->type->kind == ABI_ARRAY && f->type->flexible)
			out->at[off / 8] = MEMORY;
	}
	return 0;
}

static int classify_elements(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
			     struct classes *out)
{
	int err = 0;

	if (!t->elem || (uint64_t)t->n * t->elem->size != t->size)
		return -EINVAL;
	if (!t->elem->size) /* any number of nothing */
		return 0;
	for (uint32_t i = 0; i < t->n && !err; i++) {
		w->repeated += i != 0;
		err = classify(w, t->elem, off + i * t->elem->size, depth + 1, out);
		w->repeated -= i != 0;
	}
	return err;
}

/* Rule 5, the post-merger clean-up of n eightbytes from c on; the first one's class. */
static enum abi_class settle(uint8_t *c, uint32_t n)
{
	uint32_t ups = 0, nones = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (c[i] == MEMORY)
			return MEMORY;
		if (c[i] == X87UP && (i == 0 || c[i - 1] != X87))
			return MEMORY;
		ups += i && c[i] == SSEUP;
		nones += c[i] == NONE;
	}
	if (nones == n) /* an empty class of any size */
		return NONE;
	if (n > 2 && (c[0] != SSE || ups != n - 1))
		return MEMORY;
	for (uint32_t i = 0; i < n; i++) {
		if (c[i] == SSEUP && !(i && (c[i - 1] == SSE || c[i - 1] == SSEUP)))
			c[i] = SSE;
	}
	return (enum abi_class)c[0];
}

/* The rules apply to nested aggregates by themselves first ("recursively"). */
static int classify_aggregate(struct walk *w, const struct abi_type *t, uint32_t off,
			      unsigned depth, struct classes *out)
{
	uint32_t first = off / 8, n = (off + t->size - 1) / 8 - first + 1;
	struct classes own = { { NONE } };
	int err = classify_fields(w, t, off, depth, &own);

	if (err)
		return err;
	if (settle(&own.at[first], n) == MEMORY)
		own.at[first] = MEMORY;
	for (uint32_t i = first; i < first + n; i++)
		merge_at(out, i, (enum abi_class)own.at[i]);
	return 0;
}

/*
 * T[0]: gcc counts the eightbytes of an array from where it begins in one of them, so one that does not
 * begin with an eightbyte has a class, T's (config/i386/i386.cc, classify_argument).
 */
static int classify_nothing(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
			    struct classes *out)
{
	struct classes own = { { NONE } };
	int err;

	if (t->flexible || !t->elem || !t->elem->size || off % 8 == 0 ||
	    off % 8 + t->elem->size > ABI_MAX_CLASSIFIED)
		return 0;
	err = classify(w, t->elem, off % 8, depth + 1, &own);
	if (!err)
		merge_at(out, off / 8, (enum abi_class)own.at[0]);
	return err;
}

/*
 * Merge the classes of t, off bytes into the value, into out.  The callers have checked that
 * off + t->size lies within the first ABI_MAX_CLASSIFIED bytes.
 */
static int classify(struct walk *w, const struct abi_type *t, uint32_t off, unsigned depth,
		    struct classes *out)
{
	if (depth > ABI_MAX_DEPTH || ++w->nodes > ABI_MAX_NODES)
		return -EINVAL;
	if (t->kind == ABI_AGGREGATE || t->kind == ABI_ARRAY) {
		/* Empty structs and flexible arrays; their insides cannot matter. */
		if (!t->size)
			return t->kind == ABI_ARRAY ? classify_nothing(w, t, off, depth, out) : 0;
		if (t->kind == ABI_ARRAY)
			return classify_elements(w, t, off, depth, out);
		return classify_aggregate(w, t, off, depth, out);
	}
	if (t->kind == ABI_VOID || !t->size || !t->align)
		return -EINVAL;
	return classify_leaf(w, t, off, out);
}

static void want_sse(const struct classes *c, struct abi_want *out)
{
	out->nregs = 1;
	out->file[0] = ABI_XMM;
	out->wide = c->at[1] == SSEUP;
	if (c->at[1] == INTEGER || c->at[1] == SSE) {
		out->nregs = 2;
		out->file[1] = c->at[1] == INTEGER ? ABI_GPR : ABI_XMM;
	}
}

static void want_int(const struct classes *c, struct abi_want *out)
{
	out->nregs = c->at[1] == NONE ? 1 : 2;
	out->file[0] = ABI_GPR;
	out->file[1] = c->at[1] == INTEGER ? ABI_GPR : ABI_XMM;
}

static void want_x87(enum abi_class c, bool is_ret, struct abi_want *out)
{
	if (!is_ret) /* passing, rule 5: the x87 classes are memory */
		return;
	out->nregs = c == COMPLEX_X87 ? 2 : 1;
	out->file[0] = out->file[1] = ABI_ST;
}

int abi_want_gcc(const struct abi_way *way, const struct abi_type *t, bool is_ret,
		 struct abi_want *out)
{
	struct classes c = { { NONE } };
	struct walk w = { .way = way };
	int err;

	*out = (struct abi_want){ 0 };
	if (t->size > ABI_MAX_CLASSIFIED)
		return 0;
	err = classify(&w, t, 0, 0, &c);
	if (err)
		return err;
	/* A _BitInt of more than 16 bytes is no aggregate, but treated as one. */
	if (t->kind == ABI_INT && t->size > 16)
		c.at[0] = MEMORY;
	switch ((enum abi_class)c.at[0]) {
	case NONE:
		out->none = c.at[1] == NONE;
		/* Data behind an eightbyte of padding: struct abi_place cannot say it. */
		return out->none ? 0 : -ENOTSUP;
	case INTEGER:
		want_int(&c, out);
		break;
	case SSE:
		want_sse(&c, out);
		break;
	case X87:
	case COMPLEX_X87:
		want_x87((enum abi_class)c.at[0], is_ret, out);
		break;
	case SSEUP:
	case X87UP:
	case MEMORY:
		break;
	}
	return 0;
}

int abi_assign_stack(uint32_t size, uint32_t align, struct abi_place *p, struct abi_call *call)
{
	uint64_t at;

	if (align < 8)
		align = 8;
	at = (call->stack_bytes + (uint64_t)align - 1) & ~((uint64_t)align - 1);
	if (at + size > MAX_STACK)
		return -E2BIG;
	p->stack = (uint32_t)at;
	call->stack_bytes = (uint32_t)((at + size + 7) & ~UINT64_C(7));
	if (call->stack_align < align)
		call->stack_align = align;
	return 0;
}

/* psABI 3.2.3 "Passing": all eightbytes in registers, or the whole value in memory. */
int abi_arg_gcc(struct abi_state *s, const struct abi_type *t, struct abi_place *p)
{
	struct abi_want want = { .nregs = 1, .file = { ABI_GPR } };
	struct abi_call *call = &s->call;
	unsigned gpr = 0, xmm = 0;
	int err = t->by_ref ? 0 : abi_want_gcc(&s->way, t, false, &want);

	if (err)
		return err;
	p->none = want.none;
	if (want.none)
		return 0;
	for (unsigned i = 0; i < want.nregs; i++) {
		gpr += want.file[i] == ABI_GPR;
		xmm += want.file[i] == ABI_XMM;
	}
	if (!want.nregs || call->ngpr + gpr > ABI_MAX_GPR || call->nxmm + xmm > ABI_MAX_XMM)
		return t->by_ref ? abi_assign_stack(8, 8, p, call) :
				   abi_assign_stack(t->size, t->align, p, call);
	p->nregs = want.nregs;
	p->wide = want.wide;
	for (unsigned i = 0; i < want.nregs; i++) {
		p->file[i] = want.file[i];
		p->num[i] = want.file[i] == ABI_GPR ? call->ngpr++ : call->nxmm++;
	}
	return 0;
}
