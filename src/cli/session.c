/*
 * cli/session.c - start a command under utramp, and wait for its end.
 */
#include "utramp/session.h"
#include "cli/cli.h"
#include "cli/keep.h"
#include "cli/leaving.h"
#include "utramp/types.h"

#include "utramp/btf.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* One of the options about types, to one target; names what its errors are about. */
struct gift {
	int (*give)(const struct cli *c, int i, struct utramp_target *t);
	bool file; /* else its text alone can be wrong */
	enum cli_gift kind;
};

static int give_debuginfo(const struct cli *c, int i, struct utramp_target *t)
{
	return utramp_target__add_debuginfo(t, c->debuginfo[i]);
}

static int give_btf(const struct cli *c, int i, struct utramp_target *t)
{
	return utramp_target__add_btf(t, c->btf[i].key, c->btf[i].value);
}

static int give_proto(const struct cli *c, int i, struct utramp_target *t)
{
	return utramp_target__add_proto(t, c->proto[i]);
}

/* To each target; one of them at least must have a use for it. */
static int give_all(struct cli *c, const struct gift *g, int i, struct utramp_target **t, int n)
{
	bool taken = false;

	for (int k = 0; k < n; k++) {
		int err = g->give(c, i, t[k]);

		taken |= !err;
		c->taken[g->kind][i] |= !err;
		if (!err || (err == -ENOENT && (taken || k + 1 < n || c->follow)))
			continue;
		if (err == -ENOENT) {
			cli_fail(err);
			return EXIT_NO_MATCH;
		}
		if (g->file)
			return cli_fail_file(err);
		cli_fail(err);
		return EXIT_USAGE;
	}
	return 0;
}

/* What the user said about types; the exit code of the first mistake. */
int cli_add_types(struct cli *c, struct utramp_target **t, int n)
{
	static const struct gift debuginfo = { give_debuginfo, true, GIFT_DEBUGINFO },
				 btf = { give_btf, true, GIFT_BTF },
				 proto = { give_proto, false, GIFT_PROTO };
	int code = 0;

	/* first: its symbols may be what prototypes are of */
	for (int i = 0; i < c->ndebuginfo && !code; i++)
		code = give_all(c, &debuginfo, i, t, n);
	for (int i = 0; i < c->nbtf && !code; i++)
		code = give_all(c, &btf, i, t, n);
	for (int i = 0; i < c->nproto && !code; i++)
		code = give_all(c, &proto, i, t, n);
	return code;
}

void cli_tell_unused_types(const struct cli *c)
{
	for (int i = 0; i < c->ndebuginfo; i++) {
		if (!c->taken[GIFT_DEBUGINFO][i])
			cli_error("--debuginfo %s: no program that ran has its module",
				  c->debuginfo[i]);
	}
	for (int i = 0; i < c->nbtf; i++) {
		if (!c->taken[GIFT_BTF][i])
			cli_error("--btf %s: no program that ran has this module", c->btf[i].key);
	}
	for (int i = 0; i < c->nproto; i++) {
		if (!c->taken[GIFT_PROTO][i])
			cli_error("--proto '%s': no program that ran has this function",
				  c->proto[i]);
	}
}

bool cli_gives_types(const struct cli *c)
{
	return c->ndebuginfo || c->nbtf || c->nproto;
}

struct utramp_target *cli_spawn(struct cli *c, int *code)
{
	struct utramp_spawn_opts opts = { .sz = sizeof(opts),
					  .engine = c->engine,
					  .faults = c->faults };
	struct utramp_target *t;

	*code = cli_check_pid(c);
	if (*code)
		return NULL;
	/* before the command starts, so that its slab files go in any case */
	if (c->looks)
		cli_catch_signals();
	else
		cli_guard(c);
	if (c->npid)
		return cli_attach_pid(c, c->pid[0], 0, code);
	t = utramp_target__spawn(c->command, &opts);
	if (t)
		cli_guard_target(utramp_target__pid(t));
	if (!t) {
		int err = -errno;

		cli_reason(err);
		*code = cli_spawn_code(err);
		return NULL;
	}
	if (utramp_target__poll(t, 0) == UTRAMP_EXITED) {
		*code = cli_status_code(utramp_target__status(t));
		cli_error("%s ended in its loader, before anything could be attached",
			  c->command[0]);
	} else {
		*code = cli_add_types(c, &t, 1);
		if (!*code)
			*code = cli_wait_modules(c, t);
	}
	if (!*code) {
		cli_progress_begin(c, t);
		return t;
	}
	utramp_target__free(t);
	return NULL;
}

struct utramp_target *cli_look(struct cli *c, const char *spec, int *code)
{
	struct utramp_target *t;

	if (c->command)
		return cli_spawn(c, code);
	t = utramp_target__file(spec);
	*code = t ? cli_add_types(c, &t, 1) : cli_fail_spec(-errno);
	if (!*code)
		return t;
	utramp_target__free(t);
	return NULL;
}

int cli_look_all(struct cli *c, struct utramp_target **t)
{
	int code = 0;

	for (int i = 0; i < c->nargs && !code; i++) {
		t[i] = utramp_target__file(c->arg[i]);
		code = t[i] ? 0 : errno == EACCES ? cli_fail_file(-errno) : cli_fail_spec(-errno);
	}
	return code ? code : cli_add_types(c, t, c->nargs);
}

/* utramp_target__damaged_types() has found one. */
static void damaged(void *ctx, const char *why)
{
	cli_info(ctx, "types that come with utramp are left out: %s", why);
}

void cli_tell_types(const struct cli *c, struct utramp_target *t)
{
	const char *example = "";
	unsigned raw;

	utramp_target__functions(t, &raw, &example);
	utramp_target__damaged_types(t, damaged, (void *)(uintptr_t)c);
	/* main() is only watched, others need types there */
	if (raw && !c->untyped_ok && !c->after_main)
		cli_info(
			c,
			"no types for %u of the functions (%s): programs see six argument "
			"registers; give types with --btf MODULE=FILE (utramp btf gen makes one of "
			"headers) or --proto 'int %s(...)'",
			raw, example, example);
}

void cli_tell_no_journal(const struct cli *c, const struct utramp_target *t)
{
	const char *how = utramp_target__no_journal(t);

	if (how)
		cli_info(c, "process %d stays as it is if utramp is killed: %s",
			 (int)utramp_target__pid(t), how);
}

int cli_resume(struct cli *c, struct utramp_target *t)
{
	unsigned n = utramp_target__functions(t, NULL, NULL);
	const char *how;
	int err, sig;

	if (cli_interrupts(&sig)) {
		cli_error("interrupted (%s): %s", strsignal(sig),
			  c->npid ? "nothing was attached" : "the command has not run");
		return 128 + sig;
	}
	err = cli_keep_prepare(c, &t, 1);
	if (err)
		return err;
	cli_tell_types(c, t);
	err = utramp_target__resume(t);
	if (err)
		return cli_fail(err);
	cli_progress_end();
	c->attached = n;
	cli_info(c, "attached %u function%s in process %d, stopped %.1f ms", n, cli_plural(n),
		 (int)utramp_target__pid(t), (double)utramp_target__stopped_ns(t) / 1e6);
	cli_tell_no_journal(c, t);
	how = utramp_target__faults(t);
	if (c->verbose && how)
		cli_info(c, "bad addresses: %s", how);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct wait {
	struct cli *c;
	struct utramp_target *t;
	int (*drain)(void *arg, bool final);
	void *arg;
	uint64_t end;  /* -d */
	int seen;      /* interrupts */
	bool attached; /* programs run */
	bool asked;    /* to detach, for a reason that comes once */
	struct cli_leaving leaving;
	bool stuck; /* it was not possible, and is not tried any more */
	bool deaf;  /* what comes in cannot be read or printed any more */
};

static int drain(struct wait *w, bool final)
{
	int n = w->deaf ? 0 : w->drain(w->arg, final);

	if (n < 0 || ((n || final) && !cli_flush(w->c)))
		w->deaf = true;
	return n;
}

/* Nobody waits here for its end: it was not started here, or who started it has left. */
static bool goes_on_alone(const struct cli *c)
{
	return c->npid || c->keep;
}

/* Restore the text and print what had come in by then. */
static void leave(struct wait *w, bool again)
{
	uint64_t failed = w->leaving.since;
	int err;

	cli_late_tell(w->c, w->t);
	err = utramp_target__detach(w->t);
	if (err == -ESRCH) /* waiting tells how it ended */
		return;
	if (err) {
		if (!failed)
			cli_error("cannot detach: %s; trying on", utramp_error());
		w->stuck = cli_leaving_failed(&w->leaving, now_ns(), again) && goes_on_alone(w->c);
		if (w->stuck)
			cli_left_patched(w->t);
		return;
	}
	w->attached = false;
	drain(w, true);
	cli_info(w->c, "detached from process %d", (int)utramp_target__pid(w->t));
}

/* Our own mishaps do not end the command, nor change its exit code. */
static void check_end(struct wait *w)
{
	int interrupts = cli_interrupts(NULL);
	bool again = interrupts > w->seen;

	w->seen = interrupts;
	if (!w->attached) {
		if (again)
			cli_info(w->c, "detached already; process %d is still running",
				 (int)utramp_target__pid(w->t));
		return;
	}
	if (w->asked && !again && !cli_leaving_due(&w->leaving, now_ns()))
		return;
	if (!again && !w->asked && now_ns() < w->end && !w->deaf && !cli_full(w->c))
		return;
	w->asked = true;
	leave(w, again);
}

/* The front process was killed, and nobody waits for the command's end any more. */
static int abandon(struct wait *w)
{
	cli_error("the front process was killed: process %d goes on alone",
		  (int)utramp_target__pid(w->t));
	if (w->attached)
		leave(w, false);
	return EXIT_RUNTIME;
}

static void tell_ended(const struct wait *w)
{
	int pid = (int)utramp_target__pid(w->t), status = utramp_target__status(w->t);

	if (w->c->npid)
		cli_info(w->c, "process %d has ended", pid);
	else
		cli_info(w->c, "process %d has ended, exit code %d", pid, cli_status_code(status));
}

static int finish(struct wait *w, int state)
{
	const char *name = utramp_target__renamed(w->t);
	uint64_t lost, untraced;

	if (w->attached) {
		drain(w, true);
		cli_late_tell(w->c, w->t);
	}
	if (w->attached && name)
		cli_error(
			"process %d ended under the name '%s', which may be another program's that "
			"it executed, not traced; -f follows",
			(int)utramp_target__pid(w->t), name);
	lost = utramp_target__lost(w->t);
	if (lost)
		cli_error("events lost: %llu", (unsigned long long)lost);
	untraced = utramp_target__untraced(w->t);
	if (untraced)
		cli_error("calls not traced for want of stack: %llu", (unsigned long long)untraced);
	if (goes_on_alone(w->c) && state >= 0) {
		if (state == UTRAMP_EXITED)
			tell_ended(w);
		else
			cli_leave_pid(w->c, w->t);
		return cli_late_code(w->c, 0);
	}
	if (state != UTRAMP_EXITED)
		return cli_fail(state);
	return cli_late_code(w->c, cli_status_code(utramp_target__status(w->t)));
}

int cli_wait(struct cli *c, struct utramp_target *t, int (*drain_fn)(void *arg, bool final),
	     void *arg)
{
	struct wait w = { .c = c, .t = t, .drain = drain_fn, .arg = arg, .attached = true };
	int state = UTRAMP_RUNNING;

	c->ran = true;
	cli_keep_go(c, &t, 1);
	w.end = c->limit_ns ? now_ns() + c->limit_ns : UINT64_MAX;
	while (state == UTRAMP_RUNNING && (w.attached || !goes_on_alone(c))) {
		int n = w.attached ? drain(&w, false) : 0;

		if (cli_front_gone())
			return abandon(&w);
		cli_keep_watch(&t, 1);
		check_end(&w);
		if (w.stuck) {
			drain(&w, true);
			return EXIT_RUNTIME;
		}
		if (goes_on_alone(c) && !w.attached)
			break;
		state = utramp_target__poll(t, n > 0 ? 0 : w.attached ? 5 : 200);
		if (state != UTRAMP_EXECED)
			continue;
		if (w.attached) {
			w.attached = false;
			drain(&w, true);
			cli_error("process %d executed another program, which is not traced; -f "
				  "follows",
				  (int)utramp_target__pid(t));
		}
		state = UTRAMP_RUNNING;
	}
	return finish(&w, state);
}

void cli_tell_unwound(const struct cli *c, const struct utramp_target *t)
{
	unsigned long long n = utramp_target__unwound(t);

	if (n)
		cli_info(c,
			 "%llu call%s ended by an exception or cancellation, unseen by exit "
			 "programs",
			 n, cli_plural(n));
}
