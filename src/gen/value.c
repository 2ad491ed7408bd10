/*
 * gen/value.c - bytes and a C type to JSON or text.
 *
 * Types come from files, bytes from the traced process: depth and number of nodes are
 * bounded, nothing is read beyond the bytes that are there, sizes are not trusted.
 *
 * Shape    integers exact; bool; enums by name, flags as A|B, numbers if none matches;
 *          pointers "0x..", those to functions with the name;
 *          structs and unions objects, members of anonymous ones in the outer object;
 *          arrays, vectors and complex numbers arrays; 128-bit integers decimal strings
 *          (wider: hex); _Float128 rounded to long double; what has no bytes null.
 *          In text, or if that is asked for, character arrays are strings.
 */
#include "gen/quote.h"
#include "gen/value_priv.h"
#include "gen/value_std.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16

/* -- the two forms --------------------------------------------------------------- */

/* json_*() separate by w->comma; in text we do that ourselves. */
static struct json *plain(struct value_out *o)
{
	if (o->text)
		o->w->comma = false;
	return o->w;
}

/* Names come from files: keep a line a line. */
static void put_name(struct json *w, const char *s)
{
	for (; *s; s++)
		json_raw(w, (unsigned char)*s < ' ' || *s == 0x7f ? "?" : s, 1);
}

void value_open(struct value_out *o, char bracket)
{
	json_open(plain(o), bracket);
	o->first = true;
}

void value_close(struct value_out *o, char bracket)
{
	json_close(o->w, bracket);
	o->first = false;
}

void value_item(struct value_out *o)
{
	if (o->text && !o->first)
		json_raw(o->w, ", ", 2);
	o->first = false;
}

void value_key(struct value_out *o, const char *name)
{
	if (!o->text) {
		json_key(o->w, name);
		return;
	}
	value_item(o);
	put_name(o->w, name);
	json_raw(o->w, "=", 1);
}

void value_null(struct value_out *o)
{
	if (o->text)
		json_raw(o->w, "?", 1);
	else
		json_null(o->w);
}

void value_hex(struct value_out *o, uint64_t v)
{
	if (o->text)
		json_printf(o->w, "0x%llx", (unsigned long long)v);
	else
		json_hex(o->w, v);
}

static void value_digits(struct value_out *o, const char *s)
{
	if (o->text)
		json_raw(o->w, s, strlen(s));
	else
		json_str(o->w, s);
}

static void value_word(struct value_out *o, const char *s)
{
	if (o->text)
		put_name(o->w, s);
	else
		json_str(o->w, s);
}

/* A number as JSON has them; what is none goes as a string. */
static void value_number(struct value_out *o, const char *s)
{
	if (o->text) {
		json_raw(o->w, s, strlen(s));
		return;
	}
	/* json_i64() does the comma; its digit is replaced */
	json_i64(o->w, 0);
	if (o->w->failed)
		return;
	o->w->n--;
	json_raw(o->w, s, strlen(s));
}

size_t value_cut(const char *s, size_t n)
{
	size_t back = 0;

	while (back < 3 && back < n && ((uint8_t)s[n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < n) {
		uint8_t lead = (uint8_t)s[n - 1 - back];
		size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

		if (len > back + 1)
			return n - back - 1;
	}
	return n;
}

/* -- scalars ----------------------------------------------------------------------- */

static void print_number(struct value_out *o, const struct ty *t, uint64_t raw)
{
	if (t->flags & TY_SIGNED)
		json_i64(plain(o), (int64_t)raw);
	else
		json_u64(plain(o), raw);
}

/* All bits that enumerators name, if every one is a single bit, a union of such, or 0; else 0. */
static uint64_t flags_of(const struct ty *t, uint64_t mask)
{
	uint64_t bits = 0;

	if (t->flags & TY_SIGNED)
		return 0;
	for (uint64_t i = 0; i < t->n; i++) {
		uint64_t v = (uint64_t)t->enumerator[i].value & mask;

		if (!(v & (v - 1)))
			bits |= v;
	}
	for (uint64_t i = 0; i < t->n; i++) {
		if ((uint64_t)t->enumerator[i].value & mask & ~bits)
			return 0;
	}
	return bits;
}

/* "A|B|0x8": the bits one by one, as enumerators are declared; false: none has a name. */
static bool print_flags(struct value_out *o, const struct ty *t, uint64_t raw, uint64_t mask)
{
	uint64_t named = flags_of(t, mask) & raw, left = named;

	struct json text;

	if (!named)
		return false;
	json_init(&text);
	for (uint64_t i = 0; i < t->n && left; i++) {
		const struct ty_enumerator *e = &t->enumerator[i];
		uint64_t v = (uint64_t)e->value & mask;

		if (v & (v - 1) || !(v & left))
			continue;
		json_printf(&text, "%s%s", left == named ? "" : "|", e->name ? e->name : "?");
		left &= ~v;
	}
	if (raw & ~named)
		json_printf(&text, "|0x%llx", (unsigned long long)(raw & ~named));
	if (text.failed)
		o->w->failed = true;
	else
		value_word(o, text.buf);
	json_fini(&text);
	return true;
}

/* Extended from its lowest bits as its type is; a bit-field may be too small for some names. */
static uint64_t extend(const struct ty *t, uint64_t raw, unsigned bits)
{
	unsigned shift = 64 - bits;

	return t->flags & TY_SIGNED ? (uint64_t)((int64_t)(raw << shift) >> shift) :
				      raw << shift >> shift;
}

/* raw as extend() makes it */
static void print_enum(struct value_out *o, const struct ty *t, uint64_t raw)
{
	unsigned whole = t->size && t->size < 8 ? (unsigned)t->size * 8 : 64;

	for (uint64_t i = 0; i < t->n && t->enumerator; i++) {
		const struct ty_enumerator *e = &t->enumerator[i];

		if (extend(t, (uint64_t)e->value, whole) == raw && e->name) {
			value_word(o, e->name);
			return;
		}
	}
	if (!t->enumerator || !print_flags(o, t, raw, UINT64_MAX >> (64 - whole)))
		print_number(o, t, raw);
}

/* signed and unsigned char are characters in C's prototypes, but bytes in data. */
static bool is_character(const struct value_out *o, const struct ty *t)
{
	return t->kind == TY_INT && t->flags & TY_CHAR &&
	       (!o->chars || (t->name && !strcmp(t->name, "char")));
}

/* unsigned char is as often a number (uint8_t). */
static void print_char(struct value_out *o, char c, bool only)
{
	if (!only)
		json_printf(o->w, "%d ", c);
	json_printf(o->w, c == '\'' || c == '\\' ? "'\\%c'" : "'%c'", c);
}

/* An integer, bool or enum of `bits` bits (1 to 64) in the low bits of raw. */
static void print_bits(struct value_out *o, const struct ty *t, uint64_t raw, unsigned bits)
{
	raw = extend(t, raw, bits);
	if (o->text && is_character(o, t) && raw >= ' ' && raw < 0x7f)
		print_char(o, (char)raw, t->flags & TY_SIGNED && !o->chars);
	else if (t->kind == TY_ENUM)
		print_enum(o, t, raw);
	else if (t->flags & TY_BOOL && o->text)
		json_raw(o->w, raw ? "true" : "false", raw ? 4 : 5);
	else if (t->flags & TY_BOOL)
		json_bool(o->w, raw);
	else
		print_number(o, t, raw);
}

static void print_i128(struct value_out *o, const uint8_t *p, bool is_signed)
{
	unsigned __int128 v;
	char buf[44], *s = buf + sizeof(buf);
	bool minus;

	memcpy(&v, p, sizeof(v));
	minus = is_signed && v >> 127;
	if (minus)
		v = -v;
	*--s = '\0';
	do {
		*--s = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v);
	if (minus)
		*--s = '-';
	value_digits(o, s);
}

/* _BitInt beyond 128 bits: hex, most significant digit first. */
static void print_wide(struct value_out *o, const uint8_t *p, size_t n)
{
	char buf[2 * 64 + 3];
	size_t k = 2;

	if (n > 64) {
		value_null(o);
		return;
	}
	memcpy(buf, "0x", 3);
	for (size_t i = n; i-- > 0; k += 2)
		snprintf(buf + k, 3, "%02x", p[i]);
	value_digits(o, buf);
}

static void print_int(struct value_out *o, const struct ty *t, const uint8_t *p)
{
	uint64_t raw = 0;

	if (t->size == 16) {
		print_i128(o, p, t->flags & TY_SIGNED);
	} else if (t->size > 8) {
		print_wide(o, p, t->size);
	} else if (!t->size) {
		value_null(o);
	} else {
		memcpy(&raw, p, t->size);
		if (t->flags & TY_BOOL)
			raw = (uint8_t)raw != 0; /* only the low byte counts */
		print_bits(o, t, raw, (unsigned)t->size * 8);
	}
}

static void print_long_double(struct value_out *o, long double v)
{
	char text[64];

	if (isnan(v) || isinf(v)) {
		value_digits(o, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	for (int digits = 1; digits <= 21; digits++) {
		snprintf(text, sizeof(text), "%.*Lg", digits, v);
		if (strtold(text, NULL) == v)
			break;
	}
	json_plain(text);
	value_number(o, text);
}

/* IEEE 754 binary16 */
static float half(uint16_t h)
{
	int e = h >> 10 & 31, m = h & 1023;
	float v = e == 31 ? (m ? NAN : INFINITY) :
		  e       ? ldexpf((float)(m + 1024), e - 25) :
			    ldexpf((float)m, -24);

	return h >> 15 ? -v : v;
}

/* IEEE 754 binary128, of whose 113 bits of mantissa long double keeps 64: rounded to the nearest,
 * half way to the even one */
static long double quad(const uint8_t *p)
{
	uint64_t lo, hi, m, left;
	long double v;
	int e;

	memcpy(&lo, p, 8);
	memcpy(&hi, p + 8, 8);
	e = hi >> 48 & 0x7fff;
	m = (hi & 0xffffffffffff) << 15 | lo >> 49;
	left = lo << 15; /* of 2^64: what comes behind m's last bit */
	if (e == 0x7fff) {
		v = m || lo ? (long double)NAN : (long double)INFINITY;
	} else {
		v = (long double)(e ? m | 1ull << 63 : m);
		if (left > 1ull << 63 || (left == 1ull << 63 && m & 1))
			v += 1; /* 2^64 is one, too */
		v = ldexpl(v, (e ? e : 1) - 16383 - 63);
	}
	return hi >> 63 ? -v : v;
}

static void print_real(struct value_out *o, uint64_t size, bool x87, const uint8_t *p)
{
	long double l = 0;
	uint16_t h;
	float f;
	double d;

	switch (size) {
	case 2:
	case 4:
		memcpy(size == 2 ? (void *)&h : (void *)&f, p, size);
		f = size == 2 ? half(h) : f;
		if (isfinite(f))
			json_f32(plain(o), f);
		else
			print_long_double(o, (long double)f);
		break;
	case 8:
		memcpy(&d, p, 8);
		if (isfinite(d))
			json_f64(plain(o), d);
		else
			print_long_double(o, (long double)d);
		break;
	case 16:
		memcpy(&l, p, x87 ? 10 : 0);
		print_long_double(o, x87 ? l : quad(p));
		break;
	default:
		value_null(o);
	}
}

/* The upper half of a float. */
static bool is_bfloat(const struct ty *t)
{
	return t->size == 2 && t->name && !strcmp(t->name, "__bf16");
}

static void print_float(struct value_out *o, const struct ty *t, const uint8_t *p)
{
	uint64_t part = t->size / 2;

	if (is_bfloat(t)) {
		print_real(o, 4, false, (const uint8_t[]){ 0, 0, p[0], p[1] });
		return;
	}
	if (!(t->flags & TY_COMPLEX)) {
		print_real(o, t->size, t->flags & TY_X87, p);
		return;
	}
	value_open(o, '[');
	value_item(o);
	print_real(o, part, t->flags & TY_X87, p);
	value_item(o);
	print_real(o, part, t->flags & TY_X87, p + part);
	value_close(o, ']');
}

/* -- aggregates ----------------------------------------------------------------------- */

/* "0x401136 <callback+0x4>", {"ptr":"0x401136","sym":"prog:callback+0x4"}; false: not known. */
static bool print_function(struct value_out *o, const struct ty *t, uint64_t addr)
{
	const struct ty *to = t->kind == TY_PTR && t->of ? ty_strip(t->of) : NULL;
	struct value_symbol s;
	char text[1024], offset[24] = "";

	if (!to || to->kind != TY_FUNC || !o->symbol || !addr ||
	    !o->symbol(o->symbol_arg, addr, &s))
		return false;
	if (s.offset)
		snprintf(offset, sizeof(offset), "+0x%llx", (unsigned long long)s.offset);
	if (o->text) {
		value_hex(o, addr);
		snprintf(text, sizeof(text), " <%s%s>", s.func, offset);
		put_name(o->w, text);
		return true;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, addr);
	value_key(o, "sym");
	snprintf(text, sizeof(text), "%s:%s%s", s.module, s.func, offset);
	json_str(o->w, text);
	value_close(o, '}');
	return true;
}

static void print_pointer(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n)
{
	uint64_t raw = 0;

	memcpy(&raw, p, n < 8 ? n : 8);
	if (print_function(o, t, raw))
		return;
	if (o->text && !o->chars && !raw && t->kind == TY_PTR)
		json_raw(o->w, "NULL", 4);
	else
		value_hex(o, raw);
}

static void print_bit_field(struct value_out *o, const struct ty *t, const struct ty_member *m,
			    const uint8_t *p, size_t n)
{
	unsigned __int128 raw = 0;
	unsigned shift;

	if ((t->kind != TY_INT && t->kind != TY_ENUM) || m->bits > 128 || m->offset > n ||
	    (n - m->offset) * 8 < (uint64_t)m->bit_offset + m->bits) {
		value_null(o);
		return;
	}
	p += m->offset;
	for (unsigned i = 0; i < m->bits; i++) {
		unsigned at = m->bit_offset + i;

		raw |= (unsigned __int128)(p[at / 8] >> at % 8 & 1) << i;
	}
	if (m->bits <= 64) {
		print_bits(o, t, (uint64_t)raw, m->bits);
		return;
	}
	shift = 128u - m->bits;
	raw = t->flags & TY_SIGNED ? (unsigned __int128)((__int128)(raw << shift) >> shift) : raw;
	print_i128(o, (const uint8_t *)&raw, t->flags & TY_SIGNED);
}

/* A base class without data: every allocator is one. */
static bool is_empty(const struct ty *t, unsigned depth)
{
	if (t->kind != TY_STRUCT || depth >= MAX_DEPTH)
		return false;
	for (uint64_t i = 0; i < t->n && t->member; i++) {
		const struct ty_member *m = &t->member[i];

		if (!m->type || (m->name && m->name[0]) || m->bits ||
		    !is_empty(ty_strip(m->type), depth + 1))
			return false;
	}
	return t->name && t->name[0];
}

static void print_members(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n,
			  unsigned depth)
{
	for (uint64_t i = 0; i < t->n && t->member && o->budget; i++) {
		const struct ty_member *m = &t->member[i];
		const struct ty *of = m->type ? ty_strip(m->type) : NULL;
		size_t off = m->offset < n ? (size_t)m->offset : n;

		o->budget--;
		if (!of)
			continue;
		if (!m->name || !m->name[0]) {
			if ((of->kind != TY_STRUCT && of->kind != TY_UNION) || depth >= MAX_DEPTH)
				continue;
			if (is_empty(of, depth))
				continue;
			/* a base class may have members of the same names */
			if (of->name && of->name[0]) {
				value_key(o, of->name);
				value_any(o, of, p + off, n - off, depth + 1);
			} else {
				print_members(o, of, p + off, n - off, depth + 1);
			}
			continue;
		}
		value_key(o, m->name);
		if (m->bits)
			print_bit_field(o, of, m, p, n);
		else
			value_any(o, of, p + off, n - off, depth + 1);
	}
}

static void print_chars(struct value_out *o, const uint8_t *p, size_t n, bool cut)
{
	size_t len = strnlen((const char *)p, n);

	if (o->text && !o->chars) {
		text_quote(o->w, p, len, cut && len == n);
		return;
	}
	json_strn(plain(o), (const char *)p, len);
	if (o->text && cut && len == n)
		json_raw(o->w, "...", 3);
}

static void print_array(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n,
			unsigned depth)
{
	const struct ty *of = ty_strip(t->of);
	uint64_t size = of->size, all = t->n, i;

	if (t->flags & TY_UNSIZED || !size)
		all = o->flexible && size ? n / size : 0;
	if ((o->text || o->chars) && is_character(o, of) && size == 1 && !(t->flags & TY_VECTOR)) {
		print_chars(o, p, n < all ? n : (size_t)all, n < all);
		return;
	}
	value_open(o, '[');
	for (i = 0; i < all && o->budget && n / size > i; i++) {
		o->budget--;
		value_item(o);
		value_any(o, of, p + i * size, (size_t)size, depth + 1);
	}
	if (i < all && o->text)
		json_raw(o->w, i ? ", ..." : "...", i ? 5 : 3);
	value_close(o, ']');
}

/* Bytes that a scalar must have to be shown. */
static uint64_t bytes_needed(const struct ty *t)
{
	if (t->kind == TY_FLOAT && t->flags & TY_X87)
		return t->flags & TY_COMPLEX ? 26 : 10;
	return t->size;
}

void value_any(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n, unsigned depth)
{
	bool scalar = t->kind != TY_STRUCT && t->kind != TY_UNION && t->kind != TY_ARRAY;
	uint64_t raw = 0;

	if (depth > MAX_DEPTH || !o->budget) {
		value_digits(o, "...");
		return;
	}
	if (t->kind == TY_VOID || (scalar && (!n || bytes_needed(t) > n))) {
		value_null(o);
		return;
	}
	o->budget--;
	switch (t->kind) {
	case TY_INT:
		print_int(o, t, p);
		break;
	case TY_ENUM:
		memcpy(&raw, p, t->size < 8 ? t->size : 8);
		print_bits(o, t, raw, t->size && t->size < 8 ? (unsigned)t->size * 8 : 64);
		break;
	case TY_FLOAT:
		print_float(o, t, p);
		break;
	case TY_STRUCT:
	case TY_UNION:
		if (o->std && std_print(o, t, p, n, depth))
			break;
		value_open(o, '{');
		print_members(o, t, p, n, depth);
		value_close(o, '}');
		break;
	case TY_ARRAY:
		print_array(o, t, p, n, depth);
		break;
	default: /* pointers, and what is not known */
		print_pointer(o, t, p, n);
	}
}

void value_print(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n)
{
	value_any(o, ty_strip(t), p, n, 0);
}
