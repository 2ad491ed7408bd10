/*
 * functions.c - the functions that are called, see rows.h.
 *
 * By clang, whose room for a patch is one nop; gcc's is five of one byte, which the kernel's
 * uprobes single-step.  A few cheap instructions, so that the trampoline is what costs.
 */
#include "rows.h"

#define ROOM __attribute__((noinline, used, patchable_function_entry(5), aligned(64)))

static volatile long seed = 12345;

#define BODY_0  (seed ^ 0x5bd1e995) * 5 + 3
#define BODY_2  ((a * 5 + b) ^ (b >> 2)) + 11
#define BODY_6  (((a * 5 + b) ^ (c - d)) + (e ^ f)) + 11
#define BODY_8  (((a * 5 + b) ^ (c - d)) + (e ^ f) - (g ^ h)) + 11
#define BODY_12 (((a * 5 + b) ^ (c - d)) + (e ^ f) - (g ^ h) + (i - j) + (k ^ l)) + 11

#define DEFINE(row, n) \
	ROOM long row##_f##n(PARAMS_##n) \
	{ \
		return BODY_##n; \
	}
#define DEFINE_ROW(row, how, counts, title) EACH_COUNT(DEFINE, row)
EACH_ROW(DEFINE_ROW)
