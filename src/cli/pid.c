/*
 * cli/pid.c - a process that runs already, -p: attach to it, and leave it.
 *
 * It is not ours: no exit code of its is told, and the verb ends when it has left.
 */
#include "cli/cli.h"
#include "utramp/attach.h"

#include <errno.h>

int cli_check_pid(const struct cli *c)
{
	bool process = c->npid || c->ncomm;

	if (process && c->command)
		cli_error("%s: a process (-p, -n) and a command exclude each other", c->verb);
	else if (process && c->after_main)
		cli_error("%s: --after main is for a command: a process that runs is past it",
			  c->verb);
	else if (c->follow && c->missing_error)
		cli_error("%s: -f asks each program for what it has: not with --missing error",
			  c->verb);
	else if (c->follow && c->keep)
		cli_error("%s: --keep with -f: followed processes stay under ptrace, which ends "
			  "with the tool: use one of them",
			  c->verb);
	else if (c->wait && (c->npid > 1 || c->ncomm))
		cli_error("%s: --wait is for one process (-p PID) in this version: run utramp once "
			  "for each",
			  c->verb);
	else if (!process && !c->command)
		cli_error("%s: the command is missing: end with -- CMD [ARG...], or name a process "
			  "by -p PID or -n NAME",
			  c->verb);
	else
		return 0;
	return EXIT_USAGE;
}

struct utramp_target *cli_attach_pid(struct cli *c, pid_t pid, int silent, int *code)
{
	struct utramp_attach_pid_opts opts = {
		.sz = sizeof(opts), .engine = c->engine, .faults = c->faults, .together = true
	};
	struct utramp_target *t;
	int err;

	t = utramp_target__attach_pid(pid, &opts);
	if (!t) {
		err = -errno;
		*code = silent && err == silent ? cli_code(err) : cli_fail(err);
		errno = -err;
		return NULL;
	}
	*code = cli_add_types(c, &t, 1);
	if (!*code)
		*code = cli_wait_modules(c, t);
	if (!*code) {
		cli_progress_begin(c, t);
		return t;
	}
	utramp_target__free(t);
	errno = 0;
	return NULL;
}

void cli_left_patched(const struct utramp_target *t)
{
	int pid = (int)utramp_target__pid(t);

	cli_error(
		"process %d cannot be detached from, and is left as it is, its functions patched, with "
		"no programs to run: %s; 'utramp detach %d' restores them when that is over",
		pid, utramp_error(), pid);
}

void cli_leave_pid(const struct cli *c, struct utramp_target *t)
{
	int err = utramp_target__leave(t);

	/* of calls that are open there is nothing to be done; of filters there may be */
	if (err == -EPERM)
		cli_error("what is mapped in process %d stays mapped: %s",
			  (int)utramp_target__pid(t), utramp_error());
	else if (err < 0 && c->verbose)
		cli_info(c, "%s", utramp_error());
}
