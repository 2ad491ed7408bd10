/*
 * ctl/tape.h - what a helper did to a process, so that the process can do it over in thought.
 *
 * A process cannot stop itself and go on working.  So a forked copy of it does: it runs the
 * same job on the same state, stops the original, reads, writes, lets go, and notes what every
 * operation of ctl/process.h gave.  The original then runs the job once more with these
 * results in place of the operations, and comes to the same state.  A job is a function of its
 * state and of the operations' results alone: no clock, no address of its own, no random number.
 *
 * Errors   a job that does not follow its tape, or a tape that ends early (the helper was
 *          killed): -EIO from there on
 * Memory   one shared mapping, freed by the end of process_apart()
 * Context  [ctl] one job at a time; operations within an operation are not noted
 */
#ifndef CTL_TAPE_H
#define CTL_TAPE_H

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process;

enum tape_op {
	TAPE_STOP = 1,
	TAPE_RESUME,
	TAPE_READ,
	TAPE_WRITE,
	TAPE_PATCH,
	TAPE_SYSCALL,
	TAPE_CAUGHT,
	TAPE_HOLD,
	TAPE_INSIDE,
	TAPE_MAY_CALL,
	TAPE_ONCE,
};

struct tape;

/* dies_at: for tests, the helper is killed with this operation done, and not noted; 0: it lives. */
int tape_new(struct tape **out, unsigned dies_at);
void tape_free(struct tape *t);
/* The original's side: from the first note on. */
void tape_rewind(struct tape *t);

/* The operation is not to be done: tape_take() tells how it went. */
bool tape_plays(const struct process *p);
/* The result; n bytes of what it gave go to out (zeroes if the tape has none). */
int64_t tape_take(struct process *p, enum tape_op op, void *out, size_t n);

/* Around an operation that is done.  The last one returns result. */
void tape_begin(struct process *p);
int64_t tape_end(struct process *p, enum tape_op op, int64_t result, const void *gave, size_t n);

#endif
