/*
 * cli/cmd_code.c - utramp code: the trampoline that a function and objects would get.
 *
 * Nothing is attached and nothing runs: a command is started, looked at and killed; without
 * one the module is a file.
 */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

static const char *const layouts[] = { [UTRAMP_OURS] = "ours", [UTRAMP_SEED] = "seed" };

#define NLAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

bool cli_is_layout(const char *name)
{
	for (size_t i = 0; i < NLAYOUTS; i++) {
		if (!strcmp(name, layouts[i]))
			return true;
	}
	return false;
}

static int print_one(void *ctx, const struct utramp_code_info *i)
{
	struct cli *c = ctx;

	if (c->json)
		fprintf(c->out, "%s\n", i->json);
	else
		fprintf(c->out, "%s%s", c->shown ? "\n" : "", i->text);
	c->shown++;
	return 0;
}

/* Every program that attaches to the function, in the order of the command line. */
static int attach_all(struct cli *c, struct utramp_target *t, struct cli_objects *objects)
{
	int code = cli_check_names(c, objects);

	for (int i = 0; i < objects->n && !code; i++) {
		struct utramp_program *p = NULL;

		code = cli_load(c, objects->obj[i], t);
		while (!code && (p = utramp_object__next_program(objects->obj[i], p)))
			code = cli_attach(c, t, p, c->arg[0]);
	}
	return code;
}

static int show(struct cli *c, struct utramp_target *t)
{
	struct utramp_code_opts opts = { .sz = sizeof(opts), .attached = c->nargs > 1 };
	int n;

	if (c->layout && !strcmp(c->layout, layouts[UTRAMP_SEED]))
		opts.layout = UTRAMP_SEED;
	n = utramp_code(t, c->arg[0], &opts, print_one, c);
	if (n < 0)
		return cli_fail_spec(n);
	if (n)
		return 0;
	cli_error("code: no program of the objects attaches to '%s': bind one with --attach "
		  "PROG=%s",
		  c->arg[0], c->arg[0]);
	return EXIT_NO_MATCH;
}

static int check_usage(const struct cli *c)
{
	if (!c->nargs)
		cli_error("code: the function is missing: [MODULE:]FUNC");
	else if (c->nargs == 1 && (c->nattach || c->ncookie))
		cli_error("code: --attach and --cookie need an object: [MODULE:]FUNC OBJ.bpf.o");
	else
		return 0;
	return EXIT_USAGE;
}

int cmd_code(struct cli *c)
{
	struct cli_objects objects = { .n = 0 };
	struct utramp_target *t = NULL;
	int code = check_usage(c);

	c->looks = true;
	if (!code)
		code = cli_open_objects(c, 1, &objects);
	if (!code)
		t = cli_look(c, c->arg[0], &code);
	if (t)
		code = attach_all(c, t, &objects);
	if (t && !code)
		code = show(c, t);
	cli_close_objects(&objects);
	utramp_target__free(t); /* never resumed: the command does not run */
	return code;
}
