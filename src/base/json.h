/*
 * base/json.h - write JSON and other text into a growing buffer; the one place that does.
 *
 * Objects and arrays are opened and closed in order; commas are the writer's business.
 * Numbers: 64-bit integers exact, floats the shortest decimal that reads back the same,
 * NaN and infinities as strings.  Strings: UTF-8 kept, other bytes as \u00XX.
 *
 * Errors   sticky: out of memory shows as w->failed; the text is then not valid
 * Memory   json_fini() frees the buffer; w->buf is NUL-terminated
 * Context  [ctl]
 * Spec     RFC 8259
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;
	size_t n, cap;
	bool failed, comma;
};

void json_init(struct json *w);
void json_reset(struct json *w); /* empty again, memory kept */
void json_fini(struct json *w);

void json_open(struct json *w, char bracket);  /* '{' or '[' */
void json_close(struct json *w, char bracket); /* '}' or ']' */
void json_key(struct json *w, const char *key);
void json_i64(struct json *w, int64_t v);
void json_u64(struct json *w, uint64_t v);
void json_f64(struct json *w, double v);
void json_f32(struct json *w, float v);
/* What %g writes as "3e+02" or "1.25e+10", without the exponent if it is below 17; in place, for
 * at least 24 bytes. */
void json_plain(char *text);
void json_bool(struct json *w, bool v);
void json_null(struct json *w);
void json_str(struct json *w, const char *s);
void json_strn(struct json *w, const char *s, size_t n);
void json_hex(struct json *w, uint64_t v);                   /* "0x..." as a string */
void json_bytes(struct json *w, const uint8_t *p, size_t n); /* two hex digits each, a string */

/* Text without any quoting: for the text forms and for numbers we print ourselves. */
void json_raw(struct json *w, const char *s, size_t n);
void json_printf(struct json *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
