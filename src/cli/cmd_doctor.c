/*
 * cli/cmd_doctor.c - utramp doctor: what this machine allows, and whether a process can be
 * attached to.
 */
#include "cli/cli.h"
#include "utramp/doctor.h"

#include <errno.h>

#define PLAIN "\033[0m"

struct diagnosis {
	struct cli *c;
	bool color, of_process, machine_told;
	bool bad, forbidden;
};

static const struct {
	const char *word, *color;
} states[] = {
	[UTRAMP_DOCTOR_OK] = { "ok", "\033[32m" },
	[UTRAMP_DOCTOR_WARN] = { "warn", "\033[33m" },
	[UTRAMP_DOCTOR_BAD] = { "bad", "\033[31m" },
};

/* "ok    ptrace scope      1, and we have CAP_SYS_PTRACE", what to do on a line of its own. */
static int print_line(void *ctx, const struct utramp_doctor_line *l)
{
	struct diagnosis *d = ctx;
	FILE *out = d->c->out;
	char text[1024];

	if (!l->of_process && d->machine_told)
		return 0;
	d->bad |= l->state == UTRAMP_DOCTOR_BAD;
	d->forbidden |= l->state == UTRAMP_DOCTOR_BAD && l->err == -EPERM;
	if (d->c->json) {
		fprintf(out, "%s\n", l->json);
		return 0;
	}
	if (l->of_process && !d->of_process)
		fputc('\n', out);
	d->of_process = l->of_process;
	snprintf(text, sizeof(text), "%s", l->text);
	cli_disarm(text); /* names of programs are in it */
	fprintf(out, "%s%-4s%s  %-16s  %s\n", d->color ? states[l->state].color : "",
		states[l->state].word, d->color ? PLAIN : "", l->what, text);
	if (l->remedy)
		fprintf(out, "%22s> %s\n", "", l->remedy);
	return 0;
}

/* 4 when something is not permitted, 1 when something else is in the way. */
int cmd_doctor(struct cli *c)
{
	struct diagnosis d = { .c = c, .color = cli_colors(c) };
	int err = 0, code;

	if (c->nargs || c->command) {
		cli_error("doctor: takes options only, no '%s'", c->nargs ? c->arg[0] : "--");
		return EXIT_USAGE;
	}
	code = cli_find_processes(c);
	if (code)
		return code;
	if (!c->npid)
		err = utramp_doctor(0, print_line, &d);
	for (int i = 0; i < c->npid && !err; i++) {
		d.machine_told = i > 0;
		d.of_process = false;
		err = utramp_doctor(c->pid[i], print_line, &d);
	}
	if (err)
		return cli_fail(err);
	return d.forbidden ? EXIT_PERMISSION : d.bad ? EXIT_RUNTIME : 0;
}
