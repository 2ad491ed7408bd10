/*
 * gen/expr_type.c - see expr.h: names, and the places and types that they stand for.
 *
 * Types come from files: sizes are not trusted, walks are bounded.
 */
#include "gen/expr_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 8    /* of anonymous members, and of types searched for enumerators */
#define MAX_WALK  4096 /* types looked at */
#define NAMES_MAX 1024

bool expr_is_array(const struct expr_type *t)
{
	return t->kind == E_AGG && t->ty->kind == TY_ARRAY;
}

static bool is_char(const struct ty *t)
{
	const struct ty *of = t ? ty_strip(t) : NULL;

	return of && of->kind == TY_INT && of->flags & TY_CHAR && of->size == 1;
}

bool expr_is_string(const struct expr_type *t)
{
	if (t->kind == E_PTR)
		return is_char(t->ty);
	return expr_is_array(t) && !(t->ty->flags & TY_VECTOR) && is_char(t->ty->of);
}

const char *expr_type_text(const struct expr_type *t, char *out, size_t cap)
{
	char name[96];

	switch (t->kind) {
	case E_AGG:
		ty_format(t->ty, name, sizeof(name));
		snprintf(out, cap, "a %s", name);
		break;
	case E_PTR:
		if (t->ty)
			ty_format(t->ty, name, sizeof(name));
		snprintf(out, cap, "a pointer%s%s", t->ty ? " to " : "", t->ty ? name : "");
		break;
	case E_FLT:
		snprintf(out, cap, "a %s",
			 t->size == 4 ? "float" :
			 t->size == 8 ? "double" :
					"long double");
		break;
	case E_TEXT:
		snprintf(out, cap, "a text");
		break;
	default:
		snprintf(out, cap, "an integer");
	}
	return out;
}

/* The type of a place; false: we have no values of it. */
static bool set_type(struct gen_expr *e, struct expr_node *n, const struct ty *type,
		     const char *what, size_t len)
{
	const struct ty *t = ty_strip(type);
	char name[96];

	n->t = (struct expr_type){ .size = (uint8_t)(t->size < 255 ? t->size : 255), .ty = t };
	switch (t->kind) {
	case TY_INT:
	case TY_ENUM:
		n->t.kind = E_INT;
		n->t.is_signed = t->flags & TY_SIGNED;
		n->t.is_bool = t->flags & TY_BOOL;
		if (t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8)
			return true;
		break;
	case TY_FLOAT:
		n->t.kind = E_FLT;
		if (!(t->flags & TY_COMPLEX) && (t->size == 4 || t->size == 8 || t->flags & TY_X87))
			return true;
		break;
	case TY_PTR:
	case TY_FUNC:
		n->t = (struct expr_type){ .kind = E_PTR, .size = 8, .ty = t->of };
		n->t.ty = t->kind == TY_PTR && t->of ? ty_strip(t->of) : NULL;
		return true;
	case TY_ARRAY:
	case TY_STRUCT:
	case TY_UNION:
		n->t.kind = E_AGG;
		return true;
	default:
		break;
	}
	ty_format(type, name, sizeof(name));
	expr_fail(e, n->at, "%.*s is a %s, which conditions cannot read", (int)len, what, name);
	return false;
}

/* C++: a reference is what it refers to. */
static const struct expr_node *settle(struct gen_expr *e, struct expr_node *n,
				      const struct ty *type, const char *what, size_t len)
{
	const struct ty *t = ty_strip(type);
	struct expr_node *to;

	if (!set_type(e, n, type, what, len))
		return NULL;
	if (t->kind != TY_PTR || !(t->flags & TY_REFERENCE) || !t->of)
		return n;
	to = expr_node(e, X_MEM, n->at);
	if (!to)
		return NULL;
	to->a = n;
	return set_type(e, to, t->of, what, len) ? to : NULL;
}

/* -- members and elements ----------------------------------------------------------------- */

static const struct ty_member *find_member(const struct ty *t, const char *name, size_t n,
					   uint64_t *off, unsigned depth)
{
	for (uint64_t i = 0; i < t->n && t->member && depth < MAX_DEPTH; i++) {
		const struct ty_member *m = &t->member[i], *in;
		const struct ty *of = m->type ? ty_strip(m->type) : NULL;

		if (!of)
			continue;
		if (m->name && m->name[0]) {
			if (strlen(m->name) == n && !memcmp(m->name, name, n))
				return m;
			continue;
		}
		if (of->kind != TY_STRUCT && of->kind != TY_UNION)
			continue;
		in = find_member(of, name, n, off, depth + 1);
		if (in) {
			*off += m->offset;
			return in;
		}
	}
	return NULL;
}

/* A list of names, cut where the room ends. */
struct names {
	char text[NAMES_MAX];
	size_t n;
};

static void add_name(struct names *l, const char *name)
{
	size_t len = strlen(name), sep = l->n ? 2 : 0;

	if (l->n + sep + len + 5 > sizeof(l->text)) {
		if (l->n && l->text[l->n - 1] != '.')
			l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "...");
		return;
	}
	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s%s", sep ? ", " : "",
				 name);
}

static const struct expr_node *no_member(struct gen_expr *e, const struct expr_node *agg,
					 const char *at, const char *name, size_t n)
{
	struct names l = { .n = 0 };
	char type[128];

	for (uint64_t i = 0; i < agg->t.ty->n && agg->t.ty->member; i++)
		if (agg->t.ty->member[i].name && agg->t.ty->member[i].name[0])
			add_name(&l, agg->t.ty->member[i].name);
	return expr_fail(e, at, "%s has no member %.*s; it has %s",
			 expr_type_text(&agg->t, type, sizeof(type)), (int)n, name,
			 l.n ? l.text : "none that is known");
}

/* What the pointer a points to, as a place. */
static struct expr_node *follow(struct gen_expr *e, const struct expr_node *a, const char *at)
{
	struct expr_node *n;
	char type[128];

	if (!a->t.ty || a->t.ty->kind == TY_VOID || a->t.ty->kind == TY_FUNC)
		return expr_fail(e, at, "what it points to has no type: it cannot be followed");
	if (a->t.ty->kind == TY_UNKNOWN || (!a->t.ty->size && a->t.ty->kind != TY_ARRAY &&
					    !(a->t.ty->kind == TY_STRUCT && a->t.ty->n)))
		return expr_fail(e, at, "%s: what that holds is not known, it cannot be followed",
				 expr_type_text(&a->t, type, sizeof(type)));
	n = expr_node(e, X_MEM, at);
	if (!n)
		return NULL;
	n->a = a;
	return n;
}

/* A part of a place. */
static struct expr_node *part(struct gen_expr *e, const struct expr_node *a, const char *at,
			      int64_t off)
{
	struct expr_node *n = expr_node(e, (enum expr_op)a->op, at);

	if (!n)
		return NULL;
	n->a = a->a;
	if (__builtin_add_overflow(a->off, off, &n->off) || n->off > INT32_MAX ||
	    n->off < INT32_MIN)
		return expr_fail(e, at, "too far from where it begins");
	return n;
}

const struct expr_node *expr_member(struct gen_expr *e, const struct expr_node *a, bool arrow,
				    const char *at, const char *name, size_t n)
{
	const struct ty_member *m;
	struct expr_node *out;
	uint64_t off = 0;
	char type[128];

	if (arrow && a->t.kind == E_PTR) {
		struct expr_node *to = follow(e, a, at);

		if (!to || !set_type(e, to, a->t.ty, name, n))
			return NULL;
		a = to;
	} else if (arrow || a->t.kind == E_PTR) {
		return expr_fail(e, at, "%s: write %s", expr_type_text(&a->t, type, sizeof(type)),
				 arrow ? "." : "->");
	}
	if (a->t.kind != E_AGG || expr_is_array(&a->t))
		return expr_fail(e, at, "%s has no members",
				 expr_type_text(&a->t, type, sizeof(type)));
	m = find_member(a->t.ty, name, n, &off, 0);
	if (!m)
		return no_member(e, a, name, name, n);
	out = part(e, a, a->at, (int64_t)(off + m->offset));
	if (!out)
		return NULL;
	out->bits = m->bits;
	out->bit_off = m->bit_offset;
	if (m->bits > 64)
		return expr_fail(e, name, "%.*s has more than 64 bits", (int)n, name);
	return settle(e, out, m->type, name, n);
}

const struct expr_node *expr_index(struct gen_expr *e, const struct expr_node *a, const char *at,
				   int64_t i)
{
	const struct expr_node *base = a;
	const struct ty *of;
	struct expr_node *n;
	int64_t off;
	char type[128];

	if (a->t.kind == E_PTR) {
		base = follow(e, a, at);
		of = a->t.ty;
	} else if (expr_is_array(&a->t)) {
		of = a->t.ty->of;
		if (i < 0 || (!(a->t.ty->flags & TY_UNSIZED) && (uint64_t)i >= a->t.ty->n))
			return expr_fail(e, at, "%s has no element %lld",
					 expr_type_text(&a->t, type, sizeof(type)), (long long)i);
	} else {
		return expr_fail(e, at, "%s has no elements and points to nothing",
				 expr_type_text(&a->t, type, sizeof(type)));
	}
	if (!base)
		return NULL;
	if (__builtin_mul_overflow(i, (int64_t)ty_strip(of)->size, &off))
		off = INT64_MAX;
	n = part(e, base, a->at, off);
	return n ? settle(e, n, of, "the element", 11) : NULL;
}

/* -- names -------------------------------------------------------------------------------- */

static const struct ty_enumerator *find_enumerator(const struct ty *t, const char *name, size_t n,
						   const struct ty **type, unsigned *budget,
						   unsigned depth)
{
	const struct ty_enumerator *found = NULL;

	if (!t || depth > MAX_DEPTH || !*budget)
		return NULL;
	--*budget;
	t = ty_strip(t);
	if (t->kind == TY_ENUM) {
		for (uint64_t i = 0; i < t->n && t->enumerator; i++) {
			const char *s = t->enumerator[i].name;

			*type = t;
			if (s && strlen(s) == n && !memcmp(s, name, n))
				return &t->enumerator[i];
		}
	}
	if (t->kind == TY_PTR || t->kind == TY_ARRAY)
		return find_enumerator(t->of, name, n, type, budget, depth + 1);
	if (t->kind != TY_STRUCT && t->kind != TY_UNION)
		return NULL;
	for (uint64_t i = 0; i < t->n && t->member && !found; i++)
		found = find_enumerator(t->member[i].type, name, n, type, budget, depth + 1);
	return found;
}

static const struct expr_node *constant(struct gen_expr *e, const char *at, size_t n)
{
	static const struct {
		const char *name;
		uint64_t value;
	} words[] = { { "NULL", 0 }, { "nullptr", 0 }, { "false", 0 }, { "true", 1 } };
	const struct ty_enumerator *found = NULL;
	const struct ty *type = NULL;
	unsigned budget = MAX_WALK;
	struct expr_node *node;

	for (unsigned i = 0; e->p && !found && i <= e->p->nparams; i++)
		found = find_enumerator(i < e->p->nparams ? e->p->param[i].type : e->p->ret, at, n,
					&type, &budget, 0);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strlen(words[i].name) != n || memcmp(words[i].name, at, n))
			continue;
		node = expr_node(e, X_INT, at);
		if (node)
			node->value = words[i].value;
		return node;
	}
	if (!found)
		return NULL;
	node = expr_node(e, X_INT, at);
	if (!node)
		return NULL;
	node->value = (uint64_t)found->value;
	/* C11 6.7.2.2: an int where it fits one */
	if (found->value < INT32_MIN || found->value > INT32_MAX) {
		node->t.is_signed = type->flags & TY_SIGNED;
		node->t.size = type->size == 8 ? 8 : 4;
	}
	return node;
}

static const struct expr_node *unknown(struct gen_expr *e, const char *at, size_t n)
{
	unsigned nargs = e->p ? e->p->nparams : e->m->nargs;
	struct names l = { .n = 0 };
	char number[16];

	for (unsigned i = 0; i < nargs; i++) {
		const char *name = e->p ? e->p->param[i].name : NULL;

		snprintf(number, sizeof(number), "arg%u", i);
		add_name(&l, name && name[0] ? name : number);
	}
	if (!e->p || (e->p->ret && ty_strip(e->p->ret)->kind != TY_VOID))
		add_name(&l, "ret");
	return expr_fail_as(e, -ENOENT, at, "no argument %.*s: %s has %s", (int)n, at,
			    e->p && e->p->name && e->p->name[0] ? e->p->name : "the function",
			    l.n ? l.text : "no arguments and returns nothing");
}

/* C11 6.7.6.3: a parameter that is an array or function is a pointer. */
static const struct expr_node *decayed(struct gen_expr *e, struct expr_node *n, const struct ty *t,
				       const char *at, size_t len)
{
	const struct ty *s = ty_strip(t);

	if ((s->kind != TY_ARRAY || s->flags & TY_VECTOR) && s->kind != TY_FUNC)
		return settle(e, n, t, at, len);
	n->t = (struct expr_type){ .kind = E_PTR, .size = 8 };
	n->t.ty = s->kind == TY_ARRAY && s->of ? ty_strip(s->of) : NULL;
	return n;
}

static const struct expr_node *value_of(struct gen_expr *e, const struct fm_value *v,
					const struct ty *t, bool is_arg, const char *at, size_t len)
{
	struct expr_node *n = expr_node(e, X_ARG, at), *to;

	if (!n)
		return NULL;
	n->off = 8 * (int64_t)v->slot;
	if (!e->p || !t) {
		n->t = EXPR_U64;
		return n;
	}
	if (v->flags & FM_GONE)
		return expr_fail(e, at, "%.*s was removed by the compiler", (int)len, at);
	if (v->flags & FM_HIDDEN || !v->nslots)
		return expr_fail(e, at, "%.*s cannot be read", (int)len, at);
	if (v->flags & FM_BY_ADDR) {
		n->t = (struct expr_type){ .kind = E_PTR, .size = 8 };
		to = expr_node(e, X_MEM, at);
		if (!to)
			return NULL;
		to->a = n;
		n = to;
	}
	return is_arg ? decayed(e, n, t, at, len) : settle(e, n, t, at, len);
}

static bool is_arg_number(const char *at, size_t n, unsigned nargs, unsigned *i)
{
	unsigned v = 0;

	if (n < 4 || n > 8 || memcmp(at, "arg", 3) || (at[3] == '0' && n > 4))
		return false;
	for (size_t k = 3; k < n; k++) {
		if (at[k] < '0' || at[k] > '9')
			return false;
		v = v * 10 + (unsigned)(at[k] - '0');
	}
	*i = v;
	return v < nargs;
}

const struct expr_node *expr_name(struct gen_expr *e, const char *at, size_t n)
{
	unsigned nargs = e->m->nargs, i = 0;
	const struct expr_node *found;

	if (e->p && e->p->nparams < nargs)
		nargs = e->p->nparams;
	if (n == 3 && !memcmp(at, "ret", 3)) {
		if (e->p && (!e->p->ret || ty_strip(e->p->ret)->kind == TY_VOID))
			return expr_fail_as(e, -ENOENT, at, "no ret: %s returns nothing",
					    e->p->name && e->p->name[0] ? e->p->name :
									  "the function");
		e->uses_ret = true;
		return value_of(e, &e->m->ret, e->p ? e->p->ret : NULL, false, at, n);
	}
	for (i = 0; e->p && i < nargs; i++) {
		const char *name = e->p->param[i].name;

		if (name && strlen(name) == n && !memcmp(name, at, n))
			return value_of(e, &e->m->arg[i], e->p->param[i].type, true, at, n);
	}
	if (is_arg_number(at, n, nargs, &i))
		return value_of(e, &e->m->arg[i], e->p ? e->p->param[i].type : NULL, true, at, n);
	found = constant(e, at, n);
	return found || e->err ? found : unknown(e, at, n);
}
