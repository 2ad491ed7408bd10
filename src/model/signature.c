/*
 * model/signature.c - read the text form of a func_model (see func_model.h).
 *
 * Recursive descent, one function per rule; blanks may stand between tokens:
 *   signature = type '(' [ type { ',' type } [ ',' '...' ] | '...' | 'void' ] ')'
 *   type      = ( scalar | aggregate | '&' type ) { '[' [ number ] ']' } [ '@' number ]
 *   aggregate = [ '!' ] ( '{' [ member { ',' member } ] '}' | '<' [ member { '|' member } ] '>' )
 *   member    = type [ ':' bits ]
 * '&' is a C++ type passed by invisible reference, T[] a flexible array.  Layout is gcc's.
 *
 * Errors   -E2BIG: text longer than 64 KiB; else as in the header
 * Memory   types live in two arrays sized by the text (a type or field takes a character at
 *          least) and die with the parse; the model keeps none of them
 */
#include "model/func_model.h"

#include "base/cleanup.h"
#include "base/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT  65536
#define MAX_DEPTH 24

struct parser {
	const char *text, *s;
	const struct abi_dialect *by;
	int err;
	unsigned depth, ntypes, nfields;
	struct abi_type *type;
	struct abi_field *field;
	struct diag *diag;
};

/* A type and, apart from it, the alignment that its declaration asks for with '@'. */
struct decl {
	const struct abi_type *type;
	uint32_t align; /* 0: none asked */
};

/* Where the next member of an aggregate goes. */
struct layout {
	bool is_union, packed;
	uint64_t bits; /* end of the members so far, from the start of the aggregate */
	uint64_t max_bits;
	uint32_t align;
};

static const struct {
	const char name[6];
	struct abi_type type;
} scalars[] = {
	{ "void", { .kind = ABI_VOID } },
	{ "bool", { .kind = ABI_INT, .is_bool = true, .size = 1, .align = 1 } },
	{ "i8", { .kind = ABI_INT, .is_signed = true, .size = 1, .align = 1 } },
	{ "i16", { .kind = ABI_INT, .is_signed = true, .size = 2, .align = 2 } },
	{ "i32", { .kind = ABI_INT, .is_signed = true, .size = 4, .align = 4 } },
	{ "i64", { .kind = ABI_INT, .is_signed = true, .size = 8, .align = 8 } },
	{ "i128", { .kind = ABI_INT, .is_signed = true, .size = 16, .align = 16 } },
	{ "u8", { .kind = ABI_INT, .size = 1, .align = 1 } },
	{ "u16", { .kind = ABI_INT, .size = 2, .align = 2 } },
	{ "u32", { .kind = ABI_INT, .size = 4, .align = 4 } },
	{ "u64", { .kind = ABI_INT, .size = 8, .align = 8 } },
	{ "u128", { .kind = ABI_INT, .size = 16, .align = 16 } },
	{ "b128", { .kind = ABI_INT, .size = 16, .align = 8 } },
	{ "b192", { .kind = ABI_INT, .size = 24, .align = 8 } },
	{ "p", { .kind = ABI_INT, .size = 8, .align = 8 } },
	{ "f16", { .kind = ABI_FLOAT, .size = 2, .align = 2 } },
	{ "f32", { .kind = ABI_FLOAT, .size = 4, .align = 4 } },
	{ "f64", { .kind = ABI_FLOAT, .size = 8, .align = 8 } },
	{ "f128", { .kind = ABI_FLOAT, .size = 16, .align = 16 } },
	{ "x80", { .kind = ABI_X87, .size = 16, .align = 16 } },
	{ "cx80", { .kind = ABI_COMPLEX_X87, .size = 32, .align = 16 } },
	{ "v16", { .kind = ABI_VECTOR, .size = 2, .align = 2 } },
	{ "v32", { .kind = ABI_VECTOR, .size = 4, .align = 4 } },
	{ "v64", { .kind = ABI_VECTOR, .size = 8, .align = 8 } },
	{ "v128", { .kind = ABI_VECTOR, .size = 16, .align = 16 } },
	{ "v256", { .kind = ABI_VECTOR, .size = 32, .align = 32 } },
	{ "v512", { .kind = ABI_VECTOR, .size = 64, .align = 64 } },
};

static struct decl parse_type(struct parser *p);

/* The first error wins; parsing goes on blindly until the next loop looks at it. */
static void fail(struct parser *p, const char *what)
{
	if (p->err)
		return;
	p->err = diag_set(p->diag, -EBADMSG, "signature, column %zu: %s",
			  (size_t)(p->s - p->text) + 1, what);
}

static void skip_blanks(struct parser *p)
{
	while (*p->s == ' ' || *p->s == '\t' || *p->s == '\n')
		p->s++;
}

static bool eat(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->err || *p->s != c)
		return false;
	p->s++;
	return true;
}

static void need(struct parser *p, char c)
{
	char what[] = "expected '?'";

	what[10] = c;
	if (!eat(p, c))
		fail(p, what);
}

static uint32_t parse_number(struct parser *p)
{
	uint64_t v = 0;

	skip_blanks(p);
	if (*p->s < '0' || *p->s > '9')
		fail(p, "expected a number");
	for (; *p->s >= '0' && *p->s <= '9'; p->s++) {
		v = v * 10 + (uint64_t)(*p->s - '0');
		if (v > UINT32_MAX) {
			fail(p, "number too large");
			return 0;
		}
	}
	return (uint32_t)v;
}

/* Never full: see the head of this file. */
static struct abi_type *new_type(struct parser *p, struct abi_type t)
{
	p->type[p->ntypes] = t;
	return &p->type[p->ntypes++];
}

static const struct abi_type *parse_scalar(struct parser *p)
{
	size_t n;

	skip_blanks(p);
	n = strspn(p->s, "abcdefghijklmnopqrstuvwxyz0123456789");
	for (size_t i = 0; i < ARRAY_LEN(scalars); i++) {
		if (strlen(scalars[i].name) == n && !memcmp(scalars[i].name, p->s, n)) {
			p->s += n;
			return &scalars[i].type;
		}
	}
	fail(p, "expected a type");
	return &scalars[0].type;
}

/* System V, "Bit-Fields": one may not cross a boundary of its declared type unless packed. */
static void place_bits(struct layout *l, struct abi_field *f, uint32_t bits)
{
	uint64_t unit = (uint64_t)f->type->size * 8;
	uint64_t at = l->is_union ? 0 : l->bits;

	if (!l->packed && at / unit != (at + bits - 1) / unit)
		at = ALIGN_UP(at, unit);
	f->offset = (uint32_t)(at / 8);
	f->bit_offset = (uint16_t)(at % 8);
	f->bits = (uint16_t)bits;
	l->bits = at + bits;
	if (!l->packed && l->align < f->type->align)
		l->align = f->type->align;
}

static void place_member(struct layout *l, struct abi_field *f, uint32_t asked)
{
	uint32_t align = l->packed ? 1 : f->type->align;
	uint64_t at = l->is_union ? 0 : (l->bits + 7) / 8;

	if (align < asked)
		align = asked;
	at = ALIGN_UP(at, (uint64_t)align);
	f->offset = (uint32_t)at;
	l->bits = (at + f->type->size) * 8;
	if (l->align < align)
		l->align = align;
}

static void parse_member(struct parser *p, struct layout *l, struct abi_field *f)
{
	struct decl d = parse_type(p);
	uint32_t bits;

	*f = (struct abi_field){ .type = d.type };
	if (p->err)
		return;
	if (d.type->kind == ABI_VOID || d.type->by_ref) {
		fail(p, "not a type of a member");
	} else if (eat(p, ':')) {
		bits = parse_number(p);
		if (d.type->kind != ABI_INT || !bits || bits > d.type->size * 8)
			fail(p, "not a bit-field");
		else
			place_bits(l, f, bits);
	} else {
		place_member(l, f, d.align);
	}
	if (l->bits > l->max_bits)
		l->max_bits = l->bits;
	if (l->max_bits > (uint64_t)UINT32_MAX * 4)
		fail(p, "more than 2 GiB");
}

/*
 * The members of one aggregate must lie side by side, but each may bring an aggregate of its
 * own: they are collected in a list that grows and then copied to the shared array.
 */
static void parse_members(struct parser *p, struct layout *l, struct abi_type *t)
{
	char close = l->is_union ? '>' : '}', sep = l->is_union ? '|' : ',';
	_free_ struct abi_field *list = NULL;
	uint32_t n = 0, cap = 0;

	if (!eat(p, close)) {
		do {
			if (n == cap) {
				struct abi_field *more;

				cap = cap ? cap * 2 : 8;
				more = reallocarray(list, cap, sizeof(*list));
				if (!more) {
					p->err = -ENOMEM;
					return;
				}
				list = more;
			}
			parse_member(p, l, &list[n++]);
		} while (eat(p, sep));
		need(p, close);
	}
	if (p->err)
		return;
	t->n = n;
	t->field = &p->field[p->nfields];
	if (n)
		memcpy(&p->field[p->nfields], list, n * sizeof(*list));
	p->nfields += n;
}

static struct abi_type *parse_aggregate(struct parser *p, bool is_union, bool packed)
{
	struct layout l = { .is_union = is_union, .packed = packed, .align = 1 };
	struct abi_type *t =
		new_type(p, (struct abi_type){ .kind = ABI_AGGREGATE, .is_union = is_union });

	parse_members(p, &l, t);
	t->align = l.align;
	t->size = (uint32_t)ALIGN_UP((l.max_bits + 7) / 8, (uint64_t)l.align);
	return t;
}

static const struct abi_type *parse_array(struct parser *p, const struct abi_type *elem)
{
	bool flexible = eat(p, ']');
	uint64_t n = flexible ? 0 : parse_number(p);

	if (!flexible)
		need(p, ']');
	if (elem->kind == ABI_VOID || elem->by_ref)
		fail(p, "not a type of an element");
	if (n * elem->size > UINT32_MAX / 2)
		fail(p, "more than 2 GiB");
	if (p->err)
		return elem;
	return new_type(p, (struct abi_type){ .kind = ABI_ARRAY,
					      .size = (uint32_t)n * elem->size,
					      .align = elem->align,
					      .n = (uint32_t)n,
					      .flexible = flexible,
					      .elem = elem });
}

/* '@N' raises the alignment of an aggregate itself; of anything else, of the member. */
static uint32_t parse_align(struct parser *p, struct abi_type *aggregate)
{
	uint32_t n = parse_number(p);

	if (!n || n > 4096 || (n & (n - 1))) {
		fail(p, "alignment is a power of two up to 4096");
		return 0;
	}
	if (!aggregate)
		return n;
	if (aggregate->align < n)
		aggregate->align = n;
	aggregate->size = (uint32_t)ALIGN_UP(aggregate->size, (uint64_t)aggregate->align);
	return 0;
}

static const struct abi_type *parse_ref(struct parser *p)
{
	struct decl d = parse_type(p);
	struct abi_type t = *d.type;

	if (t.kind != ABI_AGGREGATE)
		fail(p, "'&' stands before a struct or union");
	t.by_ref = true;
	return new_type(p, t);
}

static struct decl parse_type(struct parser *p)
{
	struct abi_type *aggregate = NULL;
	struct decl d = { &scalars[0].type, 0 };
	bool packed;

	if (p->err)
		return d;
	if (++p->depth > MAX_DEPTH) {
		fail(p, "nested too deeply");
		return d;
	}
	packed = eat(p, '!');
	if (eat(p, '{'))
		d.type = aggregate = parse_aggregate(p, false, packed);
	else if (eat(p, '<'))
		d.type = aggregate = parse_aggregate(p, true, packed);
	else if (packed)
		fail(p, "'!' stands before a struct or union");
	else if (eat(p, '&'))
		d.type = parse_ref(p);
	else
		d.type = parse_scalar(p);
	if (aggregate && eat(p, '@'))
		parse_align(p, aggregate);
	while (eat(p, '['))
		d.type = parse_array(p, d.type);
	if (eat(p, '@'))
		d.align = parse_align(p, NULL);
	p->depth--;
	return d;
}

struct args {
	const struct abi_type *type[FM_MAX_ARGS];
	unsigned n;
	bool variadic;
};

static void parse_arg(struct parser *p, struct args *a)
{
	skip_blanks(p);
	if (!strncmp(p->s, "...", 3)) {
		p->s += 3;
		a->variadic = true;
		return;
	}
	if (a->n == FM_MAX_ARGS) {
		if (!p->err)
			p->err = diag_set(p->diag, -E2BIG, "more than %d arguments", FM_MAX_ARGS);
		return;
	}
	a->type[a->n++] = parse_type(p).type;
}

static void parse_args(struct parser *p, struct args *a)
{
	need(p, '(');
	if (eat(p, ')'))
		return;
	do
		parse_arg(p, a);
	while (!a->variadic && eat(p, ','));
	need(p, ')');
	if (a->n == 1 && !a->variadic && a->type[0]->kind == ABI_VOID)
		a->n = 0;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->type[i]->kind == ABI_VOID || a->type[i]->kind == ABI_ARRAY)
			fail(p, "void and arrays are no types of arguments");
	}
}

static int build(struct parser *p, struct func_model **out)
{
	_free_ struct args *a = calloc(1, sizeof(*a));
	struct func_model *m;
	const struct abi_type *ret;
	int err;

	if (!a)
		return -ENOMEM;
	ret = parse_type(p).type;
	if (!p->err && ret->kind == ABI_ARRAY)
		fail(p, "an array is no type of a result");
	parse_args(p, a);
	skip_blanks(p);
	if (*p->s)
		fail(p, "text behind the signature");
	if (p->err)
		return p->err;
	err = func_model_new(p->by, ret, a->type, a->n, &m);
	if (err == -E2BIG)
		return diag_set(
			p->diag, err,
			"signature '%.80s': more than %d context slots or %d bytes of stack "
			"arguments",
			p->text, FM_MAX_SLOTS, FM_MAX_STACK);
	if (err)
		return diag_set(p->diag, err, "signature '%.200s': cannot be passed", p->text);
	if (a->variadic)
		func_model_variadic(m);
	*out = m;
	return 0;
}

int func_model_parse_by(const char *text, const struct abi_dialect *by, struct func_model **out,
			struct diag *d)
{
	struct parser p = { .text = text, .s = text, .by = by, .diag = d };
	size_t n = strnlen(text, MAX_TEXT + 1);
	int err;

	if (n > MAX_TEXT)
		return diag_set(d, -E2BIG, "signature longer than %d bytes", MAX_TEXT);
	p.type = calloc(n + 1, sizeof(*p.type));
	p.field = calloc(n + 1, sizeof(*p.field));
	err = p.type && p.field ? build(&p, out) : -ENOMEM;
	free(p.type);
	free(p.field);
	return err;
}

int func_model_parse(const char *text, struct func_model **out, struct diag *d)
{
	static const struct abi_dialect gcc = { .by = ABI_BY_GCC, .vector = 64 };

	return func_model_parse_by(text, &gcc, out, d);
}
