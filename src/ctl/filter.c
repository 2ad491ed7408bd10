/*
 * ctl/filter.c - which thread may make a system call for us: none whose filter could kill it.
 *
 * A filter of system calls (seccomp) belongs to a thread, is never taken off, and cannot be asked what
 * it allows; what it forbids is mostly death.  So a call of ours is made
 *
 *   by any thread, where filters may be put off while we trace it (PTRACE_O_SUSPEND_SECCOMP: root, on
 *   a kernel with CONFIG_CHECKPOINT_RESTORE); one that is put in meanwhile, by another thread, is too;
 *   else by one that has none, or those only that a container gave to it and to us; else by nobody.
 *
 * That is asked anew in each stop, since programs put themselves behind filters when they like.
 *
 * Errors   what cannot be read is a filter
 * Memory   none is kept
 * Context  [ctl]
 * Spec     seccomp(2), ptrace(2) PTRACE_O_SUSPEND_SECCOMP, proc_pid_status(5)
 */
#include "base/cleanup.h"
#include "ctl/follow_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#define PID_NS_INITIAL 0xeffffffcull /* include/linux/proc_ns.h PROC_PID_INIT_INO */

enum { SUSPEND_SECCOMP = 1 << 21 }; /* which glibc's header may lack */

struct filters {
	int mode; /* 0 none, 1 strict, 2 filters */
	int n;    /* of them; 0: not told (Linux 5.9 does) */
};

/* -ESRCH: it has ended. */
static int read_filters(const char *path, struct filters *out)
{
	char line[256];
	_fclose_ FILE *f = fopen(path, "re");

	*out = (struct filters){ 0 };
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Seccomp: %d", &out->mode);
		sscanf(line, "Seccomp_filters: %d", &out->n);
	}
	return f ? 0 : -ESRCH;
}

static uint64_t namespace_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/*
 * As many as we have, and no more: in one container, or of a child of ours, these are the filters that
 * both began with, and let pass what we do ourselves.  So it is with what a command of ours executes.
 */
static bool are_ours(const struct process *p, const struct filters *its)
{
	uint64_t ns = namespace_of("/proc/self/ns/pid");
	struct filters own;
	char path[48];

	if (read_filters("/proc/self/status", &own) < 0 || own.mode != its->mode ||
	    own.n != its->n || !own.n)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", p->pid);
	return p->child || p->self || (p->fresh && follow_has_command(process_priv(p)->follow)) ||
	       (ns != PID_NS_INITIAL && ns && ns == namespace_of(path));
}

/* 1: it may be killed for a system call that is not its own; 0: not; -ESRCH. */
static int is_filtered(const struct process *p, pid_t tid)
{
	struct filters its;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", p->pid, tid);
	err = read_filters(path, &its);
	return err ? err : its.mode && !are_ours(p, &its);
}

bool process_filtered(const struct process *p)
{
	char path[32];
	struct dirent *e;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		found = tid > 0 && is_filtered(p, tid) > 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

bool tracee_may_call(const struct process *p, struct tracee *t)
{
	if (!process_priv(p)
		     ->ran) /* a child that has our own filters, and dies with us by its options */
		return true;
	if (t->calls == CALLS_UNKNOWN && t->stopped) {
		long options = SUSPEND_SECCOMP |
			       (process_priv(p)->followed ? FOLLOW_OPTIONS : PTRACE_O_TRACESYSGOOD);

		t->calls = ptrace(PTRACE_SETOPTIONS, t->tid, 0, options) == 0 ||
					   is_filtered(p, t->tid) == 0 ?
				   CALLS_ALLOWED :
				   CALLS_FILTERED;
	}
	return t->calls == CALLS_ALLOWED;
}

struct tracee *tracee_that_calls(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	struct tracee *t = NULL;

	for (size_t i = 0; i < pp->threads.n; i++) {
		struct tracee *x = &pp->threads.at[i];

		if (x->stopped && (!t || x->tid == p->pid) && tracee_may_call(p, x))
			t = x;
	}
	return t;
}

bool process_may_call(struct process *p)
{
	if (tape_plays(p))
		return tape_take(p, TAPE_MAY_CALL, NULL, 0) != 0;
	if (p->self && !process_priv(p)->tape)
		return true;
	tape_begin(p);
	return tape_end(p, TAPE_MAY_CALL, !p->stopped || tracee_that_calls(p), NULL, 0) != 0;
}

int process_no_calls(const struct process *p, struct diag *d)
{
	return diag_set(
		d, -EPERM,
		"process %d: every thread of it runs under seccomp by now, and one that makes "
		"a system call for us might be killed for it; run utramp as root, which may "
		"put filters off",
		p->pid);
}
