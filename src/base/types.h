/*
 * base/types.h - the few types that every layer shares.
 *
 * taddr_t is an address in the traced process: a number here, never
 * dereferenced; struct taddr_range is half open, [lo, hi).
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t taddr_t;

struct taddr_range {
	taddr_t lo, hi;
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* align must be a power of two */
#define ALIGN_UP(v, align) (((v) + ((align)-1)) & ~((__typeof__(v))(align)-1))

#endif
