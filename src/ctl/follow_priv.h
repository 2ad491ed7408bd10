/*
 * ctl/follow_priv.h - what follow.c, follow_load.c and follow_copy.c share, and their ends in
 * stop.c and process.c.
 *
 * Context  [ctl]
 */
#ifndef CTL_FOLLOW_PRIV_H
#define CTL_FOLLOW_PRIV_H

#include "ctl/follow.h"
#include "ctl/priv.h"

#include <signal.h>
#include <sys/ptrace.h>

#define FOLLOW_OPTIONS \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC)

struct followed {
	struct follow *f;
	pid_t pid;
	struct process *origin; /* whose programs are in its memory; NULL: nobody's */
	struct process
		*handle; /* to change its memory by: a session's, or a copy's, which is ours */
	bool copied;     /* a forked child: handle is ours */
	bool lost;       /* copied, and there is no handle: nobody can restore it */
	bool shares;     /* its memory is another's */
	bool stopping;   /* its threads stay in their event stops */
	bool captive;    /* it is being loaded: runs from system call to system call */
	bool at_call;    /* captive: it stands at one */
	bool execed;     /* it stands at the begin of another program */
	bool dead;       /* freed by the next follow_wait() */
	bool busy;       /* a copy that is being restored: its handle stays */
	struct {
		VEC(struct tracee);
	} threads;
};

struct follow {
	struct {
		VEC(struct followed *);
	} at;
	pid_t command;    /* 0: none was spawned */
	bool ended, told; /* told: follow_wait() has returned since */
	int status;
	bool leaving;
	struct sigaction was; /* of SIGCHLD, and the thread's mask, before */
	sigset_t mask;
};

/* -- follow.c ----------------------------------------------------------------------------- */

struct followed *followed_find(const struct follow *f, pid_t pid);
/* Sleep until a tracee has something to say, at most so long, and handle that. */
void follow_sleep(struct follow *f, uint64_t deadline_ns);
/* From an event stop on: it runs, or stays in its group stop.  sig: in hand at a signal's stop. */
void followed_go(const struct followed *of, pid_t tid, int sig);
/* The stop is a group's: PTRACE_LISTEN is due, not PTRACE_CONT. */
bool tracee_in_group_stop(pid_t tid);

/* For stop.c: all threads of p into event stops, and on. */
int followed_stop(struct process *p, uint64_t deadline_ns, struct diag *d);
void followed_release(struct process *p, pid_t but);
/* For process.c: p's handle is freed; for tracee.c: it has ended. */
void followed_forget(struct process *p);
void followed_ended(struct process *p, int status);

/* -- follow_copy.c ------------------------------------------------------------------------ */

/* of was forked by one with origin's programs: a handle and a journal, as far as they can be had. */
void followed_copy(struct followed *of, struct process *origin);
void followed_drop_copy(struct followed *of);
/* Is what runs as this pid a copy of p's memory? */
bool process_is_copy(const struct process *p, pid_t pid);

#endif
