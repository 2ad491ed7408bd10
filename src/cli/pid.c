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
	if (c->npid > 1)
		cli_error("%s: -p: one process in this version: run utramp once for each", c->verb);
	else if (c->npid && c->command)
		cli_error("%s: -p PID and a command exclude each other", c->verb);
	else if (c->npid && c->after_main)
		cli_error("%s: --after main is for a command: process %d is past it", c->verb,
			  (int)c->pid[0]);
	else if (!c->npid && !c->command)
		cli_error("%s: the command is missing: end with -- CMD [ARG...], or name a process "
			  "by -p PID",
			  c->verb);
	else
		return 0;
	return EXIT_USAGE;
}

struct utramp_target *cli_attach_pid(const struct cli *c, int *code)
{
	struct utramp_attach_pid_opts opts = {
		.sz = sizeof(opts), .engine = c->engine, .faults = c->faults, .together = true
	};
	struct utramp_target *t;

	cli_catch_signals();
	t = utramp_target__attach_pid(c->pid[0], &opts);
	if (!t) {
		*code = cli_fail(-errno);
		return NULL;
	}
	*code = cli_add_types(c, &t, 1);
	if (!*code) {
		cli_progress_begin(c, t);
		return t;
	}
	utramp_target__free(t);
	return NULL;
}

void cli_leave_pid(const struct cli *c, struct utramp_target *t)
{
	if (utramp_target__leave(t) < 0 && c->verbose)
		cli_info(c, "%s", utramp_error());
}
