/*
 * text/sweep_priv.h - what a sweep is, for text/sweep.c and text/sweep_store.c.
 *
 * Context  [ctl]
 */
#ifndef TEXT_SWEEP_PRIV_H
#define TEXT_SWEEP_PRIV_H

#include "base/vec.h"
#include "text/jumps.h"
#include "text/sweep.h"

/* A code range, with bits per byte: something arrives here, or may, if it is an instruction. */
struct sweep_range {
	taddr_t lo, hi;
	uint64_t *mark, *guess;
};

struct sweep {
	struct sweep_range *range; /* by address */
	size_t nranges;
	struct sweep_stats stats;
	struct {
		VEC(taddr_t);
	} data; /* ascending */
	struct {
		VEC(struct taddr_range);
	} hole; /* ascending */

	struct jumps jumps;
	bool fixed;

	/* while reading: nothing falls through to the next byte; padding since hole_lo */
	bool dead;
	taddr_t hole_lo;

	void *held; /* by text/sweep_store.c: what ranges and lists lie in; else NULL */
};

/* Words of a bitmap, one bit per byte of code. */
static inline size_t sweep_words(const struct sweep_range *r)
{
	return (size_t)(r->hi - r->lo) / 64 + 1;
}

#endif
