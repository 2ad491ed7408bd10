/*
 * base/sum.h - a checksum of 64 bits for what we wrote ourselves: damage is found, no malice.
 *
 * Four lanes of words, so that memory is the limit (a few GB/s); every word goes through a
 * multiplication that can be undone, so no single word can change without the sum.
 *
 * Context  [ctl] pure
 */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

/* Of n bytes behind what gave `seed` (0: nothing). */
uint64_t sum_of(uint64_t seed, const void *bytes, size_t n);

#endif
