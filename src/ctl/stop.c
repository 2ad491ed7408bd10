/*
 * ctl/stop.c - stop every thread of a process and let them go again.
 *
 * A thread can be created only by one that runs, so: seize and stop what
 * /proc/PID/task lists until a listing brings nothing new.  Bounded; given up whole.
 *
 * A thread that waits in the kernel for what no signal ends (state D: a disk, a child of vfork())
 * does not stop before that has come, and all others would stand as long: so it is given up soon.
 *
 * Context  [ctl]
 * Spec     ptrace(2) PTRACE_SEIZE, PTRACE_INTERRUPT
 */
#include "base/cleanup.h"
#include "ctl/follow_priv.h"
#include "ctl/scan.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define STOP_LIMIT_NS 2000000000ull
#define WAIT_LIMIT_NS 100000000ull /* of a thread in state D */

static struct tracee *tracee_find(struct process_priv *pp, pid_t tid)
{
	for (size_t i = 0; i < pp->threads.n; i++) {
		if (pp->threads.at[i].tid == tid)
			return &pp->threads.at[i];
	}
	return NULL;
}

static void tracee_drop(struct process_priv *pp, const struct tracee *t)
{
	size_t i = (size_t)(t - pp->threads.at);

	pp->threads.at[i] = pp->threads.at[--pp->threads.n];
}

/* The first value of a line of /proc/PID[/task/TID]/status, e.g. "TracerPid:". */
static void status_word(const struct process *p, pid_t tid, const char *key, char *out, size_t n)
{
	char path[64], line[256];
	_fclose_ FILE *f = NULL;

	snprintf(out, n, "?");
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", p->pid, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, strlen(key))) {
			size_t from = strlen(key) + strspn(line + strlen(key), " \t");

			snprintf(out, n, "%.*s", (int)strcspn(line + from, "\n"), line + from);
			return;
		}
	}
}

/* 1: a new thread is seized and told to stop; 0: it is ours already or has gone. */
static int thread_adopt(struct process *p, pid_t tid, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct tracee t = { .tid = tid };
	char word[64];
	int err;

	if (tracee_find(pp, tid))
		return 0;
	if (vec_reserve(&pp->threads, 1) < 0)
		return diag_set(d, -ENOMEM, "no memory for the list of threads");
	if (ptrace(PTRACE_SEIZE, tid, 0, (long)PTRACE_O_TRACESYSGOOD) < 0) {
		err = -errno;
		if (err == -ESRCH)
			return 0;
		status_word(p, tid, "State:", word, sizeof(word));
		if (*word == 'Z' || *word == 'X' || *word == '?')
			return 0;
		status_word(p, tid, "TracerPid:", word, sizeof(word));
		if (err == -EPERM && strcmp(word, "0"))
			return diag_set(d, -EPERM, "thread %d is traced by process %s", tid, word);
		return diag_set(d, err, "ptrace of thread %d: %s", tid, strerror(-err));
	}
	vec_push(&pp->threads, t); /* room was made */
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	return 1;
}

/* How many threads were new, or an error. */
static int adopt_all(struct process *p, struct diag *d)
{
	char path[32];
	struct dirent *e;
	int fresh = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", p->pid);
	dir = opendir(path);
	if (!dir)
		return diag_set(d, -ESRCH, "process %d is gone", p->pid);
	while ((e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		int r = tid > 0 ? thread_adopt(p, tid, d) : 0;

		if (r < 0) {
			closedir(dir);
			return r;
		}
		fresh += r;
	}
	closedir(dir);
	return fresh;
}

/* -ETIMEDOUT: not by then, or it waits where nothing reaches it. */
static int await(struct process *p, struct tracee *t, uint64_t deadline)
{
	int err = -ETIMEDOUT;

	while (err == -ETIMEDOUT) {
		uint64_t soon = process_now_ns() + WAIT_LIMIT_NS;
		char word[64];

		err = tracee_await(p, t, soon < deadline ? soon : deadline);
		if (err != -ETIMEDOUT || soon >= deadline)
			break;
		status_word(p, t->tid, "State:", word, sizeof(word));
		if (*word == 'D')
			break;
	}
	return err;
}

static int await_all(struct process *p, uint64_t deadline, struct diag *d)
{
	struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < pp->threads.n;) {
		struct tracee *t = &pp->threads.at[i];
		char word[64];
		int err = t->stopped ? 0 : await(p, t, deadline);

		if (p->exited)
			return diag_set(d, -ESRCH, "process %d has ended", p->pid);
		if (err == -ESRCH) {
			tracee_drop(pp, t);
			continue;
		}
		if (err == -ETIMEDOUT) {
			status_word(p, t->tid, "State:", word, sizeof(word));
			return diag_set(d, -ETIMEDOUT,
					*word == 'D' ?
						"thread %d waits in the kernel and cannot be "
						"stopped meanwhile, state %s" :
						"thread %d did not stop, state %s",
					t->tid, word);
		}
		if (err)
			return diag_set(d, err, "thread %d: %s", t->tid, strerror(-err));
		i++;
	}
	return 0;
}

/* but: a thread that stays as it is; 0: none. */
static void detach_all(struct process *p, pid_t but)
{
	struct process_priv *pp = process_priv(p);

	if (pp->followed) {
		followed_release(p, but);
		return;
	}
	for (size_t i = 0; i < pp->threads.n && !p->exited;) {
		struct tracee *t = &pp->threads.at[i];

		if (t->tid == but) {
			i++;
			continue;
		}
		if (t->stopped && ptrace(PTRACE_DETACH, t->tid, 0, 0) == 0) {
			tracee_drop(pp, t);
			continue;
		}
		t->stopped = false;
		i++;
	}
}

/*
 * Detach what is stopped.  A thread that was killed meanwhile stays in the list until it can
 * be waited for: its process does not end before.
 *
 * The first threads that run again take the CPU from the one that lets the others go; in
 * real time, where we may have it, 20 busy threads on 2 loaded cores go on after 0.1 ms
 * instead of 80 ms.  The loop is short and never waits.
 */
static void release(struct process *p, pid_t but)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct sched_param was;
	int policy = sched_getscheduler(0);
	bool hurried = policy == SCHED_OTHER && sched_getparam(0, &was) == 0 &&
		       process_priv(p)->threads.n > 1 && !sched_setscheduler(0, SCHED_FIFO, &first);

	detach_all(p, but);
	if (hurried)
		sched_setscheduler(0, policy, &was);
}

/* Who has stopped by now, and whose call the stop ended: it begins anew. */
static void settle_all(struct process *p)
{
	struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < pp->threads.n && !p->exited;) {
		struct tracee *t = &pp->threads.at[i];

		if (!t->stopped && tracee_settle(p, t) == -ESRCH && !p->exited) {
			tracee_drop(pp, t);
			continue;
		}
		if (t->stopped)
			tracee_repeat_call(t);
		i++;
	}
}

void process_settle_late(struct process *p)
{
	struct process_priv *pp = process_priv(p);

	if (p->stopped || p->exited || pp->followed || pp->threads.n == 0)
		return;
	settle_all(p);
	release(p, 0);
}

static int stop_threads(struct process *p, uint64_t deadline, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	int err;

	/* threads of an earlier stop that was given up are seized already */
	for (size_t i = 0; i < pp->threads.n; i++)
		ptrace(PTRACE_INTERRUPT, pp->threads.at[i].tid, 0, 0);
	do {
		err = adopt_all(p, d);
		if (err > 0) {
			int bad = await_all(p, deadline, d);

			err = bad ? bad : err;
		}
	} while (err > 0);
	return err ? err : await_all(p, deadline, d);
}

static int stop_all(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	uint64_t start = process_now_ns();
	struct diag why = { "" };
	int err;

	leftover_settle();
	if (p->exited)
		return diag_set(d, -ESRCH, "process %d has ended", p->pid);
	if (!process_alive(p))
		return diag_set(d, -ESRCH, "process %d ends or has executed another program",
				p->pid);
	err = pp->followed ? followed_stop(p, start + STOP_LIMIT_NS, d) :
			     stop_threads(p, start + STOP_LIMIT_NS, d);
	if (!err && pp->threads.n == 0)
		err = diag_set(d, -ESRCH, "process %d has no thread left", p->pid);
	if (!err && !process_alive(p))
		err = diag_set(d, -ESRCH, "process %d executed another program", p->pid);
	for (size_t i = 0; i < pp->threads.n; i++) {
		if (pp->threads.at[i].stopped)
			tracee_repeat_call(&pp->threads.at[i]);
	}
	if (err) {
		if (!pp->followed) /* behind the one that does not stop nobody was waited for */
			settle_all(p);
		release(p, 0);
		if (err == -ETIMEDOUT && process_alone(p, &why) < 0) /* a reason, in most cases */
			diag_add(d, "%s, as a child of vfork() does until it executes or ends",
				 diag_text(&why, -EBUSY));
		return err;
	}
	p->stopped = true;
	pp->stopped_at_ns = start;
	return 0;
}

int process_stop(struct process *p, struct diag *d)
{
	struct diag why = { "" };
	int err;

	if (p->stopped)
		return 0;
	if (p->self && !process_priv(p)->tape)
		return diag_set(d, -EINVAL, "a process cannot stop itself");
	if (tape_plays(p)) {
		err = (int)tape_take(p, TAPE_STOP, &why, sizeof(why));
		p->stopped = !err;
	} else {
		tape_begin(p);
		err = (int)tape_end(p, TAPE_STOP, stop_all(p, &why), &why, sizeof(why));
	}
	return err ? diag_set(d, err, "%s", diag_text(&why, err)) : 0;
}

int process_resume(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);

	if (p->exited)
		return 0;
	if (!p->stopped)
		return diag_set(d, -EINVAL, "process %d is not stopped", p->pid);
	p->stopped = false;
	pp->ran = true;
	if (tape_plays(p))
		return (int)tape_take(p, TAPE_RESUME, &pp->stopped_ns, sizeof(pp->stopped_ns));
	tape_begin(p);
	pp->stopped_ns = process_now_ns() - pp->stopped_at_ns;
	if (pp->stopped_ns > pp->longest_ns)
		pp->longest_ns = pp->stopped_ns;
	release(p, 0);
	return (int)tape_end(p, TAPE_RESUME, 0, &pp->stopped_ns, sizeof(pp->stopped_ns));
}

void tracee_forget(struct process *p, pid_t tid)
{
	struct process_priv *pp = process_priv(p);
	const struct tracee *t = tracee_find(pp, tid);

	if (t)
		tracee_drop(pp, t);
}

void process_keep_one(struct process *p, pid_t tid)
{
	struct process_priv *pp = process_priv(p);

	release(p, tid);
	/* those that were killed meanwhile are buried by their own parent, at the latest with us */
	for (size_t i = 0; i < pp->threads.n; i++) {
		struct tracee first = pp->threads.at[0];

		if (pp->threads.at[i].tid != tid)
			continue;
		pp->threads.at[0] = pp->threads.at[i];
		pp->threads.at[i] = first;
		break;
	}
}
