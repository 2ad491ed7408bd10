/*
 * ctl/undo.h - what a session left in a process is undone by its journal, by somebody else.
 *
 * All threads are stopped; slots pass calls by, images skip their programs, so nothing of ours
 * runs any more; windows that hold our bytes get the original ones; signal handlers and masks
 * come back once no thread is inside of a program.  Calls inside return through images that
 * stay, as the slabs and the arena do.  May be done again at any time, by anybody.
 *
 * Errors   -ESRCH the process is gone (undo_journal() calls that done), -EPERM, and those of
 *          process_stop(); -EXDEV it is of another namespace; -EAGAIN a thread stays where it is in the way: try again
 * Memory   none
 * Context  [ctl] the tracer of the process while it lasts: bounded, 20 stops of at most 2 s
 */
#ifndef CTL_UNDO_H
#define CTL_UNDO_H

#include "ctl/journal.h"

struct undo_result {
	unsigned restored; /* windows */
	unsigned left;     /* neither ours nor the original bytes: somebody else wrote there */
	taddr_t left_at;   /* the first of them */
	bool gone;         /* the process, or its program: nothing to undo */
	bool ended;        /* it ended meanwhile, and its status was ours to collect */
	int status;
};

/*
 * The process of this journal, made as if nothing of ours had been there.  The caller holds its
 * lock and removes it when this is 0 and nothing is left.
 */
int undo_journal(struct journal_view *v, struct undo_result *r, struct diag *d);

/* The same by one's own handle and journal, which stays; -ESRCH: it is gone. */
int undo_process(struct process *p, struct undo_result *r, struct diag *d);

/* Directories for slab files of programs that were killed early: empty, ours, and nobody's. */
void slab_remove_stale(void);

#endif
