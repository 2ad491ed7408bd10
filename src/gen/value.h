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

/* What stands at an address of code: "callback" or, offset bytes behind its beginning, inside of it. */
struct value_symbol {
	const char *module, *func;
	uint64_t offset;
};

typedef bool (*value_symbol_fn)(void *arg, uint64_t addr, struct value_symbol *out);

/* Contents of an object that lie elsewhere in memory. */
struct value_far {
	const uint8_t *object; /* among the bytes that are printed */
	const struct ty *type; /* its, stripped */
	const uint8_t *bytes;  /* of the contents, n of len */
	size_t n;
	uint64_t len;
	bool lead; /* it was known where they are */
	bool read; /* they could be read */
};

/*
 * Values go out as JSON, or as text with the same shape; in text, whoever opens a list
 * separates its items by value_key() and value_item().
 */
struct value_out {
	struct json *w;
	bool text, first;
	bool chars;    /* arrays of plain char are strings in JSON, too, and bytes always numbers */
	bool flexible; /* an array without a size goes on to the end of the bytes */
	bool strings;  /* C++ strings by their characters, if these are known */
	bool std;      /* strings and vectors of the C++ library by their contents: value_std.h */
	const struct value_far *far;
	unsigned nfar;
	const uint8_t *here; /* these bytes come from address here_is; NULL: not known */
	uint64_t here_is;
	value_symbol_fn symbol; /* names functions that pointers lead to; NULL: none */
	void *symbol_arg;
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
