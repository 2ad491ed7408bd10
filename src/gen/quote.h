/*
 * gen/quote.h - bytes as C writes a string literal.
 *
 * Context  [ctl] private to gen/
 */
#ifndef GEN_QUOTE_H
#define GEN_QUOTE_H

#include "base/json.h"

#include <stdint.h>

/* "GET / HTTP/1.1\r\n"...; UTF-8 stays, other bytes in octal.  cut: there is more of it. */
void text_quote(struct json *w, const uint8_t *s, size_t n, bool cut);

#endif
