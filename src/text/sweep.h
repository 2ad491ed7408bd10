/*
 * text/sweep.h - read all code of a module once and remember where branches go.
 *
 * A function's first bytes may only be replaced if nothing jumps into their middle.
 * The sweep decodes every executable byte it is given, function by function and the
 * gaps between them too, and marks the target of each direct jmp, jcc, loop, call and
 * xbegin, each function's first byte, and where an indirect jump may go:
 *
 *   - what a lea names;
 *   - points: what symbols, headers and relocations name (objfile_code_addresses());
 *
 * and, apart from these, since only an instruction's address can be meant:
 *
 *   - entries of tables of differences (text/jumps.h);
 *   - what another rip-relative operand reads, which may be a function's own bytes;
 *   - in a program at a fixed address, any aligned word of data or code, immediate and
 *     displacement that is an address of code.
 *
 * What is left, jumps to places that are computed, makes the function "open":
 * sweep_jumps_anywhere().  Marks that come from misread data only cost a refusal; a missed
 * one could cost the target's life: so nothing is skipped.
 *
 * Addresses are what the caller says: file addresses let one sweep serve every
 * process.  Bytes that do not decode are remembered: data in text.
 *
 * Errors   -EINVAL  ranges overlap or are empty (caller)
 *          -E2BIG   more than SWEEP_MAX_BYTES of code
 *          -ENOMEM
 * Memory   sweep_new() allocates, two bits per byte of code; it keeps no pointer to its
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

/* What a file knows beside its code; all of it may be empty. */
struct sweep_hints {
	const taddr_t *point; /* addresses that it names; those outside of code are ignored */
	size_t npoint;
	const struct sweep_code *data; /* what is loaded and not executable */
	size_t ndata;
	bool fixed; /* not relocatable: words of data may be addresses without a relocation */
};

struct sweep;

/*
 * hints: NULL, none.  func: ranges [lo, hi) from FDEs and symbols, in any order, overlapping or repeated
 * as they come; parts outside the code ranges are ignored.
 */
int sweep_new(const struct sweep_code *code, size_t ncode, const struct taddr_range *func,
	      size_t nfunc, const struct sweep_hints *hints, struct sweep **out);
void sweep_free(struct sweep *s); /* NULL is fine */

/* Can anything arrive at any address of [lo, hi): a branch, a function's start, a pointer? */
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

/* May something arrive at addr, if that is an instruction's? */
bool sweep_may_target(const struct sweep *s, taddr_t addr);

/* Does code in [lo, hi) jump to places of its own that only running it would tell? */
bool sweep_jumps_anywhere(const struct sweep *s, taddr_t lo, taddr_t hi);

struct sweep_stats {
	uint64_t bytes, insns, branches;
	uint64_t outside;      /* branches to no code of these ranges */
	uint64_t data;         /* places in functions where decoding failed */
	uint64_t tables, open; /* tables of differences; parts of functions that jump anywhere */
};

struct sweep_stats sweep_stats(const struct sweep *s);

/*
 * A sweep as bytes, for who keeps it (attach/analysis.h): malloc'ed, *n of them.  Whose they are
 * and that they are whole is the keeper's to know; loading checks that what they say is possible.
 */
int sweep_save(const struct sweep *s, void **bytes, size_t *n);

/*
 * bytes: 8-aligned, within `held`, which is malloc'ed and belongs to the sweep if this succeeds.
 * -EBADMSG: they are none of sweep_save()'s.
 */
int sweep_load(const void *bytes, size_t n, void *held, struct sweep **out);

#endif
