/*
 * cli/merge.h - lines of several processes, put in order of time.
 *
 * Each round reads every process once.  What is told of a time before the last round began has
 * been read of all of them by now, so it can be printed; later lines wait for the next round.
 *
 * Errors   -ENOMEM
 * Memory   merge_fini() frees the lines that wait
 * Context  [ctl]
 */
#ifndef CLI_MERGE_H
#define CLI_MERGE_H

#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct merge_line {
	uint64_t time_ns, seq; /* seq: of equal times the one that came first */
	pid_t pid;
	size_t n;
	char *text; /* owned */
};

struct merge {
	struct {
		VEC(struct merge_line);
	} lines;
	uint64_t seq;
	uint64_t begun_ns, before_ns; /* this round, the one before */
};

void merge_begin(struct merge *m, uint64_t now_ns);
int merge_add(struct merge *m, uint64_t time_ns, pid_t pid, const char *text, size_t n);
/* Those that can be told; all: every one.  How many. */
int merge_tell(struct merge *m, bool all,
	       void (*fn)(void *ctx, pid_t pid, const char *text, size_t n), void *ctx);
void merge_fini(struct merge *m);

#endif
