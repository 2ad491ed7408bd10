/*
 * gen/inject_value.c - the text of a value, for the result that a function has.
 */
#include "gen/inject.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int refuse(struct diag *d, const char *text, const struct ty *ret, const char *may)
{
	char type[128];

	ty_format(ret, type, sizeof(type));
	return diag_set(d, -EINVAL, "'%s' is no value of type %s: give %s", text, type, may);
}

/* All of text is a number; *negative tells the sign of what *magnitude is the size of. */
static bool read_integer(const char *text, bool *negative, uint64_t *magnitude)
{
	char *end;

	*negative = *text == '-';
	text += *text == '-' || *text == '+';
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*magnitude = strtoull(text, &end, 0);
	return !errno && !*end;
}

/* 'c', or \n and the like. */
static bool read_character(const char *text, uint64_t *out)
{
	static const char escaped[] = "abfnrtv0\\'", plain[] = "\a\b\f\n\r\t\v\0\\'";
	size_t n = strlen(text);
	const char *e;

	if (n == 3 && text[0] == '\'' && text[2] == '\'' && text[1] != '\\') {
		*out = (unsigned char)text[1];
		return true;
	}
	if (n != 4 || text[0] != '\'' || text[1] != '\\' || text[3] != '\'')
		return false;
	e = strchr(escaped, text[2]);
	if (!e || !*e)
		return false;
	*out = (unsigned char)plain[e - escaped];
	return true;
}

/* Does it fit size bytes, as a signed number or an unsigned one?  0xffffffff is an int, too. */
static bool fits(uint64_t size, bool is_signed, bool negative, uint64_t magnitude)
{
	unsigned bits = (unsigned)size * 8;

	if (negative && (!is_signed || !bits))
		return magnitude == 0;
	if (negative)
		return magnitude <= 1ull << (bits - 1);
	return bits >= 64 || magnitude >> bits == 0;
}

/* As a slot has it: extended by its own sign. */
static uint64_t extend(uint64_t v, uint64_t size, bool is_signed)
{
	unsigned up = 64 - (unsigned)size * 8;

	return is_signed ? (uint64_t)((int64_t)(v << up) >> up) : v << up >> up;
}

static int integer(const char *text, const struct ty *t, const struct ty *ret, uint64_t *out,
		   struct diag *d)
{
	bool is_signed = t->flags & TY_SIGNED, negative = false;
	uint64_t v;

	if (t->flags & TY_BOOL) {
		bool yes = !strcmp(text, "true") || !strcmp(text, "1");

		*out = yes;
		return yes || !strcmp(text, "false") || !strcmp(text, "0") ?
			       0 :
			       refuse(d, text, ret, "true or false");
	}
	if (!read_character(text, &v) && !read_integer(text, &negative, &v))
		return refuse(d, text, ret, "an integer");
	if (!fits(t->size, is_signed, negative, v))
		return refuse(d, text, ret, "one that fits");
	*out = extend(negative ? -v : v, t->size, is_signed);
	return 0;
}

static int enumerator(const char *text, const struct ty *t, const struct ty *ret, uint64_t *out,
		      struct diag *d)
{
	for (uint64_t i = 0; i < t->n; i++) {
		if (!strcmp(t->enumerator[i].name, text)) {
			*out = extend((uint64_t)t->enumerator[i].value, t->size,
				      t->flags & TY_SIGNED);
			return 0;
		}
	}
	if (integer(text, t, ret, out, NULL))
		return refuse(d, text, ret, "one of its enumerators, or an integer");
	return 0;
}

static int floating(const char *text, const struct ty *t, const struct ty *ret, uint64_t *out,
		    struct diag *d)
{
	char *end;
	double v = strtod(text, &end);
	float f = strtof(text, NULL);

	if (end == text || *end)
		return refuse(d, text, ret, "a number");
	/* "inf" is what it says, 1e400 is not */
	if ((t->size == 4 ? isinf(f) : isinf(v)) && strpbrk(text, "0123456789"))
		return refuse(d, text, ret, "one in its range, or inf");
	*out = 0;
	if (t->size == 4)
		memcpy(out, &f, 4);
	else
		memcpy(out, &v, 8);
	return 0;
}

static int pointer(const char *text, const struct ty *ret, uint64_t *out, struct diag *d)
{
	bool negative = false;

	*out = 0;
	if (!strcmp(text, "NULL") || !strcmp(text, "nullptr"))
		return 0;
	if (!read_integer(text, &negative, out))
		return refuse(d, text, ret, "NULL or an address");
	*out = negative ? -*out : *out; /* -1: MAP_FAILED */
	return 0;
}

/* What says that a call failed, by C's habit: NULL, or -1 where that is a value. */
static int failure(const struct ty *t, const struct ty *ret, uint64_t *out, struct diag *d)
{
	char type[128];

	if (t->kind == TY_PTR) {
		*out = 0;
		return 0;
	}
	if ((t->kind == TY_INT || t->kind == TY_ENUM) && t->flags & TY_SIGNED) {
		*out = UINT64_MAX;
		return 0;
	}
	ty_format(ret, type, sizeof(type));
	return diag_set(d, -EINVAL,
			"which value of type %s says failure is not known: give it, "
			"FUNC=VALUE",
			type);
}

/* Is it one register's, and do we know how it is written? */
static bool replaceable(const struct ty *t)
{
	switch (t->kind) {
	case TY_PTR:
		return true;
	case TY_INT:
	case TY_ENUM:
		return t->size <= 8;
	case TY_FLOAT:
		return !(t->flags & (TY_X87 | TY_COMPLEX)) && (t->size == 4 || t->size == 8);
	default:
		return false;
	}
}

int gen_inject_value(const char *text, const struct ty *ret, uint64_t *out, struct diag *d)
{
	static const struct ty nothing = { .kind = TY_VOID, .name = "void" };
	const struct ty *t = ret ? ty_strip(ret) : &nothing;
	char type[128];

	if (t->kind == TY_VOID) {
		*out = 0;
		return !text || !strcmp(text, "void") ? 0 : refuse(d, text, t, "void");
	}
	if (!replaceable(t)) {
		ty_format(ret, type, sizeof(type));
		return diag_set(d, -ENOTSUP,
				"a result of type %s cannot be replaced: only integers of at most "
				"64 bits, enums, pointers, float, double, and void",
				type);
	}
	if (!text)
		return failure(t, ret, out, d);
	if (t->kind == TY_PTR)
		return pointer(text, ret, out, d);
	if (t->kind == TY_FLOAT)
		return floating(text, t, ret, out, d);
	return t->kind == TY_INT ? integer(text, t, ret, out, d) : enumerator(text, t, ret, out, d);
}
