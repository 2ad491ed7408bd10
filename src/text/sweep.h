/*
 * text/sweep.h - read all code of a module once and remember where branches go.
 *
 * A function's first bytes may only be replaced if nothing jumps into their middle.
 * The sweep decodes every executable byte it is given, function by function and the
 * gaps between them too, and marks the target of each direct jmp, jcc, loop, call and
 * xbegin, and each function's first byte.  Marks that come from misread data only
 * cost a refusal; a missed one could cost the target's life: so nothing is skipped.
 *
 * Addresses are what the caller says: file addresses let one sweep serve every
 * process.  Bytes that do not decode are remembered: data in text.
 *
 * Errors   -EINVAL  ranges overlap or are empty (caller)
 *          -E2BIG   more than SWEEP_MAX_BYTES of code
 *          -ENOMEM
 * Memory   sweep_new() allocates, one bit per byte of code; it keeps no pointer to its
 *          arguments.  Reading a sweep is safe from any thread.
 * Context  [ctl]
 */
#ifndef TEXT_SWEEP_H
#define TEXT_SWEEP_H

#include "base/types.h"

#define SWEEP_MAX_BYTES (4ull << 30) /* of code */

/* One executable range; bytes as in the file. */
struct sweep_code {
	taddr_t addr;
	const uint8_t *bytes;
	uint64_t len;
};

struct sweep;

/*
 * func: ranges [lo, hi) from FDEs and symbols, in any order, overlapping or repeated
 * as they come; parts outside the code ranges are ignored.
 */
int sweep_new(const struct sweep_code *code, size_t ncode, const struct taddr_range *func,
	      size_t nfunc, struct sweep **out);
void sweep_free(struct sweep *s); /* NULL is fine */

/* Does a branch go to, or a function begin at, any address of [lo, hi)? */
bool sweep_targets_inside(const struct sweep *s, taddr_t lo, taddr_t hi);

/*
 * Padding that nothing runs: nops and int3 behind a jmp or ret, before the next
 * function, at least SWEEP_HOLE_MIN bytes.  (Nops between a fall-through and its
 * target are not holes.)  Returns how many holes overlap [lo, hi); *first: an array,
 * by address.  A branch may still go into a hole: ask sweep_targets_inside().
 */
#define SWEEP_HOLE_MIN 5
size_t sweep_holes(const struct sweep *s, taddr_t lo, taddr_t hi, const struct taddr_range **first);

/* Is there a byte of a function in [lo, hi) that does not decode?  *at: the first one. */
bool sweep_data_inside(const struct sweep *s, taddr_t lo, taddr_t hi, taddr_t *at);

struct sweep_stats {
	uint64_t bytes, insns, branches;
	uint64_t outside; /* branches to no code of these ranges */
	uint64_t data;    /* places in functions where decoding failed */
};

struct sweep_stats sweep_stats(const struct sweep *s);

#endif
