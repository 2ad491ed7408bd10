/*
 * gen/inject_priv.h - what the files that read a value's text share.
 *
 * Types are stripped (ty_strip); `as` is the function's result, which refusals name.
 *
 * Errors   -EINVAL no value of that type, -ENOTSUP no value can be written; d says which
 * Context  [ctl] private to gen/
 */
#ifndef GEN_INJECT_PRIV_H
#define GEN_INJECT_PRIV_H

#include "gen/inject.h"

#define INJECT_MAX_SIZE (1 << 20) /* bytes of a value */

/* "'TEXT' is no value of type T: give MAY" */
int inject_refuse(struct diag *d, const char *text, const struct ty *t, const char *may);

/* Has a text of its own: not braces. */
bool inject_is_scalar(const struct ty *t);

/* All of text is a number of at most 128 bits; *negative is the sign of what *magnitude is. */
bool inject_number(const char *text, bool *negative, unsigned __int128 *magnitude);

/* An escape sequence behind its backslash: *c, and how long it is; 0: there is no such. */
unsigned inject_escape(const char *text, uint8_t *c);

/* Of t->size bytes; bits: of an integer or enum that is a bit-field, else 0, in the low bits. */
int inject_scalar(const char *text, const struct ty *t, unsigned bits, uint8_t *dst,
		  struct diag *d);

/* inject_real.c: t is TY_FLOAT. */
int inject_real(const char *text, const struct ty *t, uint8_t *dst, struct diag *d);

/* inject_init.c: t is a struct, a union, an array or a vector; the bytes are zero. */
int inject_aggregate(const char *text, const struct ty *t, uint8_t *dst, struct diag *d);

#endif
