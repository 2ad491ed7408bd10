/*
 * gen/expr.c - see expr.h: life of an expression; operators, and what types they take.
 *
 * Spec     C11 6.3.1 (conversions), 6.5 (operators)
 */
#include "gen/expr_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((format(printf, 4, 0)))
fail_va(struct gen_expr *e, int err, const char *at, const char *fmt, va_list ap)
{
	char what[DIAG_MAX];
	size_t n = strlen(e->text);

	if (e->err)
		return;
	vsnprintf(what, sizeof(what), fmt, ap);
	e->err = diag_set(e->d, err, "'%.*s%s', column %zu: %s", EXPR_LINE, e->text,
			  n > EXPR_LINE ? "..." : "", (size_t)(at - e->text) + 1, what);
}

struct expr_node *expr_fail(struct gen_expr *e, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_va(e, -EINVAL, at, fmt, ap);
	va_end(ap);
	return NULL;
}

struct expr_node *expr_fail_as(struct gen_expr *e, int err, const char *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_va(e, err, at, fmt, ap);
	va_end(ap);
	return NULL;
}

struct expr_node *expr_node(struct gen_expr *e, enum expr_op op, const char *at)
{
	struct expr_node *n;

	if (e->err)
		return NULL;
	if (e->nodes++ == EXPR_MAX_NODES)
		return expr_fail_as(e, -E2BIG, at, "too long");
	n = ty_pool_alloc(e->pool, sizeof(*n));
	if (!n) {
		e->err = -ENOMEM;
		return NULL;
	}
	n->op = (uint8_t)op;
	n->at = at;
	n->t = EXPR_INT;
	return n;
}

/* -- types --------------------------------------------------------------------------- */

bool expr_is_condition(const struct expr_node *n)
{
	return n->op == X_LNOT || n->op >= X_LT;
}

/* C11 6.3.1.1: what is narrower than int, or a bit-field that fits one, becomes int. */
static struct expr_type promote(const struct expr_node *n)
{
	struct expr_type t = n->t;

	t.ty = NULL;
	if (t.is_bool || t.size < 4 || (n->bits && n->bits < 32 + t.is_signed))
		return EXPR_INT;
	if (n->bits == 32)
		t.size = 4;
	return t;
}

/* C11 6.3.1.8 */
static struct expr_type common(struct expr_type a, struct expr_type b)
{
	if (a.size != b.size)
		return a.size > b.size ? a : b;
	return a.is_signed ? b : a;
}

static uint64_t convert(uint64_t v, struct expr_type t)
{
	if (t.size == 8)
		return v;
	return t.is_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
}

static double flt_value(const struct expr_node *n)
{
	uint32_t low = (uint32_t)n->value;
	double d;
	float f;

	memcpy(&f, &low, sizeof(f));
	memcpy(&d, &n->value, sizeof(d));
	return n->t.size == 4 ? (double)f : d;
}

void expr_set_x87(struct expr_node *n, long double v)
{
	uint16_t se;

	memcpy(&n->value, &v, 8);
	memcpy(&se, (const char *)&v + 8, 2);
	n->off = se;
}

/* Exact: 64 bits of mantissa hold every other constant. */
static void to_x87(const struct expr_node *n, struct expr_node *out)
{
	if (n->op == X_INT)
		expr_set_x87(out, n->t.is_signed ? (long double)(int64_t)n->value :
						   (long double)n->value);
	else if (n->t.size < 16)
		expr_set_x87(out, (long double)flt_value(n));
	else
		*out = *n;
}

/* A constant as one of size bytes. */
static const struct expr_node *to_flt(struct gen_expr *e, const struct expr_node *n, uint8_t size)
{
	struct expr_node *out = expr_node(e, X_FLT, n->at);
	bool from_int = n->op == X_INT;
	double d;
	float f;

	if (!out)
		return NULL;
	out->t = (struct expr_type){ .kind = E_FLT, .size = size, .is_signed = true };
	if (size == 16) {
		to_x87(n, out);
		return out;
	}
	if (from_int && n->t.is_signed) {
		d = (double)(int64_t)n->value;
		f = (float)(int64_t)n->value;
	} else if (from_int) {
		d = (double)n->value;
		f = (float)n->value;
	} else {
		d = flt_value(n);
		f = (float)d;
	}
	memcpy(&out->value, size == 4 ? (void *)&f : (void *)&d, size);
	return out;
}

/* -- comparisons ------------------------------------------------------------------------ */

static const struct expr_node *cannot(struct gen_expr *e, const char *at, const struct expr_node *a,
				      const char *why)
{
	char text[128];

	return expr_fail(e, at, "%s: %s", expr_type_text(&a->t, text, sizeof(text)), why);
}

static const struct expr_node *compare_text(struct gen_expr *e, enum expr_op op, const char *at,
					    const struct expr_node *a, const struct expr_node *b)
{
	struct expr_node *n;

	if (a->t.kind == E_TEXT && op != X_GLOB) {
		const struct expr_node *swap = a;

		a = b;
		b = swap;
	}
	if (op != X_EQ && op != X_NE && op != X_GLOB)
		return expr_fail(e, at, "a text is compared by ==, != and =~ only");
	if (b->t.kind != E_TEXT)
		return expr_fail(e, b->at, "=~ expects a pattern, \"a*b?\"");
	if (!expr_is_string(&a->t))
		return cannot(e, a->at, a,
			      "only a char * or an array of char is compared with a text");
	n = expr_node(e, op == X_EQ ? X_TEXT_EQ : op == X_NE ? X_TEXT_NE : X_GLOB, at);
	if (!n)
		return NULL;
	if (op == X_GLOB && !expr_glob_fits(b->text, b->len))
		return expr_fail(e, b->at, "more than %d characters beside the stars",
				 EXPR_MAX_GLOB);
	n->a = a;
	n->text = b->text;
	n->len = b->len;
	return n;
}

static bool is_const(const struct expr_node *n)
{
	return n->op == X_INT || n->op == X_FLT;
}

static const struct expr_node *compare_flt(struct gen_expr *e, struct expr_node *n)
{
	const struct expr_node *other = n->a->t.kind == E_FLT ? n->b : n->a;
	uint8_t size = n->a->t.kind == E_FLT ? n->a->t.size : 0;

	if (n->b->t.kind == E_FLT && n->b->t.size > size)
		size = n->b->t.size;
	if (other->t.kind == E_PTR)
		return expr_fail(e, n->at, "a pointer is not compared with a floating-point value");
	if (other->t.kind != E_FLT && other->op != X_INT)
		return expr_fail(e, n->at,
				 "a floating-point value is compared with another or with a "
				 "constant, not with an integer that is none");
	if (size == 16 &&
	    ((!is_const(n->a) && n->a->t.size != 16) || (!is_const(n->b) && n->b->t.size != 16)))
		return expr_fail(e, n->at,
				 "a long double is compared with another or with a constant only");
	n->ct = (struct expr_type){ .kind = E_FLT, .size = size };
	if (is_const(n->a))
		n->a = to_flt(e, n->a, size);
	if (is_const(n->b))
		n->b = to_flt(e, n->b, size);
	return e->err ? NULL : n;
}

static const struct expr_node *compare(struct gen_expr *e, enum expr_op op, const char *at,
				       const struct expr_node *a, const struct expr_node *b)
{
	const struct expr_node *both[] = { a, b };
	struct expr_node *n;

	if (op == X_GLOB || a->t.kind == E_TEXT || b->t.kind == E_TEXT)
		return compare_text(e, op, at, a, b);
	for (int i = 0; i < 2; i++)
		if (both[i]->t.kind == E_AGG)
			return cannot(e, both[i]->at, both[i],
				      expr_is_array(&both[i]->t) ?
					      "not compared as a whole, only its elements: [0]" :
					      "not compared as a whole, only its members: .name");
	n = expr_node(e, op, at);
	if (!n)
		return NULL;
	n->a = a;
	n->b = b;
	if (a->t.kind == E_FLT || b->t.kind == E_FLT)
		return compare_flt(e, n);
	n->ct = a->t.kind == E_PTR || b->t.kind == E_PTR ? EXPR_U64 :
							   common(promote(a), promote(b));
	return n;
}

const struct expr_node *expr_truth(struct gen_expr *e, const struct expr_node *n)
{
	struct expr_node *zero;

	if (!n || expr_is_condition(n))
		return n;
	if (n->t.kind == E_TEXT || n->t.kind == E_AGG)
		return cannot(e, n->at, n, "no condition by itself");
	zero = expr_node(e, X_INT, n->at);
	return zero ? compare(e, X_NE, n->at, n, zero) : NULL;
}

/* -- arithmetic ---------------------------------------------------------------------------- */

static uint64_t fold(enum expr_op op, struct expr_type t, uint64_t a, uint64_t b)
{
	unsigned by = (unsigned)b & (t.size * 8u - 1);

	switch (op) {
	case X_MUL:
		return a * b;
	case X_DIV:
		return !t.is_signed    ? a / b :
		       b == UINT64_MAX ? -a :
					 (uint64_t)((int64_t)a / (int64_t)b);
	case X_MOD:
		return !t.is_signed    ? a % b :
		       b == UINT64_MAX ? 0 :
					 (uint64_t)((int64_t)a % (int64_t)b);
	case X_ADD:
		return a + b;
	case X_SUB:
		return a - b;
	case X_SHL:
		return a << by;
	case X_SHR:
		return t.is_signed ? (uint64_t)((int64_t)a >> by) : a >> by;
	case X_AND:
		return a & b;
	case X_XOR:
		return a ^ b;
	default:
		return a | b;
	}
}

static bool need_int(struct gen_expr *e, const char *at, const struct expr_node *a)
{
	switch (a->t.kind) {
	case E_INT:
		return true;
	case E_FLT:
		expr_fail(e, at,
			  "arithmetic on floating-point values is not supported: compare the "
			  "value itself with a constant");
		break;
	case E_PTR:
		expr_fail(e, at,
			  "arithmetic on pointers is not supported: p[N] is the Nth element, "
			  "p->m a member");
		break;
	default:
		cannot(e, at, a, "no operand of arithmetic");
	}
	return false;
}

static const struct expr_node *arithmetic(struct gen_expr *e, enum expr_op op, const char *at,
					  const struct expr_node *a, const struct expr_node *b)
{
	bool shift = op == X_SHL || op == X_SHR;
	struct expr_type t;
	struct expr_node *n;

	if (!need_int(e, at, a) || !need_int(e, at, b))
		return NULL;
	t = shift ? promote(a) : common(promote(a), promote(b));
	if ((op == X_DIV || op == X_MOD) && b->op == X_INT && !convert(b->value, t))
		return expr_fail(e, at, "division by zero");
	if (shift && b->op == X_INT && b->value >= t.size * 8u)
		return expr_fail(e, at, "a value of %u bits cannot be shifted by %lld", t.size * 8u,
				 (long long)b->value);
	n = expr_node(e, op, at);
	if (!n)
		return NULL;
	n->a = a;
	n->b = b;
	n->t = n->ct = t;
	if (a->op == X_INT && b->op == X_INT) {
		n->op = X_INT;
		n->value = convert(fold(op, t, convert(a->value, t),
					shift ? b->value : convert(b->value, t)),
				   t);
	}
	return n;
}

const struct expr_node *expr_binary(struct gen_expr *e, enum expr_op op, const char *at,
				    const struct expr_node *a, const struct expr_node *b)
{
	struct expr_node *n;

	if (!a || !b)
		return NULL;
	if (op >= X_LT && op <= X_GLOB)
		return compare(e, op, at, a, b);
	if (op < X_LT)
		return arithmetic(e, op, at, a, b);
	a = expr_truth(e, a);
	b = expr_truth(e, b);
	n = expr_node(e, op, at);
	if (!n)
		return NULL;
	n->a = a;
	n->b = b;
	return n;
}

static const struct expr_node *logical_not(struct gen_expr *e, const char *at,
					   const struct expr_node *a)
{
	struct expr_node *n = expr_node(e, expr_is_condition(a) ? X_LNOT : X_INT, at);

	if (!n)
		return NULL;
	if (n->op == X_INT) {
		const struct expr_node *is = expr_truth(e, a); /* refuses what is no condition */

		return is ? compare(e, X_EQ, at, a, n) : NULL;
	}
	n->a = a;
	return n;
}

/* +x is x + 0 */
static const struct expr_node *promoted(struct gen_expr *e, const char *at,
					const struct expr_node *a)
{
	struct expr_node *zero = expr_node(e, X_INT, at);

	return zero ? arithmetic(e, X_ADD, at, a, zero) : NULL;
}

const struct expr_node *expr_unary(struct gen_expr *e, char op, const char *at,
				   const struct expr_node *a)
{
	struct expr_node *n;

	if (!a)
		return NULL;
	if (op == '!')
		return logical_not(e, at, a);
	if (a->t.kind != E_FLT || op == '~') {
		if (!need_int(e, at, a))
			return NULL;
	}
	if (op == '+')
		return a->t.kind == E_FLT ? a : promoted(e, at, a);
	n = expr_node(e, op == '~' ? X_INV : X_NEG, at);
	if (!n)
		return NULL;
	n->a = a;
	n->t = n->ct = a->t.kind == E_FLT ? a->t : promote(a);
	if (a->op == X_FLT) {
		n->op = X_FLT;
		n->value = a->t.size == 16 ? a->value : a->value ^ 1ull << (a->t.size * 8 - 1);
		n->off = a->t.size == 16 ? a->off ^ 0x8000 : 0;
	} else if (a->op == X_INT) {
		n->value = convert(op == '~' ? ~a->value : -a->value, n->t);
		n->op = X_INT;
	}
	return n;
}

/* -- life ------------------------------------------------------------------------------------ */

int gen_expr_new(const char *text, const struct proto *p, const struct func_model *m,
		 struct gen_expr **out, struct diag *d)
{
	struct gen_expr *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	err = ty_pool_new(&e->pool);
	if (!err) {
		e->p = p;
		e->m = m;
		e->text = text;
		e->d = d;
		e->root = expr_parse(e);
		err = e->err;
	}
	if (!err)
		err = expr_measure(e);
	e->text = NULL;
	e->d = NULL;
	if (err)
		gen_expr_free(e);
	else
		*out = e;
	return err;
}

void gen_expr_free(struct gen_expr *e)
{
	if (e)
		ty_pool_free(e->pool);
	free(e);
}

bool gen_expr_uses_ret(const struct gen_expr *e)
{
	return e->uses_ret;
}

unsigned gen_expr_stack(const struct gen_expr *e)
{
	return e->spills + e->scratch + e->buffer;
}
