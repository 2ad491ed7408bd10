/*
 * cli/session.c - start a command under utramp, and wait for its end.
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t interrupts, interrupt_signal;

static void on_signal(int sig)
{
	interrupt_signal = sig;
	interrupts++;
}

/*
 * These mean: detach.  Caught before the command starts, so that its slab files go in any
 * case; the command inherits what we found (process_spawn() restores it).  Without
 * SA_RESTART, so that waiting ends.  What was ignored stays so: nohup, shell jobs.
 */
static void catch_signals(void)
{
	static const int list[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction sa = { .sa_handler = on_signal }, old;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (sigaction(list[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(list[i], &sa, NULL);
	}
	sa.sa_handler = SIG_IGN; /* a reader that ends must not end us: writing fails instead */
	sigaction(SIGPIPE, &sa, NULL);
}

static int spawn_code(int err)
{
	cli_error("%s", utramp_error());
	switch (-err) {
	case ENOENT:
		return EXIT_NOT_FOUND;
	case EACCES:
	case ENOEXEC:
	case EISDIR:
	case ENOTDIR:
		return EXIT_NOT_EXECUTABLE;
	case EPERM:
		return EXIT_PERMISSION;
	case ESRCH:
		return EXIT_GONE;
	default:
		return EXIT_RUNTIME;
	}
}

static int own_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What the user said about types; the exit code of the first mistake. */
static int add_types(const struct cli *c, struct utramp_target *t)
{
	for (int i = 0; i < c->nbtf; i++) {
		int err = utramp_target__add_btf(t, c->btf[i].key, c->btf[i].value);

		if (err)
			return cli_fail(err);
	}
	for (int i = 0; i < c->nproto; i++) {
		int err = utramp_target__add_proto(t, c->proto[i]);

		if (err) {
			cli_fail(err);
			return EXIT_USAGE;
		}
	}
	return 0;
}

struct utramp_target *cli_spawn(const struct cli *c, int *code)
{
	struct utramp_target *t;

	if (!c->command) {
		cli_error("%s: the command is missing: end with -- CMD [ARG...]", c->verb);
		*code = EXIT_USAGE;
		return NULL;
	}
	catch_signals();
	t = utramp_target__spawn(c->command, NULL);
	if (!t) {
		*code = spawn_code(-errno);
		return NULL;
	}
	if (utramp_target__poll(t, 0) == UTRAMP_EXITED) {
		*code = own_code(utramp_target__status(t));
		cli_error("%s ended in its loader, before anything could be attached",
			  c->command[0]);
	} else {
		*code = add_types(c, t);
	}
	if (!*code)
		return t;
	utramp_target__free(t);
	return NULL;
}

struct utramp_target *cli_look(const struct cli *c, const char *spec, int *code)
{
	struct utramp_target *t;

	if (c->command)
		return cli_spawn(c, code);
	t = utramp_target__file(spec);
	*code = t ? add_types(c, t) : cli_fail_spec(-errno);
	if (!*code)
		return t;
	utramp_target__free(t);
	return NULL;
}

int cli_resume(const struct cli *c, struct utramp_target *t)
{
	const char *example = "";
	unsigned raw, n = utramp_target__functions(t, &raw, &example);
	int err;

	if (interrupts)
		return 128 + interrupt_signal; /* it has not run: nothing to detach from */
	if (raw)
		cli_info(c,
			 "no types for %u of the functions (%s): programs see six argument "
			 "registers; give types with --btf MODULE=FILE or --proto 'int %s(...)'",
			 raw, example, example);
	err = utramp_target__resume(t);
	if (err)
		return cli_fail(err);
	cli_info(c, "attached to %u function%s in process %d", n, cli_plural(n),
		 (int)utramp_target__pid(t));
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
	bool deaf;     /* what comes in cannot be read or printed any more */
};

static int drain(struct wait *w, bool final)
{
	int n = w->deaf ? 0 : w->drain(w->arg, final);

	if (n < 0 || ((n || final) && !cli_flush(w->c)))
		w->deaf = true;
	return n;
}

/* Restore the text and print what had come in by then. */
static void leave(struct wait *w)
{
	int err = utramp_target__detach(w->t);

	if (err && err != -ESRCH) {
		cli_error("cannot detach: %s", utramp_error());
		return;
	}
	w->attached = false;
	drain(w, true);
	if (!err)
		cli_info(w->c, "detached from process %d", (int)utramp_target__pid(w->t));
}

/* Our own mishaps do not end the command, nor change its exit code. */
static void check_end(struct wait *w)
{
	bool again = interrupts > w->seen;

	w->seen = interrupts;
	if (!w->attached) {
		if (again)
			cli_info(w->c, "detached already; process %d is still running",
				 (int)utramp_target__pid(w->t));
		return;
	}
	if (!again && (w->asked || (now_ns() < w->end && !w->deaf && !cli_full(w->c))))
		return;
	w->asked = true;
	leave(w);
}

static int finish(struct wait *w, int state)
{
	uint64_t lost;

	if (w->attached)
		drain(w, true);
	lost = utramp_target__lost(w->t);
	if (lost)
		cli_error("events lost: %llu", (unsigned long long)lost);
	return state == UTRAMP_EXITED ? own_code(utramp_target__status(w->t)) : cli_fail(state);
}

int cli_wait(struct cli *c, struct utramp_target *t, int (*drain_fn)(void *arg, bool final),
	     void *arg)
{
	struct wait w = { .c = c, .t = t, .drain = drain_fn, .arg = arg, .attached = true };
	int state = UTRAMP_RUNNING;

	c->ran = true;
	w.end = c->limit_ns ? now_ns() + c->limit_ns : UINT64_MAX;
	while (state == UTRAMP_RUNNING) {
		int n = w.attached ? drain(&w, false) : 0;

		check_end(&w);
		state = utramp_target__poll(t, n > 0 ? 0 : w.attached ? 5 : 200);
		if (state != UTRAMP_EXECED)
			continue;
		if (w.attached) {
			w.attached = false;
			drain(&w, true);
			cli_error("process %d executed another program, which is not traced; "
				  "following (-f) is not in this version",
				  (int)utramp_target__pid(t));
		}
		state = UTRAMP_RUNNING;
	}
	return finish(&w, state);
}
