/*
 * model/from_proto.c - from a prototype of debug information to a func_model.
 *
 * Turns the ty graph into abi_type trees and hands them to func_model_new().  The graph comes
 * from files: it may be cyclic, enormous or wrong, so depth and number of nodes are bounded,
 * and what is larger than 64 bytes is not looked into (psABI 3.2.3: it is in memory).
 *
 * Memory   the trees live in a pool of their own and die with the call
 * Spec     psABI 3.1.2 for sizes and alignments of scalars
 */
#include "model/proven.h"
#include "model/vectors.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH      32
#define MAX_NODES      16384
#define MAX_CLASSIFIED 64

struct conv {
	struct ty_pool *pool;
	unsigned nodes;
	bool from_btf; /* which knows no alignment and no vectors */
	bool by_gcc;
	const struct proto_maker *maker;
	bool wide;         /* a vector of more than 16 bytes */
	bool foreign;      /* what C cannot tell of a struct is bytes in integer registers */
	bool vector_like;  /* an array in a struct that could be a vector */
	const char *doubt; /* of the sizes or places of values; static text */
	int err;
	const char *why; /* static text */
	const struct ty *culprit;
};

static const struct abi_type pointer = { .kind = ABI_INT, .size = 8, .align = 8 };
static const struct abi_type null_pointer = {
	.kind = ABI_INT, .size = 8, .align = 8, .null = true
};
static const struct abi_type nothing = { .kind = ABI_VOID };

static const struct abi_type *convert(struct conv *c, const struct ty *t, unsigned depth);

static const struct abi_type *refuse(struct conv *c, int err, const struct ty *t, const char *why)
{
	if (!c->err) {
		c->err = err;
		c->why = why;
		c->culprit = t;
	}
	return &nothing;
}

static const struct abi_type *node(struct conv *c, struct abi_type t)
{
	struct abi_type *n = ty_pool_alloc(c->pool, sizeof(*n));

	if (!n)
		return refuse(c, -ENOMEM, NULL, "out of memory");
	*n = t;
	return n;
}

/* _BitInt(N) above 64 bits is an array of eightbytes; __int128 is aligned to its size. */
static const struct abi_type *convert_int(struct conv *c, const struct ty *t)
{
	uint32_t size = (uint32_t)t->size;
	uint32_t align = size > 16 || (size == 16 && t->align == 8) ? 8 : size;

	if (!t->size || t->size > UINT16_MAX || (t->size <= 16 && (size & (size - 1))) ||
	    (t->size > 16 && size % 8))
		return refuse(c, -ENOTSUP, t, "an integer of this size is not known");
	return node(c, (struct abi_type){ .kind = ABI_INT,
					  .is_signed = t->flags & TY_SIGNED,
					  .is_bool = t->flags & TY_BOOL,
					  .size = size,
					  .align = align });
}

static const struct abi_type *float_of(struct conv *c, const struct ty *t, uint64_t size)
{
	if (size != 2 && size != 4 && size != 8 && size != 16)
		return refuse(c, -ENOTSUP, t, "a float of this size is not known");
	return node(c, (struct abi_type){ .kind = ABI_FLOAT,
					  .size = (uint32_t)size,
					  .align = (uint32_t)size });
}

/* _Complex float and double are structs of two; long double and its complex are x87. */
static const struct abi_type *convert_float(struct conv *c, const struct ty *t)
{
	bool is_complex = t->flags & TY_COMPLEX;
	const struct abi_type *part;
	struct abi_field *f;

	if (t->flags & TY_X87) {
		if (t->size != (is_complex ? 32 : 16))
			return refuse(c, -ENOTSUP, t, "long double of this size is not known");
		return node(c, (struct abi_type){ .kind = is_complex ? ABI_COMPLEX_X87 : ABI_X87,
						  .size = (uint32_t)t->size,
						  .align = 16 });
	}
	if (!is_complex)
		return float_of(c, t, t->size);
	part = float_of(c, t, t->size / 2);
	if (c->err)
		return part;
	f = ty_pool_alloc(c->pool, 2 * sizeof(*f));
	if (!f)
		return refuse(c, -ENOMEM, NULL, "out of memory");
	f[0] = (struct abi_field){ .type = part };
	f[1] = (struct abi_field){ .type = part, .offset = part->size };
	return node(c, (struct abi_type){ .kind = ABI_AGGREGATE,
					  .size = 2 * part->size,
					  .align = part->align,
					  .n = 2,
					  .field = f });
}

/*
 * clang has rules of its own for vectors of one element and of several __int128 (its patch r371169).
 * Those of 2 and 4 bytes go as integers with gcc 11, 12 and all of clang, floats among them not.
 */
static bool is_odd_vector(const struct conv *c, const struct ty *t)
{
	const struct ty *of = t->of ? ty_strip(t->of) : NULL;

	if (!of || (t->size < 8 && of->kind == TY_FLOAT) ||
	    (t->size < 8 && c->by_gcc && c->maker->version > 12))
		return true;
	return !c->by_gcc && (t->n == 1 || of->size > 8);
}

static const struct abi_type *convert_vector(struct conv *c, const struct ty *t)
{
	if (t->size < 2 || t->size > MAX_CLASSIFIED || (t->size & (t->size - 1)))
		return refuse(c, -ENOTSUP, t, "a vector of this size is not known");
	if (is_odd_vector(c, t))
		c->doubt = "compilers differ in how they pass a vector of such elements";
	c->wide |= t->size > 16;
	return node(c, (struct abi_type){ .kind = ABI_VECTOR,
					  .size = (uint32_t)t->size,
					  .align = (uint32_t)t->size });
}

static const struct abi_type *convert_array(struct conv *c, const struct ty *t, unsigned depth)
{
	struct abi_type a = { .kind = ABI_ARRAY };

	if (t->flags & TY_VECTOR)
		return convert_vector(c, t);
	a.elem = convert(c, t->of, depth + 1);
	if (c->err)
		return &nothing;
	a.align = a.elem->align;
	a.flexible = t->flags & TY_UNSIZED;
	a.n = a.flexible ? 0 : (uint32_t)t->n;
	if (a.n && (t->n > MAX_CLASSIFIED && a.elem->size))
		return refuse(c, -EBADMSG, t, "an array larger than the struct around it");
	a.size = a.n * a.elem->size;
	return node(c, a);
}

/* A typedef raises the alignment of a member, a packed struct ignores it; clang, when it looks
 * for unaligned members, does not. */
static bool is_overruled(const struct ty *outer, const struct ty *member)
{
	return outer->flags & TY_PACKED && member->align > ty_strip(member)->align;
}

/* Can an array of these 16, 32 or 64 bytes be a vector, of which BTF makes an array? */
static bool may_be_vector(const struct ty *t)
{
	const struct ty *of = t->of ? ty_strip(t->of) : NULL;

	return t->kind == TY_ARRAY && !(t->flags & TY_VECTOR) && of &&
	       (of->kind == TY_INT || of->kind == TY_FLOAT) && t->n > 1 &&
	       (t->size == 8 || t->size == 16 || t->size == 32 || t->size == 64);
}

/* The fields of a struct that is small enough to be classified. */
static void convert_members(struct conv *c, const struct ty *t, struct abi_type *a, unsigned depth)
{
	struct abi_field *f;

	if (t->n > MAX_NODES) {
		refuse(c, -EBADMSG, t, "too many members");
		return;
	}
	f = ty_pool_alloc(c->pool, (size_t)t->n * sizeof(*f));
	if (!f) {
		refuse(c, -ENOMEM, NULL, "out of memory");
		return;
	}
	for (uint64_t i = 0; i < t->n && !c->err; i++) {
		const struct ty_member *m = &t->member[i];

		if (m->offset > t->size)
			refuse(c, -EBADMSG, t, "a member lies past the end");
		if (!c->by_gcc && is_overruled(t, m->type))
			c->doubt = "compilers differ in how they pass a packed struct";
		c->vector_like |= c->from_btf && may_be_vector(ty_strip(m->type));
		f[i].type = convert(c, m->type, depth + 1);
		f[i].offset = (uint32_t)m->offset;
		f[i].bit_offset = m->bit_offset;
		f[i].bits = m->bits;
	}
	a->field = f;
	a->n = (uint32_t)t->n;
}

/*
 * Padding behind the last member is smaller than the alignment.  More of it: an alignment that
 * the file does not tell (BTF tells none), or an unnamed bit-field, which gcc classifies and
 * clang ignores.
 */
static bool has_unexplained_tail(const struct ty *t, uint32_t align)
{
	uint64_t end = 0;

	for (uint64_t i = 0; i < t->n && i < MAX_NODES; i++) {
		const struct ty_member *m = &t->member[i];
		uint64_t size = ty_strip(m->type)->size;

		if (m->bits)
			size = ((uint64_t)m->bit_offset + m->bits + 7) / 8;
		if (m->offset <= t->size && size <= t->size && m->offset + size > end)
			end = m->offset + size;
	}
	return t->n && end < t->size && t->size - end >= align;
}

static uint32_t strictest(const struct abi_type *a)
{
	uint32_t align = 1;

	for (uint32_t i = 0; i < a->n; i++) {
		if (a->field[i].type->align > align)
			align = a->field[i].type->align;
	}
	return align;
}

/* An enum of Rust with members in its variants: so many eightbytes. */
static const struct abi_type *opaque(struct conv *c, uint32_t size)
{
	static const struct abi_type byte = { .kind = ABI_INT, .size = 1, .align = 1 };
	struct abi_type bytes = {
		.kind = ABI_ARRAY, .size = size, .align = 1, .n = size, .elem = &byte
	};
	struct abi_field *f = ty_pool_alloc(c->pool, sizeof(*f));

	if (!f)
		return refuse(c, -ENOMEM, NULL, "out of memory");
	f->type = node(c, bytes);
	return node(c, (struct abi_type){ .kind = ABI_AGGREGATE,
					  .size = size,
					  .align = 1,
					  .n = size != 0,
					  .field = f });
}

static const struct abi_type *convert_struct(struct conv *c, const struct ty *t, unsigned depth)
{
	struct abi_type a = { .kind = ABI_AGGREGATE,
			      .is_union = t->kind == TY_UNION,
			      .align = t->align };

	if (t->size > UINT32_MAX / 2)
		return refuse(c, -ENOTSUP, t, "larger than 2 GiB");
	a.size = (uint32_t)t->size;
	if (t->flags & TY_PASS_OPEN && !depth)
		c->doubt = "it is not told how a class is passed";
	if (t->flags & TY_NONTRIVIAL && !depth) {
		a.by_ref = true;
		a.align = a.align ? a.align : 1;
		return node(c, a);
	}
	/* A C++ class without members is as large as its alignment, a C struct has size 0. */
	if (!t->n && a.size && a.size <= MAX_CLASSIFIED && a.size != a.align)
		return refuse(c, -ENOTSUP, t, "its members are not known");
	if (a.size <= MAX_CLASSIFIED)
		convert_members(c, t, &a, depth);
	if (c->err)
		return &nothing;
	if (!a.align && a.size > MAX_CLASSIFIED)
		return refuse(c, -ENOTSUP, t, "its alignment is not known");
	if (!a.align)
		a.align = strictest(&a);
	if (has_unexplained_tail(t, a.align))
		c->doubt = "a struct has padding that its members do not explain";
	return node(c, a);
}

static const struct abi_type *convert(struct conv *c, const struct ty *t, unsigned depth)
{
	if (c->err)
		return &nothing;
	if (depth > MAX_DEPTH || ++c->nodes > MAX_NODES)
		return refuse(c, -EBADMSG, t, "nested too deeply");
	if (!t)
		return &nothing;
	t = ty_strip(t);
	switch ((enum ty_kind)t->kind) {
	case TY_VOID:
		return &nothing;
	case TY_INT:
	case TY_ENUM:
		return convert_int(c, t);
	case TY_FLOAT:
		return convert_float(c, t);
	case TY_PTR:
		return t->name && !strcmp(t->name, "decltype(nullptr)") ? &null_pointer : &pointer;
	case TY_STRUCT:
	case TY_UNION:
		return convert_struct(c, t, depth);
	case TY_ARRAY:
		return convert_array(c, t, depth);
	case TY_UNKNOWN:
		if (c->foreign && t->size && t->size <= MAX_CLASSIFIED)
			return opaque(c, (uint32_t)t->size);
		break;
	case TY_FUNC:
	case TY_TYPEDEF:
	case TY_QUAL:
		break;
	}
	return refuse(c, -ENOTSUP, t, "its definition is not known");
}

/* A class as it would be passed if it were trivial. */
static const struct ty *as_value(struct conv *c, const struct ty *t)
{
	struct ty *copy = ty_pool_alloc(c->pool, sizeof(*copy));

	if (!copy) {
		refuse(c, -ENOMEM, NULL, "out of memory");
		return t;
	}
	*copy = *t;
	copy->flags &= (uint16_t) ~(TY_NONTRIVIAL | TY_PASS_OPEN);
	return copy;
}

/* A parameter's place tells whether it is by reference, if it has one. */
static bool is_placed(const struct proto_param *p)
{
	return p->place.seen == SEEN_REGS || p->place.seen == SEEN_STACK ||
	       p->place.seen == SEEN_COPY;
}

static const struct abi_type *convert_param(struct conv *c, const struct proto_param *p)
{
	const struct ty *t = ty_strip(p->type);
	const struct abi_type *a;
	struct abi_type by_ref;

	/* C11 6.7.6.3: arrays and functions are passed as pointers; compilers have made them so
	 * in BTF, where an array is what is left of a vector. */
	if ((t->kind == TY_ARRAY && !(t->flags & TY_VECTOR)) || t->kind == TY_FUNC) {
		if (c->from_btf)
			c->doubt = "BTF tells no vectors";
		return &pointer;
	}
	if (is_placed(p) && t->flags & (TY_NONTRIVIAL | TY_PASS_OPEN))
		t = as_value(c, t);
	a = convert(c, t, 0);
	if (!c->err && a->kind == ABI_VOID)
		return refuse(c, -EBADMSG, t, "void is not passed");
	if (c->err || !p->by_ref)
		return a;
	by_ref = *a;
	by_ref.by_ref = true;
	return node(c, by_ref);
}

static int explain(const struct conv *c, const struct proto *p, unsigned arg, struct diag *d)
{
	char spelling[128] = "";

	if (c->culprit)
		ty_format(c->culprit, spelling, sizeof(spelling));
	if (arg == p->nparams)
		return diag_set(d, c->err, "%s: result: %s: %s", p->name, spelling, c->why);
	return diag_set(d, c->err, "%s: argument %u (%s): %s: %s", p->name, arg + 1,
			p->param[arg].name, spelling, c->why);
}

/* func_model_new() says that something cannot be passed; find out what. */
static int blame(const struct proto *p, int err, const struct abi_type *ret,
		 const struct abi_type *const *arg, struct diag *d)
{
	struct abi_place place[2];
	struct abi_call call;

	if (err == -E2BIG)
		return diag_set(d, err,
				"%s: more than %d context slots or %d bytes of stack "
				"arguments",
				p->name, FM_MAX_SLOTS, FM_MAX_STACK);
	if (err == -EINVAL)
		err = -EBADMSG; /* the types came from a file, not from the caller */
	if (abi_assign(NULL, ret, NULL, 0, &place[0], &place[1], &call))
		return diag_set(d, err, "%s: result: no rule to return its type", p->name);
	for (unsigned i = 0; i < p->nparams; i++) {
		if (abi_assign(NULL, &nothing, &arg[i], 1, &place[0], &place[1], &call))
			return diag_set(d, err, "%s: argument %u (%s): no rule to pass its type",
					p->name, i + 1, p->param[i].name);
	}
	return diag_set(d, err, "%s: its arguments cannot be passed together", p->name);
}

/* BTF tells no aligned(N) of a struct, as a rule: would one that its size permits move it on the stack? */
static bool may_move(const struct abi_type *t, const struct abi_place *p)
{
	if (t->kind != ABI_AGGREGATE || p->nregs || p->none || p->by_ref)
		return false;
	for (uint32_t align = 16; align <= 64; align *= 2) {
		if (t->align < align && t->size % align == 0 && p->stack % align)
			return true;
	}
	return false;
}

static const char *doubt_btf(const struct conv *c, const struct proto *p,
			     const struct abi_type *const *arg, const struct func_model *m)
{
	for (unsigned i = 0; i < m->nargs; i++) {
		bool told = ty_strip(p->param[i].type)->flags & TY_ALIGN_TOLD;

		if (!told && may_move(arg[i], &m->arg[i].place))
			return "BTF tells no alignment of a struct";
	}
	if (c->vector_like && (m->call.stack_bytes || m->call.nxmm + m->nargs > 8))
		return "BTF tells no vectors";
	return NULL;
}

static const char *why_disputed(const struct conv *c, const struct abi_dialect *by)
{
	if (c->wide && !by->vector)
		return "it is not told whether vectors of more than 16 bytes are in registers";
	return "compilers differ in how they pass its arguments";
}

/* clang's "complex" of 32 bytes is of long double, returned in st0 and st1, or of __float128, returned
 * in memory: there the address that it goes to takes a register, and the last argument may have none. */
static bool may_return_quads(const struct proto *p, const struct func_model *m)
{
	const struct ty *t = p->ret ? ty_strip(p->ret) : NULL;

	return t && t->kind == TY_FLOAT && t->flags & TY_X87 && t->name &&
	       !strcmp(t->name, "complex") && m->call.ngpr == 6;
}

/* A wrong K would break the traced program. */
static int settle(const struct conv *c, const struct proto *p, const struct abi_dialect *by,
		  const struct abi_type *ret, const struct abi_type *const *arg,
		  struct func_model *m)
{
	struct placed_view v;
	const char *why;

	if (placed_look(p, by, ret, arg, m, &v))
		return -ENOMEM;
	why = proven_check(p, &v, m);

	if (p->lacking) {
		for (unsigned i = 0; i < m->nargs; i++)
			m->arg[i].flags |= FM_UNCERTAIN;
		why = "debug information lacks some of its parameters";
	} else if (m->call.disputed) {
		why = why_disputed(c, by);
	} else if (m->ret.place.disputed) {
		why = "it is not known in which registers its result is";
	} else if (c->doubt) {
		why = c->doubt;
	} else if (!why && may_return_quads(p, m)) {
		why = "its result may be in memory or not";
	} else if (c->from_btf && !why) {
		why = doubt_btf(c, p, arg, m);
	}
	if (p->variadic && !why)
		func_model_variadic(m);
	else if (why || p->variadic)
		func_model_hide_k(m, p->variadic ? "it is variadic" : why);
	placed_apply(p, &v, m);
	return 0;
}

static struct abi_dialect dialect_of(const struct proto *p)
{
	struct abi_dialect d = { .version = p->maker.version,
				 .vector = p->maker.vector,
				 .variadic = p->variadic,
				 .cxx = p->cxx };

	if (p->by_gcc || p->maker.compiler == MAKER_GCC)
		d.by = ABI_BY_GCC;
	else if (p->maker.compiler == MAKER_CLANG)
		d.by = ABI_BY_CLANG;
	return d;
}

static int build(struct conv *c, const struct proto *p, struct func_model **out, struct diag *d)
{
	_free_ const struct abi_type **arg = NULL;
	struct abi_dialect by = dialect_of(p);
	const struct abi_type *ret;
	struct func_model *m;
	int err;

	if (p->nparams > FM_MAX_ARGS)
		return diag_set(d, -E2BIG, "%s: more than %d arguments", p->name, FM_MAX_ARGS);
	arg = calloc(p->nparams + 1, sizeof(*arg));
	if (!arg)
		return -ENOMEM;
	for (unsigned i = 0; i < p->nparams; i++) {
		arg[i] = convert_param(c, &p->param[i]);
		if (c->err)
			return explain(c, p, i, d);
	}
	ret = convert(c, p->ret, 0);
	if (c->err)
		return explain(c, p, p->nparams, d);
	if (c->wide)
		vectors_settle(p, ret, arg, &by);
	err = func_model_new(&by, ret, arg, p->nparams, &m);
	if (err)
		return blame(p, err, ret, arg, d);
	err = settle(c, p, &by, ret, arg, m);
	if (err)
		func_model_free(m);
	else
		*out = m;
	return err;
}

static bool is_btf(uint8_t source)
{
	return source == PROTO_BTF || source == PROTO_FILE || source == PROTO_PACK;
}

int func_model_from_proto(const struct proto *p, struct func_model **out, struct diag *d)
{
	struct conv c = { .from_btf = is_btf(p->source),
			  .by_gcc = p->by_gcc,
			  .foreign = p->foreign,
			  .maker = &p->maker };
	int err;

	/* No places are known: as without types. */
	if (p->unprototyped || p->ms_abi) {
		err = func_model_raw(out);
		if (!err)
			(*out)->k_why = p->ms_abi ? "it is called with a convention of its own" :
						    "it is defined without a prototype";
		return err;
	}
	err = ty_pool_new(&c.pool);
	if (err)
		return err;
	err = build(&c, p, out, d);
	ty_pool_free(c.pool);
	return err;
}
