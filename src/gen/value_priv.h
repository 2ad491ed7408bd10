/*
 * gen/value_priv.h - what the files of gen/value share.
 *
 * Context  [ctl] private to gen/
 */
#ifndef GEN_VALUE_PRIV_H
#define GEN_VALUE_PRIV_H

#include "gen/value.h"

/* As value_print(), of a stripped type, inside of other values. */
void value_any(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n, unsigned depth);

#endif
