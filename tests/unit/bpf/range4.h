/*
 * All ranges of 4 bits (RANGE_WORD 4) that say all that follows: none has another's values and fields.
 */
#ifndef UNIT_RANGE4_H
#define UNIT_RANGE4_H

#include "bpf/range.h"

struct list {
	struct range *at;
	unsigned n, room;
};

/* at is the caller's to free. */
struct list range4_all(void);

#endif
