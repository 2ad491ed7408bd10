/*
 * gen/inject_value.c - the text of a value, for the result that a function has: see inject.h.
 *
 * Here are integers, enums and pointers; numbers with a point are in inject_real.c, what has
 * braces in inject_init.c.
 */
#include "gen/inject_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 wide;

int inject_refuse(struct diag *d, const char *text, const struct ty *t, const char *may)
{
	char type[128];

	ty_format(t, type, sizeof(type));
	return diag_set(d, -EINVAL, "'%s' is no value of type %s: give %s", text, type, may);
}

/* -- numbers and characters ------------------------------------------------- */

static unsigned digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return (unsigned)(c - '0');
	return isxdigit((unsigned char)c) ? (unsigned)(tolower((unsigned char)c) - 'a' + 10) : 99;
}

/* As strtoull(, , 0), of twice the bits. */
bool inject_number(const char *text, bool *negative, wide *magnitude)
{
	unsigned base = 10;
	wide v = 0;

	*negative = *text == '-';
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	} else if (text[0] == '0') {
		base = 8;
	}
	if (digit_value(*text) >= base)
		return false;
	for (; digit_value(*text) < base; text++) {
		if (v > (~(wide)0 - digit_value(*text)) / base)
			return false;
		v = v * base + digit_value(*text);
	}
	*magnitude = v;
	return !*text;
}

unsigned inject_escape(const char *text, uint8_t *c)
{
	static const char escaped[] = "abfnrtv\\'\"", plain[] = "\a\b\f\n\r\t\v\\'\"";
	const char *e = *text ? strchr(escaped, *text) : NULL;
	unsigned v = 0, n = 0;

	if (e) {
		*c = (uint8_t)plain[e - escaped];
		return 1;
	}
	if (*text == 'x') {
		for (n = 1; digit_value(text[n]) < 16 && v < 16; n++)
			v = 16 * v + digit_value(text[n]);
		n = n > 1 ? n : 0;
	} else {
		for (; n < 3 && digit_value(text[n]) < 8; n++)
			v = 8 * v + digit_value(text[n]);
	}
	*c = (uint8_t)v;
	return v < 256 ? n : 0;
}

/* 'c', or \n and the like. */
static bool read_character(const char *text, wide *out)
{
	size_t n = strlen(text);
	uint8_t c;

	if (n < 3 || text[0] != '\'' || text[n - 1] != '\'')
		return false;
	if (text[1] == '\\') {
		if (inject_escape(text + 2, &c) + 3 != n)
			return false;
	} else if (n != 3) {
		return false;
	} else {
		c = (uint8_t)text[1];
	}
	*out = c;
	return true;
}

/* Does it fit, as a signed number or an unsigned one?  0xffffffff is an int, too. */
static bool fits(unsigned bits, bool is_signed, bool negative, wide magnitude)
{
	if (negative && (!is_signed || !bits))
		return magnitude == 0;
	if (negative)
		return magnitude <= (wide)1 << (bits - 1);
	return bits >= 128 || magnitude >> bits == 0;
}

/* -- types -------------------------------------------------------------------- */

static int integer(const char *text, const struct ty *t, unsigned bits, wide *out, struct diag *d)
{
	bool is_signed = t->flags & TY_SIGNED, negative = false;
	wide v;

	if (t->flags & TY_BOOL) {
		bool yes = !strcmp(text, "true") || !strcmp(text, "1");

		*out = yes;
		return yes || !strcmp(text, "false") || !strcmp(text, "0") ?
			       0 :
			       inject_refuse(d, text, t, "true or false");
	}
	if (!read_character(text, &v) && !inject_number(text, &negative, &v))
		return inject_refuse(d, text, t, "an integer");
	if (!fits(bits, is_signed, negative, v))
		return inject_refuse(d, text, t, "one that fits");
	*out = negative ? -v : v;
	return 0;
}

/* By its name, "colour::RED" too. */
static bool named(const struct ty *t, const char *name, size_t n, wide *out)
{
	const char *last = name;

	for (size_t i = 0; i + 2 < n; i++)
		last = name[i] == ':' && name[i + 1] == ':' ? name + i + 2 : last;
	n -= (size_t)(last - name);
	for (uint64_t i = 0; i < t->n && t->enumerator; i++) {
		const char *have = t->enumerator[i].name;

		if (strlen(have) == n && !memcmp(have, last, n)) {
			*out |= (wide)(__int128)t->enumerator[i].value;
			return true;
		}
	}
	return false;
}

/* RED, A|B, or a number. */
static int enumerator(const char *text, const struct ty *t, unsigned bits, wide *out,
		      struct diag *d)
{
	const char *at = text;

	*out = 0;
	for (;;) {
		size_t n;

		at += strspn(at, " ");
		n = strcspn(at, " |");
		if (!named(t, at, n, out))
			break;
		at += n + strspn(at + n, " ");
		if (!*at)
			return 0;
		at++;
	}
	if (integer(text, t, bits, out, NULL))
		return inject_refuse(d, text, t, "one of its enumerators, or an integer");
	return 0;
}

static int pointer(const char *text, const struct ty *t, wide *out, struct diag *d)
{
	bool negative = false;

	*out = 0;
	if (!strcmp(text, "NULL") || !strcmp(text, "nullptr"))
		return 0;
	if (!inject_number(text, &negative, out) || *out > UINT64_MAX)
		return inject_refuse(d, text, t, "NULL or an address");
	*out = negative ? -*out : *out; /* -1: MAP_FAILED */
	return 0;
}

bool inject_is_scalar(const struct ty *t)
{
	switch (t->kind) {
	case TY_INT:
	case TY_ENUM:
	case TY_PTR:
		return t->size && t->size <= 16;
	case TY_FLOAT:
		return true;
	default:
		return false;
	}
}

int inject_scalar(const char *text, const struct ty *t, unsigned bits, uint8_t *dst, struct diag *d)
{
	unsigned have = bits ? bits : (unsigned)t->size * 8;
	wide v = 0;
	int err;

	if (t->kind == TY_FLOAT)
		return inject_real(text, t, dst, d);
	if (t->kind == TY_PTR)
		err = pointer(text, t, &v, d);
	else if (t->kind == TY_INT)
		err = integer(text, t, have, &v, d);
	else
		err = enumerator(text, t, have, &v, d);
	if (!err)
		memcpy(dst, &v, bits ? sizeof(v) : t->size); /* little-endian host */
	return err;
}

/* -- results ------------------------------------------------------------------ */

/* What says that a call failed, by C's habit: NULL, or -1 where that is a value. */
static int failure(const struct ty *t, const struct ty *ret, uint8_t *dst, struct diag *d)
{
	char type[128];

	if (t->kind == TY_PTR)
		return 0;
	if ((t->kind == TY_INT || t->kind == TY_ENUM) && t->flags & TY_SIGNED) {
		memset(dst, 0xff, t->size);
		return 0;
	}
	ty_format(ret, type, sizeof(type));
	return diag_set(d, -EINVAL,
			"which value of type %s says failure is not known: give it, "
			"FUNC=VALUE",
			type);
}

/* As a slot has it: extended by its own sign. */
static uint64_t extended(const struct ty *t, const uint8_t *bytes)
{
	unsigned up = 64 - (unsigned)t->size * 8;
	uint64_t v = 0;

	memcpy(&v, bytes, t->size);
	if (t->flags & TY_SIGNED && t->kind != TY_FLOAT)
		return (uint64_t)((int64_t)(v << up) >> up);
	return v;
}

static bool is_word(const struct ty *t)
{
	return inject_is_scalar(t) && t->size <= 8 &&
	       !(t->kind == TY_FLOAT && t->flags & TY_COMPLEX);
}

static bool can_be_written(const struct ty *t)
{
	return inject_is_scalar(t) || t->kind == TY_STRUCT || t->kind == TY_UNION ||
	       (t->kind == TY_ARRAY && t->flags & TY_VECTOR);
}

static int read_value(const char *text, const struct ty *t, const struct ty *ret, uint8_t *dst,
		      struct diag *d)
{
	if (!text)
		return failure(t, ret, dst, d);
	return inject_is_scalar(t) ? inject_scalar(text, t, 0, dst, d) :
				     inject_aggregate(text, t, dst, d);
}

int gen_inject_value(const char *text, const struct ty *ret, struct gen_value *out, struct diag *d)
{
	static const struct ty nothing = { .kind = TY_VOID, .name = "void" };
	const struct ty *t = ret ? ty_strip(ret) : &nothing;
	char type[128];
	int err;

	*out = (struct gen_value){ 0 };
	if (t->kind == TY_VOID)
		return !text || !strcmp(text, "void") ? 0 : inject_refuse(d, text, t, "void");
	if (!can_be_written(t) || t->size > INJECT_MAX_SIZE) {
		ty_format(ret, type, sizeof(type));
		return diag_set(d, -ENOTSUP,
				"a result of type %s cannot be written: what it holds is not "
				"known, or too large",
				type);
	}
	out->size = t->size;
	out->bytes = calloc(1, t->size ? t->size : 1);
	if (!out->bytes)
		return -ENOMEM;
	err = read_value(text, t, ret, out->bytes, d);
	if (!err && is_word(t))
		out->word = extended(t, out->bytes);
	if (err || is_word(t))
		gen_value_free(out);
	return err;
}

void gen_value_free(struct gen_value *v)
{
	free(v->bytes);
	v->bytes = NULL;
}

bool gen_value_same(const struct gen_value *a, const struct gen_value *b)
{
	if (!a->bytes || !b->bytes)
		return !a->bytes && !b->bytes && a->word == b->word;
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}
