/*
 * gen/expr_parse.c - see expr.h: text to tree, by precedence.
 *
 * Spec     C11 6.4.4 (constants), 6.4.5 (strings), 6.5 (precedence); =~ stands with == and !=
 */
#include "gen/expr_priv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	struct gen_expr *e;
	const char *s;
	unsigned depth;
};

static const struct binary {
	const char *text;
	uint8_t op, level; /* higher binds closer */
} binaries[] = {
	/* longer ones first */
	{ "||", X_LOR, 1 },  { "&&", X_LAND, 2 }, { "==", X_EQ, 6 },  { "!=", X_NE, 6 },
	{ "=~", X_GLOB, 6 }, { "<<", X_SHL, 8 },  { ">>", X_SHR, 8 }, { "<=", X_LE, 7 },
	{ ">=", X_GE, 7 },   { "|", X_OR, 3 },    { "^", X_XOR, 4 },  { "&", X_AND, 5 },
	{ "<", X_LT, 7 },    { ">", X_GT, 7 },    { "+", X_ADD, 9 },  { "-", X_SUB, 9 },
	{ "*", X_MUL, 10 },  { "/", X_DIV, 10 },  { "%", X_MOD, 10 },
};

static void blanks(struct parser *p)
{
	p->s += strspn(p->s, " \t\r\n");
}

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static size_t word(const char *s)
{
	size_t n = 0;

	if (isdigit((unsigned char)*s))
		return 0;
	while (word_char(s[n]))
		n++;
	return n;
}

/* What stands there, for messages. */
static const struct expr_node *expected(struct parser *p, const char *what)
{
	size_t n = word(p->s);

	if (!*p->s)
		return expr_fail(p->e, p->s, "expected %s, but it ends here", what);
	return expr_fail(p->e, p->s, "expected %s, found '%.*s'", what, n ? (int)n : 1, p->s);
}

/* -- constants ------------------------------------------------------------------------------ */

static int escape_value(const char **s)
{
	static const char names[] = "ntrabfve\\'\"?", values[] = "\n\t\r\a\b\f\v\x1b\\'\"?";
	const char *at = *s, *found;
	unsigned v = 0, n = 0;

	if (*at == 'x') {
		for (at++; n < 2 && isxdigit((unsigned char)*at); at++, n++)
			v = v * 16 + (unsigned)(isdigit((unsigned char)*at) ?
							*at - '0' :
							(*at | 32) - 'a' + 10);
		*s = at;
		return n ? (int)v : -1;
	}
	if (*at >= '0' && *at <= '7') {
		for (; n < 3 && *at >= '0' && *at <= '7'; at++, n++)
			v = v * 8 + (unsigned)(*at - '0');
		*s = at;
		return v < 256 ? (int)v : -1;
	}
	found = *at ? strchr(names, *at) : NULL;
	if (!found)
		return -1;
	*s = at + 1;
	return (unsigned char)values[found - names];
}

/* At an opening quote; in a pattern \* and \? stay as they are, and \\ too. */
static char *quoted(struct parser *p, char quote, bool glob, size_t *len)
{
	const char *start = p->s++;
	char *out = ty_pool_alloc(p->e->pool, 2 * strlen(start) + 1);
	size_t n = 0;

	if (!out) {
		p->e->err = -ENOMEM;
		return NULL;
	}
	while (*p->s && *p->s != quote) {
		const char *at = p->s++;
		int c = (unsigned char)*at;

		if (c == '\\' && glob && *p->s && strchr("*?\\", *p->s)) {
			out[n++] = '\\';
			c = *p->s++;
		} else if (c == '\\') {
			c = escape_value(&p->s);
			if (c < 0) {
				expr_fail(p->e, at, "no such escape sequence");
				return NULL;
			}
			/* a byte given by number means itself */
			if (glob && (c == '*' || c == '?' || c == '\\'))
				out[n++] = '\\';
		}
		out[n++] = (char)c;
	}
	if (*p->s != quote) {
		expr_fail(p->e, start, "no closing %c", quote);
		return NULL;
	}
	p->s++;
	*len = n;
	return out;
}

static const struct expr_node *character(struct parser *p)
{
	const char *at = p->s;
	struct expr_node *n;
	size_t len = 0;
	char *s = quoted(p, '\'', false, &len);

	if (!s)
		return NULL;
	if (len != 1)
		return expr_fail(p->e, at,
				 "expected one character between '': text stands in \"\"");
	n = expr_node(p->e, X_INT, at);
	if (n)
		n->value = (uint64_t)(int64_t)(signed char)s[0];
	return n;
}

static const struct expr_node *text(struct parser *p, bool glob)
{
	struct expr_node *n = expr_node(p->e, X_TEXT, p->s);

	if (!n)
		return NULL;
	n->t = (struct expr_type){ .kind = E_TEXT };
	n->text = quoted(p, '"', glob, &n->len);
	if (!n->text)
		return NULL;
	if (memchr(n->text, 0, n->len))
		return expr_fail(p->e, n->at, "a string has no NUL inside");
	if (!glob && n->len > EXPR_MAX_TEXT)
		return expr_fail(p->e, n->at, "a text of %zu bytes; the limit is %d", n->len,
				 EXPR_MAX_TEXT);
	return n;
}

static const struct expr_node *long_double(struct parser *p, struct expr_node *n, const char *text)
{
	long double v = strtold(text, NULL);

	if (isinf(v))
		return expr_fail(p->e, n->at, "%s is out of range", text);
	n->t = (struct expr_type){ .kind = E_FLT, .size = 16, .is_signed = true };
	expr_set_x87(n, v);
	return n;
}

static const struct expr_node *floating(struct parser *p, const char *at, size_t n)
{
	struct expr_node *node = expr_node(p->e, X_FLT, at);
	bool single = false, hex = at[0] == '0' && (at[1] | 32) == 'x';
	char buf[128], *end;
	double d;
	float f;

	if (!node)
		return NULL;
	if (n >= sizeof(buf))
		return expr_fail(p->e, at, "too long a number");
	memcpy(buf, at, n);
	buf[n] = '\0';
	d = strtod(buf, &end);
	if ((*end | 32) == 'l' && !end[1])
		return long_double(p, node, buf);
	if ((*end | 32) == 'f' && !end[1] && (!hex || strpbrk(buf, "pP"))) {
		single = true;
		end++;
	}
	if (*end)
		return expr_fail(p->e, at, "'%s' is no number", buf);
	f = strtof(buf, &end);
	if (isinf(d) || (single && isinf(f)))
		return expr_fail(p->e, at, "%s is out of range", buf);
	node->t = (struct expr_type){ .kind = E_FLT, .size = single ? 4 : 8, .is_signed = true };
	memcpy(&node->value, single ? (void *)&f : (void *)&d, single ? 4 : 8);
	return node;
}

/* C11 6.4.4.1: the first of int, unsigned (not decimal), long, unsigned long that holds it. */
static bool int_type(struct expr_type *t, uint64_t v, bool decimal, bool u, bool l)
{
	*t = EXPR_INT;
	if (!l && v <= INT32_MAX && !u)
		return true;
	t->is_signed = false;
	if (!l && v <= UINT32_MAX && (u || !decimal))
		return true;
	t->size = 8;
	if (!u && v <= INT64_MAX) {
		t->is_signed = true;
		return true;
	}
	return u || !decimal;
}

static bool int_suffix(const char *s, const char *end, bool *u, bool *l)
{
	for (; s < end; s++) {
		if ((*s | 32) == 'u' && !*u) {
			*u = true;
		} else if ((*s | 32) == 'l' && !*l) {
			*l = true;
			if (s + 1 < end && s[1] == *s)
				s++;
		} else {
			return false;
		}
	}
	return true;
}

static const struct expr_node *number(struct parser *p)
{
	const char *at = p->s, *end = at;
	bool hex = at[0] == '0' && (at[1] | 32) == 'x', bin = at[0] == '0' && (at[1] | 32) == 'b';
	bool u = false, l = false, flt = false;
	struct expr_node *n;
	char *stop;

	for (; word_char(*end) || *end == '.'; end++) {
		bool exp = hex ? (*end | 32) == 'p' : (*end | 32) == 'e';

		flt |= *end == '.' || exp;
		if (exp && (end[1] == '-' || end[1] == '+'))
			end++;
	}
	p->s = end;
	if (flt)
		return floating(p, at, (size_t)(end - at));
	n = expr_node(p->e, X_INT, at);
	if (!n)
		return NULL;
	errno = 0;
	n->value = strtoull(bin ? at + 2 : at, &stop, bin ? 2 : 0);
	if (errno == ERANGE)
		return expr_fail(p->e, at, "%.*s has more than 64 bits", (int)(end - at), at);
	if (!int_suffix(stop, end, &u, &l) || (bin && stop == at + 2))
		return expr_fail(p->e, at, "'%.*s' is no number", (int)(end - at), at);
	if (!int_type(&n->t, n->value, at[0] != '0', u, l))
		return expr_fail(p->e, at, "%.*s fits no signed type: write %.*su", (int)(end - at),
				 at, (int)(end - at), at);
	return n;
}

/* -- operands ------------------------------------------------------------------------------- */

static const struct expr_node *binary(struct parser *p, unsigned level);

static bool enter(struct parser *p)
{
	if (p->depth++ < EXPR_MAX_DEPTH)
		return true;
	expr_fail(p->e, p->s, "nested too deeply");
	return false;
}

static bool type_word(const char *s)
{
	static const char *const words[] = { "int",   "unsigned", "signed", "char",  "short",
					     "long",  "float",    "double", "void",  "struct",
					     "union", "enum",     "const",  "_Bool", "sizeof" };
	size_t n = word(s);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return true;
	return false;
}

static const struct expr_node *group(struct parser *p)
{
	const struct expr_node *n;

	p->s++;
	blanks(p);
	if (type_word(p->s))
		return expr_fail(p->e, p->s,
				 "casts are not supported: values have the types of the function");
	n = binary(p, 1);
	blanks(p);
	if (!n)
		return NULL;
	if (*p->s != ')')
		return expected(p, "an operator or )");
	p->s++;
	return n;
}

static const struct expr_node *primary(struct parser *p)
{
	static const char what[] = "an argument, a constant, \"text\" or (";
	const char *at;
	size_t n;

	blanks(p);
	at = p->s;
	if (*at == '(')
		return group(p);
	if (*at == '"')
		return text(p, false);
	if (*at == '\'')
		return character(p);
	if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
		return number(p);
	n = word(at);
	if (!n)
		return expected(p, what);
	if (type_word(at))
		return expected(p, what);
	p->s += n;
	if (*p->s == '(')
		return expr_fail(p->e, at, "functions cannot be called");
	return expr_name(p->e, at, n);
}

static const struct expr_node *member(struct parser *p, const struct expr_node *a, bool arrow)
{
	const char *at = p->s;
	size_t n;

	p->s += arrow ? 2 : 1;
	blanks(p);
	n = word(p->s);
	if (!n)
		return expected(p, "a member's name");
	p->s += n;
	return expr_member(p->e, a, arrow, at, p->s - n, n);
}

static const struct expr_node *element(struct parser *p, const struct expr_node *a)
{
	const char *at = p->s++;
	const struct expr_node *i = binary(p, 1);

	blanks(p);
	if (!i)
		return NULL;
	if (*p->s != ']')
		return expected(p, "]");
	p->s++;
	if (i->op != X_INT)
		return expr_fail(p->e, i->at, "an index must be a constant integer");
	return expr_index(p->e, a, at, (int64_t)i->value);
}

static const struct expr_node *postfix(struct parser *p)
{
	const struct expr_node *n = primary(p);

	while (n) {
		blanks(p);
		if (*p->s == '[')
			n = element(p, n);
		else if (*p->s == '.' || !strncmp(p->s, "->", 2))
			n = member(p, n, *p->s == '-');
		else
			break;
	}
	return n;
}

static const struct expr_node *unary(struct parser *p)
{
	const struct expr_node *n;
	const char *at;
	char op;

	blanks(p);
	at = p->s;
	op = *at;
	if (!op || !strchr("!~-+*&", op))
		return postfix(p);
	if (op == '&')
		return expr_fail(p->e, at, "addresses cannot be taken");
	if ((op == '-' || op == '+') && at[1] == op)
		return expr_fail(p->e, at, "nothing can be changed");
	if (!enter(p))
		return NULL;
	p->s++;
	n = unary(p);
	p->depth--;
	if (!n)
		return NULL;
	return op == '*' ? expr_index(p->e, n, at, 0) : expr_unary(p->e, op, at, n);
}

static const struct binary *operator_at(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(binaries); i++)
		if (!strncmp(s, binaries[i].text, strlen(binaries[i].text)))
			return &binaries[i];
	return NULL;
}

static const struct expr_node *right_side(struct parser *p, const struct binary *op)
{
	blanks(p);
	return op->op == X_GLOB && *p->s == '"' ? text(p, true) : binary(p, op->level + 1);
}

static const struct expr_node *binary(struct parser *p, unsigned level)
{
	const struct expr_node *n;
	const struct binary *op;

	if (!enter(p))
		return NULL;
	n = unary(p);
	while (n) {
		const char *at;

		blanks(p);
		at = p->s;
		op = operator_at(at);
		if (!op && *at == '=')
			return expr_fail(p->e, at, "nothing can be assigned: == compares");
		if (!op || op->level < level)
			break;
		p->s += strlen(op->text);
		if (*p->s == '=' && op->op != X_LAND && op->op != X_LOR)
			return expr_fail(p->e, at, "no such operator: '%s='", op->text);
		n = expr_binary(p->e, op->op, at, n, right_side(p, op));
	}
	p->depth--;
	return n;
}

const struct expr_node *expr_parse(struct gen_expr *e)
{
	struct parser p = { .e = e, .s = e->text };
	const struct expr_node *n = binary(&p, 1);

	blanks(&p);
	if (n && *p.s)
		n = *p.s == '?' ? expr_fail(e, p.s, "?: is not supported: use && and ||") :
				  expected(&p, "an operator");
	return n ? expr_truth(e, n) : NULL;
}
