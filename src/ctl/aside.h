/*
 * ctl/aside.h - a forked copy of the calling process, of whose end no SIGCHLD tells.
 *
 *	caller ── clone(CLONE_VM), exit signal 0 ──▶ between ── fork() ──▶ helper
 *
 * fork(2) is libc's, since it leaves malloc's and stdio's locks free in the copy; its exit signal
 * cannot be chosen.  So it is called by a process in between, which runs in the caller's memory,
 * has signal actions of its own, and waits for the helper.  wait(2) for any child sees
 * neither, but with __WALL or __WCLONE the one in between.
 *
 * A.1  The one in between has the calling thread's thread pointer.  While it is in libc, the
 *      caller waits in the kernel, by bare calls, with all signals blocked but SIGSEGV and SIGBUS
 *      (rt/ keeps these); from aside_begin()'s return on it makes bare calls alone.
 * A.2  aside_end() returns when the helper is over, whoever of the two was killed: a helper
 *      whose parent is gone is killed by the kernel.
 *
 * Errors   of mmap(2), clone(2), fork(2), pipe(2); -ECHILD the one in between was killed first
 * Memory   a stack, of the two, until aside_end()
 * Context  [ctl]
 * Spec     clone(2) "the child termination signal"; wait(2) __WALL; prctl(2) PR_SET_PDEATHSIG
 */
#ifndef CTL_ASIDE_H
#define CTL_ASIDE_H

#include "base/diag.h"

#include <stdint.h>
#include <sys/types.h>

struct aside {
	void (*job)(void *arg);
	void *arg;
	void *stack;
	int go[2];             /* the helper begins when a byte comes */
	int pidfd;             /* the helper's */
	pid_t caller, between; /* ids of processes */
	pid_t helper;
	int err;
	uint32_t told, seen; /* futex words: helper is set; it was taken note of */
	uint64_t blocked;    /* signals that aside_end() is to let in again */
};

/* The helper is there, and waits.  After an error there is nothing to end. */
int aside_begin(struct aside *a, void (*job)(void *arg), void *arg, struct diag *d);
/* Let it do job(arg), and wait until it is over. */
void aside_end(struct aside *a);

#endif
