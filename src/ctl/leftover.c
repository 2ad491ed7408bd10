/*
 * ctl/leftover.c - threads that were told to stop, and had not when their process's handle went.
 *
 * One that waits in the kernel for what is slow (a vfork() child, a disk) stops when it comes out,
 * and a thread that is traced goes on only when its tracer says so.  So it stays known here and is
 * let go at the next call that stops, lets go or polls any process; at the latest with our end.
 *
 * Memory   a list for each thread of ours that traces, freed when it is empty
 * Context  [ctl] the thread that traced them
 * Spec     ptrace(2) PTRACE_DETACH: of a stopped tracee only
 */
#include "ctl/priv.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static _Thread_local struct {
	VEC(pid_t);
} list;

void leftover_add(struct process *p)
{
	struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < pp->threads.n && !p->exited; i++)
		vec_push(&list, pp->threads.at[i].tid); /* without memory: as ever */
}

/* true: it is ours no more. */
static bool let_go(pid_t tid)
{
	int st, sig;
	pid_t got = waitpid(tid, &st, __WALL | WNOHANG);

	if (got != tid)
		return got < 0 && errno != EINTR;
	if (!WIFSTOPPED(st))
		return true;
	if (st >> 16 == PTRACE_EVENT_STOP)
		tracee_repeat_call(&(struct tracee){ .tid = tid, .stopped = true });
	/* an event or a system call stop has no signal to deliver */
	sig = st >> 16 || WSTOPSIG(st) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(st);
	return ptrace(PTRACE_DETACH, tid, 0, (long)sig) == 0;
}

void leftover_settle(void)
{
	for (size_t i = 0; i < list.n;) {
		if (let_go(list.at[i]))
			list.at[i] = list.at[--list.n];
		else
			i++;
	}
	if (!list.n)
		vec_free(&list);
}
