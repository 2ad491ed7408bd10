/*
 * cli/leaving.h - when detaching is tried again, and when it is given up.
 *
 * A thread that cannot be stopped, one that stays in a function's first bytes: all threads are held
 * a moment by each try, so tries become rare.  A command is waited for in any case; a process
 * that ran already is left to `utramp detach` at last, or when the user asks a second time.
 *
 * Context  [ctl]
 */
#ifndef CLI_LEAVING_H
#define CLI_LEAVING_H

#include <stdbool.h>
#include <stdint.h>

struct cli_leaving {
	uint64_t since, next, pause; /* ns; 0: not tried yet */
};

bool cli_leaving_due(const struct cli_leaving *l, uint64_t now);
/* Another try has failed.  True: that was the last. */
bool cli_leaving_failed(struct cli_leaving *l, uint64_t now, bool asked_again);

#endif
