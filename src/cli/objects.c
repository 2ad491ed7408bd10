/*
 * cli/objects.c - the objects on the command line, their programs bound as the options say.
 */
#include "cli/cli.h"
#include "utramp/verify.h"
#include "utramp/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct utramp_object *cli_open_object(const struct cli *c, const char *path, int *code)
{
	struct utramp_object_opts opts = { .sz = sizeof(opts), .lossless = c->lossless };
	struct utramp_object *o = utramp_object__open_file(path, &opts);
	int err = o ? utramp_object__set_log_level(o, c->log_level) : -errno;

	if (!err) {
		utramp_object__allow_write(o, c->allow_write);
		return o;
	}
	*code = cli_fail_file(err);
	utramp_object__close(o);
	return NULL;
}

int cli_open_objects(const struct cli *c, int first, struct cli_objects *o)
{
	int code = 0;

	for (int i = first; i < c->nargs; i++) {
		o->obj[o->n] = cli_open_object(c, c->arg[i], &code);
		if (!o->obj[o->n])
			return code;
		o->n++;
	}
	return 0;
}

void cli_close_objects(struct cli_objects *o)
{
	for (int i = 0; i < o->n; i++)
		utramp_object__close(o->obj[i]);
	o->n = 0;
}

static int check_list(const struct cli_objects *o, const char *option, const struct cli_pair *list,
		      int n)
{
	for (int i = 0; i < n; i++) {
		bool found = false;

		for (int k = 0; k < o->n; k++) {
			struct utramp_program *p = NULL;

			while ((p = utramp_object__next_program(o->obj[k], p)))
				found |= !strcmp(utramp_program__name(p), list[i].key);
		}
		if (!found) {
			cli_error("%s: no program '%s' in the objects", option, list[i].key);
			return EXIT_NO_MATCH;
		}
	}
	return 0;
}

int cli_check_names(const struct cli *c, const struct cli_objects *o)
{
	int code = check_list(o, "--attach", c->attach, c->nattach);

	return code ? code : check_list(o, "--cookie", c->cookie, c->ncookie);
}

int cli_bind(const struct cli *c, struct utramp_object *o)
{
	struct utramp_program *p = NULL;
	int err = 0;

	while ((p = utramp_object__next_program(o, p))) {
		for (int i = 0; i < c->nattach && !err; i++) {
			if (strcmp(c->attach[i].key, utramp_program__name(p)) != 0)
				continue;
			/* off by its section ("?fentry"), it is on when --attach names it */
			err = utramp_program__set_autoload(p, true);
			if (!err)
				err = utramp_program__add_target(p, c->attach[i].value);
		}
		if (err)
			return cli_fail_spec(err);
	}
	return 0;
}

void cli_tell_logs(const struct cli *c, const struct utramp_object *o)
{
	struct utramp_program *p = NULL;

	while (c->log_level && (p = utramp_object__next_program(o, p))) {
		struct utramp_verdict v = { .sz = sizeof(v) };
		char *text;

		if (utramp_program__verdict(p, &v))
			continue;
		text = strdup(v.log);
		cli_error("log of program %s:", utramp_program__name(p));
		if (text)
			cli_lines(text);
		free(text);
	}
}

int cli_load(const struct cli *c, struct utramp_object *o, struct utramp_target *t)
{
	struct utramp_program *p = NULL;
	int code = cli_bind(c, o), err;

	if (code)
		return code;
	err = utramp_object__load(o, t);
	while (!err && (p = utramp_object__next_program(o, p)))
		if (utramp_program__writes(p))
			cli_info(c,
				 "program %s calls bpf_probe_write_user(), which may corrupt the "
				 "target's memory",
				 utramp_program__name(p));
	/* ENOENT: the function whose module should have the types */
	code = err == -ENOENT ? cli_fail_spec(err) : err ? cli_fail(err) : 0;
	cli_tell_logs(c, o);
	return code;
}

/* 0, or -errno with its reason in utramp_error(). */
static int attach_to(struct cli *c, struct utramp_target *t, struct utramp_program *p,
		     const char *spec, const char *within)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts),
					   .missing_ok = c->missing_ok,
					   .missing = cli_missing,
					   .ctx = c,
					   .within = within };

	for (int i = 0; i < c->ncookie; i++) {
		if (!strcmp(c->cookie[i].key, utramp_program__name(p)))
			opts.cookie = strtoull(c->cookie[i].value, NULL, 0);
	}
	if (!utramp_program__attach(p, t, spec, &opts))
		return -errno;
	if (!within)
		cli_passed(c, spec ? spec : utramp_program__section(p));
	return 0;
}

/* "fentry", "fexit.s": nothing behind a slash. */
static bool is_bare(const struct utramp_program *p)
{
	return !strchr(utramp_program__section(p), '/');
}

int cli_attach(struct cli *c, struct utramp_target *t, struct utramp_program *p, const char *within)
{
	bool named = false;
	int err = 0;

	for (int i = 0; i < c->nattach && !err; i++) {
		if (strcmp(c->attach[i].key, utramp_program__name(p)) != 0)
			continue;
		named = true;
		err = attach_to(c, t, p, c->attach[i].value, within);
	}
	if (!named && utramp_program__autoload(p) && !(within && is_bare(p))) {
		err = attach_to(c, t, p, NULL, within);
		if (within && err == -ENOENT) /* it is about another program */
			err = 0;
	}
	return err ? cli_fail_spec(err) : 0;
}
