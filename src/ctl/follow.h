/*
 * ctl/follow.h - processes that stay seized, so that nobody whom they start is missed: -f.
 *
 * The kernel seizes whom a followed thread forks or clones, and stops it before its first
 * instruction; it stops a program that is executed before its own.  Each signal costs a stop, too.
 *
 *   target   a session's process
 *   copy     a forked child of one: it runs its own copies of text and images, records into the
 *            same arena.  It has a journal of its own, a copy of the target's at the fork
 *   shares   a child of vfork(), posix_spawn(), clone(CLONE_VM): memory that is another's, until
 *            it executes a program
 *   other    a program that nothing is attached to; who it starts is followed all the same
 *
 * A target and its copies are a family; its maps and rings are in use as long as one of it lives.
 *
 * F.1  Nobody waits for us longer than a system call of ours takes, but while we load slabs into
 *      one, or resolve functions; follow_pump() is called in between.
 * F.2  When we die, at any instant, all go on: no int3 is ever in a followed process, and
 *      the kernel lets go of tracees, delivering the signal that they stand at.
 * F.3  A system call that a signal or stop of ours interrupted with EINTR, and no handler
 *      ran, is repeated (tracee_repeat_call()): signals that are ignored wake a tracee, too.
 *
 * The caller's SIGCHLD is ours (a handler, blocked but while we wait), and so is waitpid(2).
 *
 * Errors   as in ctl/process.h
 * Memory   follow_free() lets go of everybody and frees; a target's struct process is its session's
 * Context  [ctl] the thread that called process_spawn(), process_attach()
 * Spec     ptrace(2) PTRACE_O_TRACEFORK, "PTRACE_EVENT stops", "Group-stop", PTRACE_LISTEN;
 *          kernel/signal.c: sig_ignored(); kernel/fork.c kernel_clone(): which event it is
 */
#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include "ctl/process.h"

struct follow;
struct undo_result;

int follow_new(struct follow **out, struct diag *d);
void follow_free(struct follow *f); /* NULL is fine */

/*
 * From now on p is followed: spawned and not resumed yet, or one that runs.  process_stop() and
 * process_resume() do as ever, but it stays seized.
 */
int follow_add(struct follow *f, struct process *p, struct diag *d);

/* Handle what has happened; with a time, wait for something that the caller has to know of. */
void follow_pump(struct follow *f);
void follow_wait(struct follow *f, int timeout_ms);

/* A process that stands at the begin of a program it executed: its pid, else 0. */
pid_t follow_execed(const struct follow *f);

struct follow_load_opts {
	const struct slab_template *slab;
	const char *dir;
};

/*
 * The slabs into the program that pid executed: as from process_spawn().  -ENOTSUP, -EPERM, ...: why
 * it is passed over; it goes on.  -ESRCH: it has ended.
 */
int follow_load(struct follow *f, pid_t pid, const struct follow_load_opts *opts,
		struct process **out, struct diag *d);

/* How many run with p's programs: p, and copies of it. */
unsigned follow_family(const struct follow *f, const struct process *p);
/* How many processes are followed. */
unsigned follow_count(const struct follow *f);
/* The command that was spawned has ended: its wait status. */
bool follow_has_command(const struct follow *f);
bool follow_ended(const struct follow *f, int *status);

/*
 * Nobody is followed any more: copies are made as if nothing of ours had been there (told of each,
 * by ctl/undo.h; targets are their sessions' to restore, before), then all are let go.  -ETIMEDOUT:
 * a thread cannot be let go yet, and is when this process ends.
 */
int follow_leave(struct follow *f,
		 void (*told)(void *ctx, pid_t pid, int err, const struct undo_result *r,
			      const struct diag *why),
		 void *ctx, struct diag *d);

#endif
