/*
 * gen/tally.h - the eBPF programs behind `utramp count`, `latency` and `stack`.
 *
 * One program a function, which adds to what is its own in maps that many functions share:
 *   calls   PERCPU_ARRAY: the function's index -> a counter, or struct gen_tally_latency;
 *           only the thread itself ever writes its slot, so threads share no cache line
 *   stacks  HASH: struct gen_tally_key with its frames -> a counter
 *   scratch PERCPU_ARRAY: the function's index -> such a key, where it does not fit the
 *           program's stack
 * Counters are added to by one instruction each: a signal handler may run the same program
 * between any two, and a thread may be killed there.  So counts are exact, and what differs
 * between the calls of a function and the sum of its stacks is the number of calls lost.
 *
 * Knows BPF instructions and conditions; not maps, models or processes.
 *
 * Errors   those of gen_expr_emit(); -EINVAL depth out of range; -ENOMEM
 * Context  [ctl]
 */
#ifndef GEN_TALLY_H
#define GEN_TALLY_H

#include "base/diag.h"
#include "gen/expr.h"
#include "gen/writer.h"

#include <stdbool.h>

#define GEN_TALLY_BUCKETS   48  /* by powers of two of ns, the last for all beyond: 39 hours */
#define GEN_TALLY_MAX_DEPTH 127 /* frames; what bpf_get_stack() gives at most */

struct gen_tally_latency {
	uint64_t entered;
	uint64_t passed_over; /* ended, but the filter on the result was not for it */
	uint64_t sum_ns, most_ns;
	uint64_t least_not; /* ~ of the least, so that 0 is none */
	uint64_t bucket[GEN_TALLY_BUCKETS];
};

struct gen_tally_key {
	uint64_t func;
	uint64_t frame[]; /* depth of them, the caller first; 0 behind the last */
};

enum gen_tally_kind { GEN_TALLY_COUNT, GEN_TALLY_LATENCY, GEN_TALLY_STACK };

struct gen_tally {
	enum gen_tally_kind kind;
	uint32_t index;                /* of the function in calls and scratch */
	uint32_t func;                 /* in keys */
	const struct gen_expr *filter; /* NULL: every call */
	unsigned depth;                /* stack: 1 .. GEN_TALLY_MAX_DEPTH */
	int calls_fd, stacks_fd, scratch_fd;
};

/* Is the program for the function's end (count and stack, with a filter on the result)? */
bool gen_tally_at_exit(const struct gen_tally *t);

/* Does it need the scratch map?  Then it must not run inside itself. */
bool gen_tally_uses_scratch(const struct gen_tally *t);

/* latency: for PROGRAM_FSESSION; else entry or exit as gen_tally_at_exit() tells. */
int gen_tally_program(const struct gen_tally *t, struct gen_prog *out, struct diag *d);

#endif
