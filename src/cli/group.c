/*
 * cli/group.c - see group.h.
 */
#include "cli/group.h"
#include "cli/follow.h"

#include "cli/keep.h"
#include "cli/leaving.h"

#include "utramp/attach.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- begin ----------------------------------------------------------------------------------- */

static void left_out(const struct cli_group *g, pid_t pid)
{
	if (g->c->missing_warn)
		cli_error("process %d is left out", (int)pid);
}

static void none_attached(const struct cli_group *g, pid_t pid)
{
	cli_error("because of process %d nothing is attached to any of the %d processes (--missing "
		  "warn leaves it out)",
		  (int)pid, g->c->npid);
}

/* 0, the exit code, or -1: it is left out. */
static int attach_one(struct cli_group *g, int i)
{
	struct cli *c = g->c;
	struct utramp_target *t;
	int code = 0, err;

	errno = 0;
	t = cli_attach_pid(c, c->pid[i], c->by_name[i] ? -ESRCH : 0, &code);
	err = errno;
	if (t) {
		g->named[g->n] = c->by_name[i];
		g->t[g->n++] = t;
		return 0;
	}
	if (c->by_name[i] && err == ESRCH)
		return -1;
	if (c->missing_ok)
		left_out(g, c->pid[i]);
	else
		none_attached(g, c->pid[i]);
	return c->missing_ok ? -1 : code;
}

static int attach_all(struct cli_group *g)
{
	int code = 0;

	cli_guard(g->c);
	for (int i = 0; i < g->c->npid && !code; i++) {
		code = attach_one(g, i);
		code = code < 0 ? 0 : code;
	}
	if (!code && !g->n) {
		cli_error("%s: none of the processes could be attached to", g->c->verb);
		code = EXIT_GONE;
	}
	return code;
}

int cli_group_start(struct cli_group *g, struct cli *c)
{
	int code = cli_check_pid(c);

	g->c = c;
	if (!code)
		code = cli_find_processes(c);
	if (code)
		return code;
	g->several = c->npid > 1 || c->follow;
	if (c->npid > 1)
		code = attach_all(g);
	else
		g->t[0] = cli_spawn(c, &code);
	if (c->npid < 2)
		g->n = g->t[0] != NULL;
	if (code || !c->follow)
		return code;
	g->command = c->npid ? 0 : utramp_target__pid(g->t[0]);
	return cli_follow_start(g);
}

static void drop(struct cli_group *g, int i)
{
	size_t behind = (size_t)(--g->n - i);

	utramp_target__free(g->t[i]);
	memmove(&g->t[i], &g->t[i + 1], behind * sizeof(g->t[0]));
	memmove(&g->named[i], &g->named[i + 1], behind * sizeof(g->named[0]));
}

int cli_group_each(struct cli_group *g, int (*setup)(void *arg, struct utramp_target *t, int i),
		   void *arg)
{
	int code = 0;

	g->setup = setup;
	g->arg = arg;
	for (int i = 0; i < g->n;) {
		pid_t pid = utramp_target__pid(g->t[i]);

		code = setup(arg, g->t[i], i);
		if (!code) {
			i++;
		} else if (g->several && g->n > 1 && code != EXIT_USAGE &&
			   (g->c->missing_ok || (code == EXIT_GONE && g->named[i]))) {
			left_out(g, pid);
			drop(g, i);
			code = 0;
		} else {
			if (g->several)
				none_attached(g, pid);
			return code;
		}
	}
	return code;
}

/* -- the start line ----------------------------------------------------------------------------- */

/* With --missing there may be processes in which nothing was found. */
static void tell_started(const struct cli_group *g)
{
	unsigned least = 0, most = 0, processes = 0;
	uint64_t longest = 0;
	char functions[64];

	for (int i = 0; i < g->n; i++) {
		unsigned n = utramp_target__functions(g->t[i], NULL, NULL);
		uint64_t ns = utramp_target__stopped_ns(g->t[i]);

		longest = ns > longest ? ns : longest;
		g->c->attached += n;
		if (!n)
			continue;
		least = !processes++ || n < least ? n : least;
		most = n > most ? n : most;
	}
	if (least == most)
		snprintf(functions, sizeof(functions), "%u function%s", most, cli_plural(most));
	else
		snprintf(functions, sizeof(functions), "%u to %u functions", least, most);
	if (g->follow && !processes)
		cli_info(g->c, "process %d has no such function; what it starts is followed",
			 (int)utramp_target__pid(g->t[0]));
	else
		cli_info(g->c, "attached %s in %u process%s, stopped %.1f ms%s", functions,
			 processes, processes == 1 ? "" : "es", (double)longest / 1e6,
			 g->follow ? "; what is started is followed" : "");
}

int cli_group_resume(struct cli_group *g)
{
	int code;

	if (!g->several)
		return cli_resume(g->c, g->t[0]);
	code = cli_keep_prepare(g->c, g->t, g->n);
	if (code)
		return code;
	cli_tell_types(g->c, g->t[0]); /* of others there is hardly more to say */
	for (int i = 0; i < g->n; i++) {
		int err, sig;

		if (cli_interrupts(&sig)) {
			cli_error("interrupted (%s): nothing was attached", strsignal(sig));
			return 128 + sig;
		}
		err = utramp_target__resume(g->t[i]);
		if (err == -ESRCH && g->named[i])
			continue; /* it has ended: waiting will tell */
		if (err) {
			cli_reason(err);
			none_attached(g, utramp_target__pid(g->t[i]));
			return cli_code(err);
		}
	}
	cli_progress_end();
	tell_started(g);
	for (int i = 0; i < g->n; i++)
		cli_tell_no_journal(g->c, g->t[i]);
	return 0;
}

/* -- waiting ------------------------------------------------------------------------------------- */

struct wait {
	struct cli_group *g;
	int (*drain)(void *arg, bool final);
	void *arg;
	bool deaf; /* what comes in cannot be read or printed any more */
	struct cli_leaving leaving[CLI_MAX];
	bool detached[CLI_MAX];
	bool stuck[CLI_MAX]; /* it could not be detached from */
};

static int drain(struct wait *w, bool final)
{
	int n = w->deaf ? 0 : w->drain(w->arg, final);

	if (n < 0 || ((n || final) && !cli_flush(w->g->c)))
		w->deaf = true;
	return n;
}

static void look_at(struct cli_group *g, int i, int timeout_ms)
{
	int state = utramp_target__poll(g->t[i], timeout_ms);
	int pid = (int)utramp_target__pid(g->t[i]);

	if (state == UTRAMP_RUNNING)
		return;
	g->gone[i] = true;
	if (state == UTRAMP_EXITED)
		cli_info(g->c, "process %d has ended", pid);
	else if (state == UTRAMP_EXECED)
		cli_error("process %d executed another program, which is not traced; -f follows",
			  pid);
	else
		cli_reason(state);
}

/* Whether one lives; waits for the first of those. */
static bool look_at_all(struct cli_group *g, int timeout_ms)
{
	bool lives = false;

	for (int i = 0; i < g->n; i++) {
		if (g->gone[i])
			continue;
		look_at(g, i, lives ? 0 : timeout_ms);
		lives |= !g->gone[i];
	}
	return lives;
}

/* 0: it is detached, or gone. */
static int detach_one(struct wait *w, int i, bool again)
{
	struct utramp_target *t = w->g->t[i];
	struct cli_leaving *l = &w->leaving[i];
	bool first = !l->since;
	int err = utramp_target__detach(t);

	if (err == -ESRCH) {
		look_at(w->g, i, 1000);
		w->g->gone[i] = true;
	}
	if (!err || err == -ESRCH)
		return 0;
	if (first)
		cli_error("cannot detach from process %d: %s; trying on",
			  (int)utramp_target__pid(t), utramp_error());
	w->stuck[i] = cli_leaving_failed(l, now_ns(), again);
	if (w->stuck[i])
		cli_left_patched(t);
	return err;
}

/* Those whose time has come; how many are to be tried again. */
static int detach_due(struct wait *w, bool again, int *left)
{
	struct cli_group *g = w->g;
	int more = 0;

	for (int i = 0; i < g->n; i++) {
		if (g->gone[i] || w->detached[i] || w->stuck[i])
			continue;
		if (again || cli_leaving_due(&w->leaving[i], now_ns())) {
			w->detached[i] = !detach_one(w, i, again);
			*left += w->detached[i] && !g->gone[i];
		}
		more += !w->detached[i] && !w->stuck[i];
	}
	return more;
}

/* An exit code. */
static int detach_all(struct wait *w)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	struct cli_group *g = w->g;
	int left = 0, seen = cli_interrupts(NULL), code = 0;
	bool again = false;

	while (detach_due(w, again, &left)) {
		drain(w, false);
		nanosleep(&nap, NULL);
		again = cli_interrupts(NULL) > seen;
		seen = cli_interrupts(NULL);
	}
	drain(w, true);
	if (left)
		cli_info(g->c, "detached from %d process%s", left, left == 1 ? "" : "es");
	for (int i = 0; i < g->n; i++) {
		if (w->stuck[i])
			code = EXIT_RUNTIME;
		else if (!g->gone[i])
			cli_leave_pid(g->c, g->t[i]);
	}
	return code;
}

static void tell_lost(const struct cli_group *g)
{
	unsigned long long lost = 0, untraced = 0;

	for (int i = 0; i < g->n; i++) {
		lost += utramp_target__lost(g->t[i]);
		untraced += utramp_target__untraced(g->t[i]);
	}
	if (lost)
		cli_error("events lost: %llu", lost);
	if (untraced)
		cli_error("calls not traced for want of stack: %llu", untraced);
}

int cli_group_wait(struct cli_group *g, int (*drain_fn)(void *arg, bool final), void *arg)
{
	struct wait w = { .g = g, .drain = drain_fn, .arg = arg };
	struct cli *c = g->c;
	uint64_t end = c->limit_ns ? now_ns() + c->limit_ns : UINT64_MAX;
	bool lives = true;
	int code;

	if (g->follow)
		return cli_follow_wait(g, drain_fn, arg);
	if (!g->several)
		return cli_wait(c, g->t[0], drain_fn, arg);
	c->ran = true;
	cli_keep_go(c, g->t, g->n);
	while (lives && !w.deaf && !cli_interrupts(NULL) && now_ns() < end && !cli_full(c) &&
	       !cli_front_gone()) {
		int n = drain(&w, false);

		cli_keep_watch(g->t, g->n);
		lives = look_at_all(g, n > 0 ? 0 : 5);
	}
	if (cli_front_gone())
		cli_error("the front process was killed: its processes go on alone");
	code = detach_all(&w);
	tell_lost(g);
	return cli_front_gone() ? EXIT_RUNTIME : code;
}

void cli_group_tell_unwound(const struct cli_group *g)
{
	unsigned long long n = g->unwound;

	if (g->n == 1 && !g->follow) {
		cli_tell_unwound(g->c, g->t[0]);
		return;
	}
	for (int i = 0; i < g->n; i++)
		n += utramp_target__unwound(g->t[i]);
	if (n)
		cli_info(g->c,
			 "%llu call%s ended by an exception or cancellation, unseen by exit "
			 "programs",
			 n, cli_plural(n));
}

void cli_group_free(struct cli_group *g)
{
	cli_follow_free(g);
	for (int i = 0; i < g->n; i++)
		utramp_target__free(g->t[i]);
	g->n = 0;
}
