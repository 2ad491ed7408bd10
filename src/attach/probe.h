/*
 * attach/probe.h - the inside of struct utramp_probe, which probe.c makes and probe_read.c reads.
 *
 * Memory   functions borrow those of the target's hooks; all of it is gone when the target is
 * Context  [ctl]
 */
#ifndef ATTACH_PROBE_H
#define ATTACH_PROBE_H

#include "attach/generated.h"
#include "attach/symbols.h"
#include "gen/tally.h"

/* The functions of one spec. */
struct probe_batch {
	struct map *calls, *scratch;
	uint32_t used;
};

struct probe_func {
	const struct func *func;
	char *name; /* demangled; NULL: as it is */
	struct program *prog;
	uint32_t batch, index;
	/*
	 * The same function of the same file, loaded again to another address, is told of as one: the
	 * first's row.  first: its number, or its own; next: of another, 0: none.
	 */
	uint32_t first, next;
};

struct utramp_probe {
	struct generated g; /* first */
	enum gen_tally_kind kind;
	char *filter; /* NULL: none */
	struct {
		VEC(struct probe_batch);
	} batches;
	struct {
		VEC(struct probe_func);
	} funcs;
	/* stack */
	unsigned depth;
	struct map *stacks;
	struct symbols *symbols;
	struct gen_tally_key *key;
	struct utramp_frame *frame; /* depth of them, for the row at hand */
};

#endif
