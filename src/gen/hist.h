/*
 * gen/hist.h - a histogram by powers of two, as text or JSON.
 *
 * Bucket i counts the values whose binary logarithm, rounded down, is i: [2^i, 2^(i+1)); bucket
 * 0 also counts zero.  Rows go from the first bucket that is not empty to the last, so an empty
 * histogram has none.
 *
 * Text     a row a line, each ended by a newline: the range, the count, a bar of which the
 *          highest count fills all 52 places.  Limits from 1024 on with K, M, G, T, P, E.
 * JSON     [{"min":4,"max":7,"count":123},...], both limits included
 * Memory   buckets after the 64th are not read
 * Context  [ctl] pure
 * Spec     the manners are those of bpftrace's hist() and of its -f json
 */
#ifndef GEN_HIST_H
#define GEN_HIST_H

#include "base/json.h"

#define GEN_HIST_BUCKETS 64 /* all that a 64-bit value can need */

void gen_hist_text(struct json *w, const uint64_t *bucket, unsigned n);
void gen_hist_json(struct json *w, const uint64_t *bucket, unsigned n);

#endif
