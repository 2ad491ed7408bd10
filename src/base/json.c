/*
 * base/json.c - see json.h.
 */
#include "base/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_init(struct json *w)
{
	*w = (struct json){ 0 };
}

void json_reset(struct json *w)
{
	w->n = 0;
	w->failed = w->comma = false;
	if (w->buf)
		w->buf[0] = '\0';
}

void json_fini(struct json *w)
{
	free(w->buf);
	json_init(w);
}

static bool reserve(struct json *w, size_t more)
{
	size_t cap = w->cap ? w->cap : 256;
	char *p;

	if (w->failed)
		return false;
	if (w->n + more + 1 <= w->cap)
		return true;
	while (cap < w->n + more + 1)
		cap *= 2;
	p = realloc(w->buf, cap);
	if (!p) {
		w->failed = true;
		return false;
	}
	w->buf = p;
	w->cap = cap;
	return true;
}

void json_raw(struct json *w, const char *s, size_t n)
{
	if (!reserve(w, n))
		return;
	memcpy(w->buf + w->n, s, n);
	w->n += n;
	w->buf[w->n] = '\0';
}

void json_printf(struct json *w, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n > 0 && reserve(w, (size_t)n)) {
		vsnprintf(w->buf + w->n, (size_t)n + 1, fmt, again);
		w->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

/* Between values, not behind a key or an opening bracket. */
static void separate(struct json *w)
{
	if (w->comma)
		json_raw(w, ",", 1);
	w->comma = true;
}

void json_open(struct json *w, char bracket)
{
	separate(w);
	json_raw(w, &bracket, 1);
	w->comma = false;
}

void json_close(struct json *w, char bracket)
{
	json_raw(w, &bracket, 1);
	w->comma = true;
}

/* Length of the UTF-8 sequence at s (RFC 3629), 0: not one. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
	static const struct {
		unsigned char mask, lead, second_lo, second_hi;
		size_t len;
	} form[] = {
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 },
		{ 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xf8, 0xf0, 0x80, 0xbf, 4 },
	};
	size_t len = 0;

	for (size_t i = 0; i < 3; i++) {
		if ((s[0] & form[i].mask) == form[i].lead)
			len = form[i].len;
	}
	if (!len || len > n || s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0; /* overlong, surrogates, beyond U+10FFFF */
	return len;
}

static void put_char(struct json *w, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		json_printf(w, "\\%c", c);
		break;
	case '\n':
		json_raw(w, "\\n", 2);
		break;
	case '\t':
		json_raw(w, "\\t", 2);
		break;
	case '\r':
		json_raw(w, "\\r", 2);
		break;
	default:
		if (c < 0x20 || c >= 0x7f)
			json_printf(w, "\\u%04x", c);
		else
			json_raw(w, (const char *)&c, 1);
	}
}

static void put_string(struct json *w, const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	json_raw(w, "\"", 1);
	for (size_t i = 0; i < n;) {
		size_t len = s[i] < 0x80 ? 0 : utf8_length(s + i, n - i);

		if (len) {
			json_raw(w, text + i, len);
			i += len;
		} else {
			put_char(w, s[i++]);
		}
	}
	json_raw(w, "\"", 1);
}

void json_key(struct json *w, const char *key)
{
	separate(w);
	put_string(w, key, strlen(key));
	json_raw(w, ":", 1);
	w->comma = false;
}

void json_strn(struct json *w, const char *s, size_t n)
{
	separate(w);
	put_string(w, s, n);
}

void json_str(struct json *w, const char *s)
{
	json_strn(w, s, strlen(s));
}

void json_i64(struct json *w, int64_t v)
{
	separate(w);
	json_printf(w, "%lld", (long long)v);
}

void json_u64(struct json *w, uint64_t v)
{
	separate(w);
	json_printf(w, "%llu", (unsigned long long)v);
}

void json_hex(struct json *w, uint64_t v)
{
	separate(w);
	json_printf(w, "\"0x%llx\"", (unsigned long long)v);
}

void json_bytes(struct json *w, const uint8_t *p, size_t n)
{
	separate(w);
	json_raw(w, "\"", 1);
	for (size_t i = 0; i < n; i++)
		json_printf(w, "%02x", p[i]);
	json_raw(w, "\"", 1);
}

void json_bool(struct json *w, bool v)
{
	separate(w);
	json_raw(w, v ? "true" : "false", v ? 4 : 5);
}

void json_null(struct json *w)
{
	separate(w);
	json_raw(w, "null", 4);
}

void json_plain(char *text)
{
	char *e = strchr(text, 'e'), *dot;
	long exponent = e ? strtol(e + 1, NULL, 10) : 0, behind = 0;

	if (exponent < 1 || exponent > 16)
		return;
	*e = '\0';
	dot = strchr(text, '.');
	if (dot) {
		behind = e - dot - 1;
		memmove(dot, dot + 1, (size_t)(e - dot));
	}
	for (e = text + strlen(text); behind < exponent; behind++)
		*e++ = '0';
	*e = '\0';
}

/* The fewest digits that read back the same: 17 always do for a double, 9 for a float. */
static void put_float(struct json *w, double v, bool single)
{
	char text[40];

	separate(w);
	if (!isfinite(v)) {
		json_printf(w, "\"%s\"", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v)
			break;
	}
	json_plain(text);
	json_raw(w, text, strlen(text));
}

void json_f64(struct json *w, double v)
{
	put_float(w, v, false);
}

void json_f32(struct json *w, float v)
{
	put_float(w, (double)v, true);
}
