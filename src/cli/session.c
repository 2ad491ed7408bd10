/*
 * cli/session.c - start a command under utramp, and wait for its end.
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t interrupts;

static void on_signal(int sig)
{
	(void)sig;
	interrupts++;
}

/*
 * SIGINT and SIGTERM mean: detach.  Installed after the command was started, so that it
 * inherits what we found; without SA_RESTART, so that waiting ends.
 */
static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
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
	default:
		return EXIT_RUNTIME;
	}
}

struct utramp_target *cli_spawn(const struct cli *c, int *code)
{
	struct utramp_target *t;
	int err = 0;

	if (!c->command) {
		cli_error("%s: the command is missing: end with -- CMD [ARG...]", c->verb);
		*code = EXIT_USAGE;
		return NULL;
	}
	t = utramp_target__spawn(c->command, NULL);
	if (!t) {
		*code = spawn_code(-errno);
		return NULL;
	}
	for (int i = 0; i < c->nbtf && !err; i++)
		err = utramp_target__add_btf(t, c->btf[i].key, c->btf[i].value);
	for (int i = 0; i < c->nproto && !err; i++)
		err = utramp_target__add_proto(t, c->proto[i]);
	if (err) {
		*code = cli_fail(err);
		utramp_target__free(t);
		return NULL;
	}
	return t;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int own_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Restore the text and print what had come in by then. */
static int leave(struct cli *c, struct utramp_target *t, int (*drain)(void *, bool), void *arg)
{
	int err = utramp_target__detach(t);

	if (err && err != -ESRCH) {
		cli_error("%s", utramp_error());
		return err;
	}
	drain(arg, true);
	cli_info(c, "detached from process %d", (int)utramp_target__pid(t));
	return 0;
}

static int finish(struct cli *c, struct utramp_target *t, int state)
{
	uint64_t lost = utramp_target__lost(t);

	if (lost)
		cli_error("events lost: %llu", (unsigned long long)lost);
	if (state == UTRAMP_EXITED)
		return own_code(utramp_target__status(t));
	if (state < 0)
		return cli_fail(state);
	return 0;
}

int cli_wait(struct cli *c, struct utramp_target *t, int (*drain)(void *arg, bool final), void *arg)
{
	uint64_t end = c->seconds ? now_ns() + c->seconds * 1000000000u : UINT64_MAX, events = 0;
	int state = UTRAMP_RUNNING, seen = 0, n;
	bool attached = true;

	catch_signals();
	while (state == UTRAMP_RUNNING) {
		n = attached ? drain(arg, false) : 0;
		if (n < 0)
			return EXIT_RUNTIME;
		events += (uint64_t)n;
		if (attached &&
		    (interrupts > seen || now_ns() >= end || (c->events && events >= c->events))) {
			seen = interrupts;
			attached = false;
			if (leave(c, t, drain, arg))
				return EXIT_RUNTIME;
		} else if (!attached && interrupts > seen) {
			seen = interrupts;
			cli_info(c, "detached; still waiting for process %d",
				 (int)utramp_target__pid(t));
		}
		state = utramp_target__poll(t, n > 0 ? 0 : attached ? 5 : 200);
		if (state == UTRAMP_EXECED && attached) {
			attached = false;
			cli_error("process %d executed another program: no longer traced "
				  "(following is -f, not in this version yet)",
				  (int)utramp_target__pid(t));
			drain(arg, true);
		}
		if (state == UTRAMP_EXECED)
			state = UTRAMP_RUNNING;
	}
	if (attached)
		drain(arg, true);
	return finish(c, t, state);
}
