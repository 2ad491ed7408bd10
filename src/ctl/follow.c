/*
 * ctl/follow.c - the table of followed processes, and what their stops are answered with; see
 * follow.h.
 *
 *   waitpid ─▶ a new one? adopt ─▶ fork, clone: adopt whom it made; go on
 *                                  exec: it waits for follow_load()
 *                                  a signal: delivered
 *                                  a group's stop: PTRACE_LISTEN
 *                                  a stop that we asked for: it stays
 *
 * Context  [ctl]
 */
#include "ctl/follow_priv.h"

#include "base/cleanup.h"
#include "ctl/undo.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SYSCALL_STOP = SIGTRAP | 0x80,
	SAME_MEMORY = 1, /* kcmp(2) KCMP_VM, which no header of libc has */
	COPY_ROUNDS = 64,
};

#define LEAVE_LIMIT_NS 2000000000ull
#define ZOMBIE_NS      2000000ull

/* -- SIGCHLD --------------------------------------------------------------------------------- */

static void on_child(int sig)
{
	(void)sig; /* it ends ppoll() */
}

int follow_new(struct follow **out, struct diag *d)
{
	struct sigaction sa = { .sa_handler = on_child };
	sigset_t child;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigaction(SIGCHLD, &sa, &(*out)->was) < 0 ||
	    pthread_sigmask(SIG_BLOCK, &child, &(*out)->mask))
		return diag_set(d, -errno, "SIGCHLD: %s", strerror(errno));
	return 0;
}

void follow_sleep(struct follow *f, uint64_t deadline_ns)
{
	uint64_t now = process_now_ns(), ns = deadline_ns > now ? deadline_ns - now : 0;
	const struct timespec left = { .tv_sec = (time_t)(ns / 1000000000u),
				       .tv_nsec = (long)(ns % 1000000000u) };
	sigset_t open;

	pthread_sigmask(SIG_SETMASK, NULL, &open);
	sigdelset(&open, SIGCHLD);
	if (ns)
		ppoll(NULL, 0, &left, &open);
	follow_pump(f);
}

/* -- the table ------------------------------------------------------------------------------- */

struct followed *followed_find(const struct follow *f, pid_t pid)
{
	for (size_t i = 0; i < f->at.n; i++) {
		if (f->at.at[i]->pid == pid && !f->at.at[i]->dead)
			return f->at.at[i];
	}
	return NULL;
}

static struct followed *of_thread(const struct follow *f, pid_t tid, struct tracee **out)
{
	for (size_t i = 0; i < f->at.n; i++) {
		struct followed *of = f->at.at[i];

		for (size_t k = 0; k < of->threads.n && !of->dead; k++) {
			*out = &of->threads.at[k];
			if ((*out)->tid == tid)
				return of;
		}
	}
	return NULL;
}

static void drop_thread(struct followed *of, pid_t tid)
{
	for (size_t i = 0; i < of->threads.n; i++) {
		if (of->threads.at[i].tid == tid)
			of->threads.at[i--] = of->threads.at[--of->threads.n];
	}
}

static void set_stopped(struct followed *of, pid_t tid, bool stopped)
{
	for (size_t i = 0; i < of->threads.n; i++) {
		if (of->threads.at[i].tid == tid)
			of->threads.at[i].stopped = stopped;
	}
}

static struct followed *followed_new(struct follow *f, pid_t pid)
{
	struct followed *of = calloc(1, sizeof(*of));

	if (!of || vec_push(&f->at, of) < 0) {
		free(of);
		return NULL;
	}
	of->f = f;
	of->pid = pid;
	return of;
}

/* Its program is gone, or it is let go: whatever handle there is is about it no more. */
static void part(struct followed *of)
{
	if (of->handle && !of->copied) {
		process_priv(of->handle)->followed = NULL;
		process_priv(of->handle)->threads.n = 0;
		of->handle = NULL;
	}
	if (!of->busy) /* follow_leave() is at work with it, and drops it */
		followed_drop_copy(of);
	of->origin = NULL;
	of->shares = of->stopping = of->captive = of->at_call = false;
}

static void sweep(struct follow *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->at.n; i++) {
		struct followed *of = f->at.at[i];

		if (!of->dead) {
			f->at.at[kept++] = of;
			continue;
		}
		part(of);
		vec_free(&of->threads);
		free(of);
	}
	f->at.n = kept;
}

void followed_forget(struct process *p)
{
	struct follow *f = process_priv(p)->follow;

	for (size_t i = 0; f && i < f->at.n; i++) {
		struct followed *of = f->at.at[i];

		if (of->origin == p)
			of->origin = NULL;
		if (of->handle == p)
			of->handle = NULL;
	}
	process_priv(p)->follow = NULL;
	process_priv(p)->followed = NULL;
}

/* -- who they are ---------------------------------------------------------------------------- */

struct identity {
	int tgid, ppid, tracer;
};

static bool identify(pid_t tid, struct identity *out)
{
	char path[32], line[256];
	_fclose_ FILE *f = NULL;
	int seen = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	while (f && seen < 3 && fgets(line, sizeof(line), f)) {
		seen += sscanf(line, "Tgid: %d", &out->tgid) == 1;
		seen += sscanf(line, "PPid: %d", &out->ppid) == 1;
		seen += sscanf(line, "TracerPid: %d", &out->tracer) == 1;
	}
	return seen == 3 && out->tracer == gettid(); /* it is a thread that traces */
}

static bool same_memory(pid_t a, pid_t b, bool otherwise)
{
	long r = syscall(SYS_kcmp, a, b, SAME_MEMORY, 0, 0);

	return r < 0 ? otherwise : r == 0;
}

/* The creator was killed before it could tell: its memory does. */
static struct process *origin_by_memory(const struct follow *f, pid_t pid)
{
	for (size_t i = 0; i < f->at.n; i++) {
		struct process *p = f->at.at[i]->origin;

		if (p && process_is_copy(p, pid))
			return p;
	}
	return NULL;
}

static void inherit(struct followed *of, const struct followed *parent, bool vfork)
{
	struct process *origin = parent ? parent->origin : origin_by_memory(of->f, of->pid);

	if (!origin || of->f->leaving)
		return;
	of->shares = parent && same_memory(of->pid, parent->pid, vfork);
	of->origin = origin;
	if (!of->shares)
		followed_copy(of, origin);
}

/* A tracee that is not in the table; NULL: it is gone, or none of ours. */
static struct followed *adopt(struct follow *f, pid_t tid, const struct followed *parent,
			      bool vfork)
{
	struct tracee t = { .tid = tid };
	struct identity id = { 0 };
	struct followed *of;

	if (!identify(tid, &id))
		return NULL;
	of = followed_find(f, id.tgid);
	if (of)
		return vec_push(&of->threads, t) < 0 ? NULL : of;
	of = followed_new(f, id.tgid);
	if (!of)
		return NULL;
	if (vec_push(&of->threads, t) < 0) {
		of->dead = true;
		return NULL;
	}
	inherit(of, parent ? parent : followed_find(f, id.ppid), vfork);
	return of;
}

/* -- going on ---------------------------------------------------------------------------------- */

bool tracee_in_group_stop(pid_t tid)
{
	siginfo_t si;

	return ptrace(PTRACE_GETSIGINFO, tid, 0, &si) == 0 &&
	       (si.si_signo == SIGSTOP || si.si_signo == SIGTSTP || si.si_signo == SIGTTIN ||
		si.si_signo == SIGTTOU);
}

void followed_go(const struct followed *of, pid_t tid, int sig)
{
	long how = of->captive ? PTRACE_SYSCALL : PTRACE_CONT;

	if (of->stopping) /* any other stop forgets that it was asked for */
		ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	ptrace((enum __ptrace_request)how, tid, 0, (long)sig);
}

static void let_go(struct followed *of, pid_t tid, int sig)
{
	const struct tracee t = { .tid = tid, .stopped = true };

	tracee_repeat_call(&t);
	ptrace(PTRACE_DETACH, tid, 0, (long)sig);
	drop_thread(of, tid);
	of->dead = !of->threads.n;
}

/* -- events ------------------------------------------------------------------------------------ */

void followed_ended(struct process *p, int status)
{
	struct followed *of = process_priv(p)->followed;

	if (!of)
		return;
	of->dead = true;
	if (of->pid == of->f->command) {
		of->f->ended = true;
		of->f->status = status;
	}
}

static void on_end(struct follow *f, struct followed *of, pid_t tid, int st)
{
	if (tid == f->command) {
		f->ended = true;
		f->status = st;
	}
	if (!of)
		return;
	drop_thread(of, tid);
	if (tid != of->pid)
		return;
	if (of->handle && !of->copied)
		tracee_ended(of->handle, st);
	part(of);
	of->dead = true;
}

/* All other threads are gone, and whoever called has the leader's number by now. */
static void on_exec(struct followed *of)
{
	if (of->handle && !of->copied) {
		process_priv(of->handle)->exec_seen = true;
		of->handle->stopped = false;
	}
	part(of);
	of->threads.n = 0;
	vec_push(&of->threads, ((struct tracee){ .tid = of->pid, .stopped = true }));
	of->execed = true;
}

static void on_birth(struct follow *f, struct followed *of, pid_t tid, bool vfork)
{
	struct tracee *t;
	unsigned long child = 0;

	ptrace(PTRACE_GETEVENTMSG, tid, 0, &child);
	if (child && !of_thread(f, (pid_t)child, &t))
		adopt(f, (pid_t)child, of, vfork);
}

static void on_event_stop(struct followed *of, pid_t tid, int sig)
{
	if (of->stopping) {
		set_stopped(of, tid, true);
		return;
	}
	if (sig == SIGTRAP)
		followed_go(of, tid, 0);
	else
		ptrace((enum __ptrace_request)PTRACE_LISTEN, tid, 0, 0);
}

/* F.3: what is set here holds only if no handler runs. */
static void on_signal(struct followed *of, pid_t tid, int sig)
{
	const struct tracee t = { .tid = tid, .stopped = true };

	if (sig == SYSCALL_STOP) {
		of->at_call = of->captive;
		if (!of->captive)
			followed_go(of, tid, 0);
		return;
	}
	tracee_repeat_call(&t);
	followed_go(of, tid, sig);
}

static void on_stop(struct follow *f, struct followed *of, pid_t tid, int st)
{
	int event = st >> 16, sig = WSTOPSIG(st);

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE)
		on_birth(f, of, tid, event == PTRACE_EVENT_VFORK);
	if (f->leaving)
		let_go(of, tid, event || sig == SYSCALL_STOP ? 0 : sig);
	else if (event == PTRACE_EVENT_EXEC)
		on_exec(of);
	else if (event == PTRACE_EVENT_STOP)
		on_event_stop(of, tid, sig);
	else if (event)
		followed_go(of, tid, 0);
	else
		on_signal(of, tid, sig);
}

void follow_pump(struct follow *f)
{
	for (;;) {
		int st;
		/* another thread's tracees are that thread's */
		pid_t tid = waitpid(-1, &st, __WALL | __WNOTHREAD | WNOHANG);
		struct tracee *t;
		struct followed *of;

		if (tid < 0 && errno == EINTR)
			continue;
		if (tid <= 0)
			return;
		of = of_thread(f, tid, &t);
		if (!of && WIFSTOPPED(st)) {
			/* another thread executed: it has the leader's number, perhaps forgotten */
			of = followed_find(f, tid);
			if (!of)
				of = adopt(f, tid, NULL, false);
		}
		if (!WIFSTOPPED(st))
			on_end(f, of, tid, st);
		else if (of)
			on_stop(f, of, tid, st);
		else /* there is no room for it: it goes on alone */
			ptrace(PTRACE_DETACH, tid, 0,
			       (long)(st >> 16 || WSTOPSIG(st) == (SIGTRAP | 0x80) ? 0 :
										     WSTOPSIG(st)));
	}
}

static bool has_news(const struct follow *f)
{
	bool news = follow_execed(f) != 0 || (f->ended && !f->told);

	for (size_t i = 0; i < f->at.n && !news; i++)
		news = f->at.at[i]->dead;
	return news;
}

void follow_wait(struct follow *f, int timeout_ms)
{
	uint64_t end = process_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;

	sweep(f);
	follow_pump(f);
	while (!has_news(f) && process_now_ns() < end)
		follow_sleep(f, end);
	f->told = f->ended;
}

/* -- what is asked ----------------------------------------------------------------------------- */

pid_t follow_execed(const struct follow *f)
{
	for (size_t i = 0; i < f->at.n; i++) {
		if (f->at.at[i]->execed && !f->at.at[i]->dead)
			return f->at.at[i]->pid;
	}
	return 0;
}

unsigned follow_family(const struct follow *f, const struct process *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->at.n; i++)
		n += f->at.at[i]->origin == p && !f->at.at[i]->dead;
	return n;
}

unsigned follow_count(const struct follow *f)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->at.n; i++)
		n += !f->at.at[i]->dead;
	return n;
}

bool follow_has_command(const struct follow *f)
{
	return f->command;
}

bool follow_ended(const struct follow *f, int *status)
{
	*status = f->status;
	return f->ended;
}

/* -- all threads of one ------------------------------------------------------------------------ */

/* Those that the kernel seized, and nobody has told of yet; of a process that ran: all. */
static int seize_listed(struct followed *of, struct diag *d)
{
	char path[32];
	struct dirent *e;
	DIR *dir;
	int fresh = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)of->pid);
	dir = opendir(path);
	if (!dir)
		return diag_set(d, -ESRCH, "process %d is gone", (int)of->pid);
	while ((e = readdir(dir))) {
		struct tracee t = { .tid = (pid_t)strtol(e->d_name, NULL, 10) }, *known;
		struct identity id;

		if (t.tid <= 0 || of_thread(of->f, t.tid, &known))
			continue;
		if (ptrace(PTRACE_SEIZE, t.tid, 0, (long)FOLLOW_OPTIONS) < 0 &&
		    !identify(t.tid, &id))
			continue; /* it ends */
		if (vec_push(&of->threads, t) < 0) {
			closedir(dir);
			return -ENOMEM;
		}
		ptrace(PTRACE_INTERRUPT, t.tid, 0, 0);
		fresh++;
	}
	closedir(dir);
	return fresh;
}

/* The first thread that has not stopped; 0: there is none. */
static pid_t running_one(const struct followed *of, bool zombies)
{
	for (size_t i = 0; i < of->threads.n; i++) {
		const struct tracee *t = &of->threads.at[i];

		if (!t->stopped && !(zombies && tracee_is_zombie(of->pid, t->tid)))
			return t->tid;
	}
	return 0;
}

static int stop_one(struct followed *of, uint64_t deadline_ns, struct diag *d)
{
	uint64_t begun = process_now_ns(), now = begun;
	pid_t tid = 0;
	int n = 0;

	of->stopping = true;
	for (size_t i = 0; i < of->threads.n; i++) {
		if (!of->threads.at[i].stopped)
			ptrace(PTRACE_INTERRUPT, of->threads.at[i].tid, 0, 0);
	}
	for (;;) {
		follow_pump(of->f);
		if (of->dead || !of->stopping)
			return diag_set(d, -ESRCH, "process %d ended or executed another program",
					(int)of->pid);
		tid = running_one(of, now - begun > ZOMBIE_NS);
		n = tid ? 0 : seize_listed(of, d);
		if (n < 0 || (!n && !tid))
			return n;
		if (now > deadline_ns)
			return diag_set(d, -ETIMEDOUT, "thread %d did not stop", (int)tid);
		follow_sleep(of->f, process_now_ns() + 1000000);
		now = process_now_ns();
	}
}

static int add_stopped(struct process *p, const struct followed *of)
{
	int err = 0;

	for (size_t i = 0; i < of->threads.n && !err; i++) {
		if (of->threads.at[i].stopped)
			err = vec_push(&process_priv(p)->threads, of->threads.at[i]);
	}
	return err;
}

/* A parent in vfork() stops only once its child has gone on: so those who share come last. */
int followed_stop(struct process *p, uint64_t deadline_ns, struct diag *d)
{
	struct followed *of = process_priv(p)->followed;
	struct follow *f = of->f;
	int err = stop_one(of, deadline_ns, d);

	for (size_t i = 0; i < f->at.n && !err; i++) {
		struct followed *x = f->at.at[i];

		if (!x->shares || x->dead || !same_memory(x->pid, of->pid, true))
			continue;
		err = stop_one(x, deadline_ns, d);
		if (err == -ESRCH && process_priv(p)->followed == of) {
			err = 0;
			continue;
		}
		if (!err)
			err = add_stopped(p, x);
	}
	if (process_priv(p)->followed != of)
		return err ? err : -ESRCH;
	return err ? err : add_stopped(p, of);
}

/* PTRACE_LISTEN is refused where the stop is no event's, which then is none of a group. */
static void release_all(struct followed *of, pid_t but)
{
	of->stopping = false;
	for (size_t i = 0; i < of->threads.n; i++) {
		struct tracee *t = &of->threads.at[i];

		if (!t->stopped || t->tid == but)
			continue;
		tracee_repeat_call(t); /* of a stop that was given up */
		t->stopped = false;
		/* a filter of its own may have been put off for a call of ours (filter.c) */
		ptrace(PTRACE_SETOPTIONS, t->tid, 0, (long)FOLLOW_OPTIONS);
		if (tracee_in_group_stop(t->tid))
			ptrace((enum __ptrace_request)PTRACE_LISTEN, t->tid, 0, 0);
		else
			followed_go(of, t->tid, 0);
	}
}

void followed_release(struct process *p, pid_t but)
{
	struct process_priv *pp = process_priv(p);
	struct followed *of = pp->followed;
	struct follow *f = of->f;

	for (size_t i = 0; i < f->at.n; i++) {
		if (f->at.at[i]->shares && f->at.at[i]->stopping)
			release_all(f->at.at[i], but);
	}
	release_all(of, but);
	pp->threads.n = 0;
	if (but)
		vec_push(&pp->threads, ((struct tracee){ .tid = but, .stopped = true }));
}

/* -- begin and end ----------------------------------------------------------------------------- */

int follow_add(struct follow *f, struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct followed *of;
	int err;

	of = followed_new(f, p->pid);
	if (!of)
		return -ENOMEM;
	of->handle = of->origin = p;
	pp->follow = f;
	pp->followed = of;
	if (!p->stopped) {
		err = process_stop(p, d);
		return err ? err : process_resume(p, d);
	}
	f->command = p->pid;
	for (size_t i = 0; i < pp->threads.n; i++) {
		if (ptrace(PTRACE_SETOPTIONS, pp->threads.at[i].tid, 0, (long)FOLLOW_OPTIONS) < 0)
			return diag_set(d, -errno, "process %d cannot be followed: %s", p->pid,
					strerror(errno));
		if (vec_push(&of->threads, pp->threads.at[i]) < 0)
			return -ENOMEM;
	}
	of->stopping = true;
	return 0;
}

static void interrupt_all(struct follow *f)
{
	for (size_t i = 0; i < f->at.n; i++) {
		struct followed *of = f->at.at[i];

		for (size_t k = of->threads.n; k-- > 0 && !of->dead;) {
			pid_t tid = of->threads.at[k].tid;

			if (of->threads.at[k].stopped)
				let_go(of, tid, 0);
			else
				ptrace(PTRACE_INTERRUPT, tid, 0, 0);
		}
		of->execed = false;
	}
}

static int let_all_go(struct follow *f, struct diag *d)
{
	uint64_t end = process_now_ns() + LEAVE_LIMIT_NS;

	f->leaving = true;
	interrupt_all(f);
	while (follow_count(f) && process_now_ns() < end)
		follow_sleep(f, process_now_ns() + 5000000);
	for (size_t i = 0; i < f->at.n; i++) {
		struct process *p = f->at.at[i]->handle;

		if (!p || f->at.at[i]->copied)
			continue;
		process_priv(p)->threads.n = 0;
		followed_forget(p);
	}
	if (!follow_count(f))
		sweep(f);
	return follow_count(f) ?
		       diag_set(d, -ETIMEDOUT, "%u processes are still seized, until this one ends",
				follow_count(f)) :
		       0;
}

int follow_leave(struct follow *f,
		 void (*told)(void *ctx, pid_t pid, int err, const struct undo_result *r,
			      const struct diag *why),
		 void *ctx, struct diag *d)
{
	bool more = true;

	for (int round = 0; more && round < COPY_ROUNDS; round++) {
		more = false; /* a copy may fork until it is restored */
		for (size_t i = 0; i < f->at.n; i++) {
			struct followed *of = f->at.at[i];
			struct undo_result r = { 0 };
			struct diag why = { 0 };
			pid_t pid = of->pid;
			int err;

			if (!of->copied || of->dead)
				continue;
			more = true;
			of->busy = true;
			err = of->handle ? undo_process(of->handle, &r, &why) :
					   diag_set(&why, -ENOENT, "there is no note of how");
			of->busy = false;
			told(ctx, pid, err, &r, &why);
			followed_drop_copy(of);
		}
	}
	return let_all_go(f, d);
}

static void nobody(void *ctx, pid_t pid, int err, const struct undo_result *r,
		   const struct diag *why)
{
	(void)ctx, (void)pid, (void)err, (void)r, (void)why;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	if (follow_count(f))
		follow_leave(f, nobody, NULL, NULL);
	for (size_t i = 0; i < f->at.n; i++) {
		struct process *p = f->at.at[i]->handle;

		f->at.at[i]->dead = true;
		if (p && !f->at.at[i]->copied)
			process_priv(p)->follow = NULL;
	}
	sweep(f);
	vec_free(&f->at);
	sigaction(SIGCHLD, &f->was, NULL);
	pthread_sigmask(SIG_SETMASK, &f->mask, NULL);
	free(f);
}
