/*
 * gen/value.h - a value of a C type as JSON or text.
 *
 * Memory   what is written goes to the caller's struct json; nothing is kept
 * Errors   those of base/json.h; types and bytes need not be sound
 * Context  [ctl] pure
 */
#ifndef GEN_VALUE_H
#define GEN_VALUE_H

#include "base/json.h"
#include "base/types.h"
#include "info/type.h"

/*
 * Values go out as JSON, or as text with the same shape; in text, whoever opens a list
 * separates its items by value_key() and value_item().
 */
struct value_out {
	struct json *w;
	bool text, first;
	bool chars;    /* arrays of plain char are strings in JSON, too, and bytes always numbers */
	bool flexible; /* an array without a size goes on to the end of the bytes */
	unsigned budget; /* nodes of types still to be walked: types come from files */
};

void value_open(struct value_out *o, char bracket);
void value_close(struct value_out *o, char bracket);
void value_key(struct value_out *o, const char *name);
void value_item(struct value_out *o);
void value_null(struct value_out *o);
void value_hex(struct value_out *o, uint64_t v);

/* A value of type t from the n bytes that there are of it; what is missing shows as null. */
void value_print(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n);

/* Where the string s of n bytes was cut: n without an incomplete UTF-8 sequence at its end. */
size_t value_cut(const char *s, size_t n);

#endif
