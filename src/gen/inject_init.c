/*
 * gen/inject_init.c - C's initialisers in braces, for results that are structs, unions, vectors.
 *
 * As in C11 6.7.9: members in order or by designators, .x and [2], which go on from there;
 * what is not named is zero; {0} and {} zero all of it.  Each struct and array has braces of
 * its own (no elision).  In a union the first member, or the named one.
 *
 * Types come from files: no offset is trusted to lie in the value.
 */
#include "gen/inject_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32
#define MAX_TOKEN 256

struct init {
	const char *at;
	const uint8_t *end; /* of the value's bytes */
	struct diag *d;
	unsigned depth;
};

/* What is to be given a value; bits: of a bit-field, from bit bit_offset of dst on. */
struct place {
	const struct ty *t;
	uint8_t *dst;
	unsigned bit_offset, bits;
};

static int fill(struct init *in, const struct place *p);

static char next(struct init *in)
{
	while (isspace((unsigned char)*in->at))
		in->at++;
	return *in->at;
}

static int refuse(struct init *in, const struct ty *t, const char *may)
{
	char rest[40];
	size_t n = strlen(in->at);

	snprintf(rest, sizeof(rest), "%.*s%s", n > 32 ? 29 : (int)n, in->at, n > 32 ? "..." : "");
	return inject_refuse(in->d, rest, t, may);
}

static bool is_aggregate(const struct ty *t)
{
	return t->kind == TY_STRUCT || t->kind == TY_UNION || t->kind == TY_ARRAY;
}

/* -- where ---------------------------------------------------------------------- */

static void at_member(const struct place *outer, const struct ty_member *m, struct place *out)
{
	*out = (struct place){ ty_strip(m->type), outer->dst + m->offset, m->bit_offset, m->bits };
}

/* Also of anonymous structs and unions inside; *index: which of outer's own it is or is in. */
static bool find(const struct place *outer, const char *name, size_t n, unsigned depth,
		 struct place *out, uint64_t *index)
{
	const struct ty *t = outer->t;

	for (uint64_t i = 0; i < t->n && t->member && depth < MAX_DEPTH; i++) {
		const struct ty_member *m = &t->member[i];
		struct place inner;
		uint64_t ignored;

		if (!m->type || m->offset > t->size)
			continue;
		at_member(outer, m, &inner);
		*index = i;
		if (m->name && strlen(m->name) == n && !memcmp(m->name, name, n)) {
			*out = inner;
			return true;
		}
		if ((!m->name || !m->name[0]) &&
		    (inner.t->kind == TY_STRUCT || inner.t->kind == TY_UNION) &&
		    find(&inner, name, n, depth + 1, out, &ignored))
			return true;
	}
	return false;
}

/* The i-th value without a name. */
static int by_number(struct init *in, const struct place *outer, uint64_t i, struct place *out)
{
	const struct ty *t = outer->t, *of;

	if (t->kind == TY_ARRAY) {
		of = ty_strip(t->of);
		if (i >= t->n || t->flags & TY_UNSIZED || !of->size)
			return refuse(in, t, "fewer values: so many it does not have");
		*out = (struct place){ of, outer->dst + i * of->size, 0, 0 };
		return 0;
	}
	if (i >= (t->kind == TY_UNION ? 1 : t->n) || !t->member || !t->member[i].type ||
	    t->member[i].offset > t->size)
		return refuse(in, t, "fewer values: so many it does not have");
	at_member(outer, &t->member[i], out);
	return 0;
}

/* One of .x and [2]. */
static int designated(struct init *in, const struct place *outer, struct place *out,
		      uint64_t *index)
{
	char *end;
	size_t n;

	if (*in->at == '.') {
		const char *name = in->at + 1;

		name += strspn(name, " ");
		n = strcspn(name, " .[=,}{");
		if (outer->t->kind == TY_ARRAY || !is_aggregate(outer->t) ||
		    !find(outer, name, n, 0, out, index))
			return refuse(in, outer->t, "the names of its members");
		in->at = name + n;
		return 0;
	}
	if (outer->t->kind != TY_ARRAY || !isdigit((unsigned char)in->at[1]))
		return refuse(in, outer->t, "[N] in arrays, .NAME in structs");
	*index = strtoull(in->at + 1, &end, 0);
	if (*end != ']')
		return refuse(in, outer->t, "[N], a number");
	n = (size_t)(end + 1 - in->at);
	in->at += n;
	return by_number(in, outer, *index, out);
}

/* -- values ---------------------------------------------------------------------- */

static int fill_bits(const struct place *p, const uint8_t *value)
{
	for (unsigned i = 0; i < p->bits; i++) {
		unsigned to = p->bit_offset + i;
		uint8_t bit = (uint8_t)(value[i / 8] >> i % 8 & 1);

		p->dst[to / 8] = (uint8_t)((p->dst[to / 8] & ~(1u << to % 8)) | bit << to % 8);
	}
	return 0;
}

/* Up to a comma or brace that is not a character. */
static size_t token_length(const char *at)
{
	size_t n = 0;

	if (*at == '\'' && at[1])
		n = at[1] == '\\' && at[2] ? 3 : 2;
	n += strcspn(at + n, ",}");
	while (n && isspace((unsigned char)at[n - 1]))
		n--;
	return n;
}

static int fill_scalar(struct init *in, const struct place *p)
{
	uint8_t value[16] = { 0 };
	char token[MAX_TOKEN];
	size_t n = token_length(in->at);
	int err;

	if (n >= sizeof(token))
		return refuse(in, p->t, "a shorter text");
	memcpy(token, in->at, n);
	token[n] = '\0';
	if (*token == '"')
		return refuse(in, p->t, "NULL or an address: there is no string to point to");
	if (p->bits > 128 || (p->bits && p->t->kind == TY_FLOAT))
		return refuse(in, p->t, "nothing: there is no such bit-field");
	err = inject_scalar(token, p->t, p->bits, p->bits ? value : p->dst, in->d);
	if (!err && p->bits)
		err = fill_bits(p, value);
	if (!err)
		in->at += n;
	return err;
}

/* "text" in an array of characters, whose NUL need not fit (C11 6.7.9, 14). */
static int fill_string(struct init *in, const struct place *p)
{
	uint64_t n = 0;

	for (in->at++; *in->at && *in->at != '"'; n++) {
		uint8_t c = (uint8_t)*in->at++;

		if (c == '\\') {
			unsigned len = inject_escape(in->at, &c);

			if (!len)
				return refuse(in, p->t, "an escape of C");
			in->at += len;
		}
		if (n >= p->t->size)
			return refuse(in, p->t, "a shorter string");
		p->dst[n] = c;
	}
	if (*in->at != '"')
		return refuse(in, p->t, "a closing quote");
	in->at++;
	return 0;
}

static bool takes_string(const struct ty *t)
{
	const struct ty *of =
		t->kind == TY_ARRAY && !(t->flags & TY_VECTOR) ? ty_strip(t->of) : NULL;

	return of && of->kind == TY_INT && of->size == 1;
}

/* "{0}": all of it, whatever comes first. */
static bool is_zero(struct init *in)
{
	const char *at = in->at;

	if (next(in) == '0') {
		in->at++;
		if (next(in) == '}')
			return true;
	}
	in->at = at;
	return false;
}

static int fill_next(struct init *in, const struct place *p, uint64_t *i)
{
	struct place inner, outer = *p;
	uint64_t index;
	bool named = false;
	int err = 0;

	for (char c = next(in);
	     !err && (c == '[' || c == '.') && !(c == '.' && isdigit((unsigned char)in->at[1]));
	     c = next(in)) {
		err = designated(in, &outer, &inner, &index);
		if (!named && !err)
			*i = index;
		named = true;
		outer = inner;
	}
	if (err)
		return err;
	if (named && next(in) != '=')
		return refuse(in, p->t, "= behind the name of a member");
	in->at += named;
	if (!named)
		err = by_number(in, p, *i, &inner);
	return err ? err : fill(in, &inner);
}

static int fill_braces(struct init *in, const struct place *p)
{
	uint64_t i = 0;
	int err = 0;

	in->at++;
	if (!is_zero(in)) {
		while (!err && next(in) != '}') {
			err = fill_next(in, p, &i);
			if (!err && next(in) == ',')
				in->at++;
			else if (!err && next(in) != '}')
				err = refuse(in, p->t, "a comma between values, } at the end");
			i++;
		}
	}
	if (!err)
		in->at++;
	return err;
}

static int fill(struct init *in, const struct place *p)
{
	uint64_t size = p->bits ? (p->bit_offset + (uint64_t)p->bits + 7) / 8 : p->t->size;
	char type[128];
	int err;

	if (p->dst > in->end || size > (uint64_t)(in->end - p->dst) || in->depth >= MAX_DEPTH ||
	    (!is_aggregate(p->t) && !inject_is_scalar(p->t))) {
		ty_format(p->t, type, sizeof(type));
		return diag_set(in->d, -ENOTSUP,
				"no value of type %s can be written: what it holds is not known",
				type);
	}
	if (next(in) == '"' && takes_string(p->t))
		return fill_string(in, p);
	if (!is_aggregate(p->t))
		return fill_scalar(in, p);
	if (*in->at != '{')
		return refuse(in, p->t,
			      takes_string(p->t) ? "\"text\", or values in braces, {1, 2}" :
						   "values in braces, {1, 2} or {.x = 1}");
	in->depth++;
	err = fill_braces(in, p);
	in->depth--;
	return err;
}

int inject_aggregate(const char *text, const struct ty *t, uint8_t *dst, struct diag *d)
{
	struct init in = { .at = text, .end = dst + t->size, .d = d };
	struct place all = { t, dst, 0, 0 };
	int err = fill(&in, &all);

	if (!err && next(&in))
		err = refuse(&in, t, "nothing behind its last brace");
	return err;
}
