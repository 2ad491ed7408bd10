/*
 * cli/follow.c - see follow.h.
 */
#include "cli/follow.h"

#include "utramp/attach.h"
#include "utramp/follow.h"
#include "utramp/late.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- programs that come ------------------------------------------------------------------------ */

/* Which modules a program waits for is nobody's concern, with so many of them. */
static void module_came(void *ctx, const struct utramp_late_note *n)
{
	struct cli *c = ctx;

	if (n->what == UTRAMP_LATE_ATTACHED || n->what == UTRAMP_LATE_AGAIN)
		c->came += n->functions;
	if (n->what == UTRAMP_LATE_ATTACHED && c->verbose)
		cli_info(c, "%s came at run time: attached %u function%s", n->module, n->functions,
			 cli_plural(n->functions));
	if (n->what == UTRAMP_LATE_FAILED)
		cli_error("%s: %s", n->module, n->text);
}

static int set_up(struct cli_group *g, struct utramp_target *t)
{
	struct utramp_late_opts late = {
		.sz = sizeof(late), .note = module_came, .ctx = g->c, .hold = true
	};
	int code = cli_add_types(g->c, &t, 1);

	if (!code && utramp_target__wait(t, &late))
		code = cli_fail(-errno);
	return code ? code : g->setup(g->arg, t, g->n);
}

static void tell_begun(const struct cli *c, int pid, unsigned n)
{
	char path[32], exe[512];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	cli_info(c, "process %d executed %.*s: attached %u function%s", pid, len > 0 ? (int)len : 9,
		 len > 0 ? exe : "a program", n, cli_plural(n));
}

static int begin(void *ctx, struct utramp_target *t)
{
	struct cli_group *g = ctx;
	int pid = (int)utramp_target__pid(t);
	unsigned n;

	if (g->n == CLI_MAX) {
		cli_error("process %d is not traced: it would be more than %d at a time", pid,
			  CLI_MAX);
		return -1;
	}
	if (set_up(g, t)) {
		cli_error("process %d runs on untraced", pid);
		return -1;
	}
	n = utramp_target__functions(t, NULL, NULL);
	g->c->attached += n;
	if (g->c->verbose)
		tell_begun(g->c, pid, n);
	g->gone[g->n] = false;
	g->t[g->n++] = t;
	return 0;
}

static int place_of(const struct cli_group *g, const struct utramp_target *t)
{
	int i = 0;

	while (i < g->n && g->t[i] != t)
		i++;
	return i;
}

/* Its last events are read, its sums kept. */
static void end(void *ctx, struct utramp_target *t)
{
	struct cli_group *g = ctx;
	int i = place_of(g, t);

	if (i == g->n)
		return;
	g->lost += utramp_target__lost(t);
	g->untraced += utramp_target__untraced(t);
	g->unwound += utramp_target__unwound(t);
	g->part(g->arg, i, utramp_target__functions(t, NULL, NULL) != 0);
	utramp_target__free(t);
	g->t[i] = g->t[--g->n];
	g->gone[i] = g->gone[g->n];
}

static void note(void *ctx, const struct utramp_follow_note *n)
{
	const struct cli_group *g = ctx;
	int pid = (int)n->pid;

	switch (n->what) {
	case UTRAMP_FOLLOW_PASSED:
		cli_info(g->c, "process %d is passed over: %s", pid, n->text);
		break;
	case UTRAMP_FOLLOW_WEAK:
		cli_error("process %d has less rights than without utramp: %s", pid, n->text);
		break;
	case UTRAMP_FOLLOW_RESTORED:
		if (g->c->verbose)
			cli_info(g->c, "process %d was forked, and is restored", pid);
		break;
	case UTRAMP_FOLLOW_UNRESTORED:
		cli_error("process %d is not restored: %s", pid, n->text);
		break;
	}
}

int cli_follow_start(struct cli_group *g)
{
	const struct utramp_follow_opts opts = { .sz = sizeof(opts),
						 .engine = g->c->engine,
						 .faults = g->c->faults,
						 .begin = begin,
						 .end = end,
						 .note = note,
						 .ctx = g };

	g->follow = utramp_follow__new(&opts);
	if (!g->follow)
		return cli_fail(-errno);
	for (int i = 0; i < g->n; i++) {
		int err = utramp_follow__add(g->follow, g->t[i]);

		if (err)
			return cli_fail(err);
	}
	return 0;
}

/* -- waiting ------------------------------------------------------------------------------------ */

struct wait {
	struct cli_group *g;
	int (*drain)(void *arg, bool final);
	void *arg;
	uint64_t limit;
	bool deaf; /* what comes in cannot be read or printed any more */
};

static int drain(struct wait *w, bool final)
{
	int n = w->deaf ? 0 : w->drain(w->arg, final);

	if (n < 0 || ((n || final) && !cli_flush(w->g->c)))
		w->deaf = true;
	return n;
}

static void leave(struct wait *w)
{
	struct cli_group *g = w->g;
	unsigned n = utramp_follow__count(g->follow);
	int err = utramp_follow__detach(g->follow);

	if (err)
		cli_reason(err);
	drain(w, true);
	if (!err)
		cli_info(g->c, "detached from %u process%s", n, n == 1 ? "" : "es");
	for (int i = 0; i < g->n && g->c->npid; i++)
		cli_leave_pid(g->c, g->t[i]);
}

/* Detached; the command's end is waited for as ever. */
static int await_command(struct wait *w, int seen)
{
	struct cli_group *g = w->g;
	int status;

	while (!utramp_follow__status(g->follow, &status)) {
		if (cli_front_gone())
			return EXIT_RUNTIME;
		if (cli_interrupts(NULL) > seen)
			cli_info(g->c, "detached already; process %d is still running",
				 (int)g->command);
		seen = cli_interrupts(NULL);
		utramp_follow__poll(g->follow, 200);
	}
	return cli_status_code(status);
}

static bool is_over(const struct wait *w)
{
	return w->deaf || cli_interrupts(NULL) || now_ns() >= w->limit || cli_full(w->g->c) ||
	       cli_front_gone();
}

static void tell_lost(const struct cli_group *g)
{
	unsigned long long lost = g->lost, untraced = g->untraced;

	for (int i = 0; i < g->n; i++) {
		lost += utramp_target__lost(g->t[i]);
		untraced += utramp_target__untraced(g->t[i]);
	}
	if (lost)
		cli_error("events lost: %llu", lost);
	if (untraced)
		cli_error("calls not traced for want of stack: %llu", untraced);
}

static int exit_code(const struct cli_group *g, int code)
{
	const struct cli *c = g->c;

	if (c->attached || c->came)
		return code;
	cli_error("%s: no program that ran has a function that was asked for", c->verb);
	return code ? code : EXIT_NO_MATCH;
}

int cli_follow_wait(struct cli_group *g, int (*drain_fn)(void *arg, bool final), void *arg)
{
	struct wait w = { .g = g, .drain = drain_fn, .arg = arg };
	struct cli *c = g->c;
	int state = 0, code = 0, status = 0;

	c->ran = true;
	w.limit = c->limit_ns ? now_ns() + c->limit_ns : UINT64_MAX;
	while (state == UTRAMP_RUNNING && !is_over(&w))
		state = utramp_follow__poll(g->follow, drain(&w, false) > 0 ? 0 : 5);
	if (state < 0)
		code = cli_fail(state);
	if (state == UTRAMP_EXITED)
		drain(&w, true);
	else
		leave(&w);
	tell_lost(g);
	cli_tell_unused_types(c);
	if (cli_front_gone()) {
		cli_error("the front process was killed: process %d goes on alone",
			  (int)g->command);
		return EXIT_RUNTIME;
	}
	if (g->command)
		code = await_command(&w, cli_interrupts(NULL));
	utramp_follow__status(g->follow, &status);
	return exit_code(g, code);
}

void cli_follow_free(struct cli_group *g)
{
	utramp_follow__free(g->follow);
	g->follow = NULL;
}
