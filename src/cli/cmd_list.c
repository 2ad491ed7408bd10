/*
 * cli/cmd_list.c - utramp list and check: what can be traced, how, and why not.
 */
#include "cli/cli.h"

#include <errno.h>

struct listing {
	struct cli *c;
	unsigned refused;
};

static const char *how(const struct utramp_func_info *f)
{
	if (f->entry && f->exit)
		return "entry, exit";
	return f->entry ? "entry" : "not traceable";
}

static int print_row(void *ctx, const struct utramp_func_info *f)
{
	struct listing *l = ctx;
	FILE *out = l->c->out;

	if (l->c->json) {
		fprintf(out, "%s\n", f->json);
		return 0;
	}
	fprintf(out, "%s:%s  %s", f->module, f->func, f->entry ? f->site : "-");
	if (f->proto)
		fprintf(out, "  %s", f->proto);
	if (f->reason && (!f->entry || l->c->verbose))
		fprintf(out, "  [%s: %s]", how(f), f->reason);
	fputc('\n', out);
	return 0;
}

static int print_check(void *ctx, const struct utramp_func_info *f)
{
	struct listing *l = ctx;
	FILE *out = l->c->out;

	l->refused += !f->entry;
	if (l->c->json) {
		fprintf(out, "%s\n", f->json);
		return 0;
	}
	fprintf(out, "%s:%s\n", f->module, f->func);
	fprintf(out, "  address    %#llx, %llu bytes\n", (unsigned long long)f->addr,
		(unsigned long long)f->size);
	fprintf(out, "  prototype  %s\n", f->proto ? f->proto : "unknown");
	fprintf(out, "  types      %s%s%s\n", f->types_from, f->types_file ? ", " : "",
		f->types_file ? f->types_file : "");
	fprintf(out, "  site       %s\n", f->site ? f->site : "none");
	fprintf(out, "  attach     %s\n", how(f));
	if (f->reason)
		fprintf(out, "  reason     %s\n", f->reason);
	return 0;
}

typedef int (*print_fn)(void *ctx, const struct utramp_func_info *f);

static int list_all(struct listing *l, struct utramp_target *const *t, int nt, print_fn print)
{
	int n = 0;

	for (int i = 0; i < l->c->nargs && n >= 0; i++)
		n = utramp_list(nt > 1 ? t[i] : t[0], l->c->arg[i], print, l);
	return n >= 0 ? 0 : !t[0] && n == -EACCES ? cli_fail_file(n) : cli_fail_spec(n);
}

static int each_spec(struct listing *l, print_fn print)
{
	struct utramp_target *t[CLI_MAX] = { NULL }; /* one for all, or one for each, or none */
	int code = 0, n = 1;

	l->c->looks = true;
	if (!l->c->nargs) {
		cli_error("%s: the function is missing: [MODULE:]FUNC", l->c->verb);
		return EXIT_USAGE;
	}
	if (l->c->command) {
		t[0] = cli_spawn(l->c, &code);
		if (!t[0])
			return code;
	} else if (cli_gives_types(l->c)) {
		n = l->c->nargs;
		code = cli_look_all(l->c, t);
	}
	if (!code)
		code = list_all(l, t, n, print);
	for (int i = 0; i < n; i++)
		utramp_target__free(t[i]); /* never resumed: the command does not run */
	return code;
}

int cmd_list(struct cli *c)
{
	struct listing l = { .c = c };

	return each_spec(&l, print_row);
}

/* Exit status 1 when a function cannot be traced, so that scripts can ask. */
int cmd_check(struct cli *c)
{
	struct listing l = { .c = c };
	int code = each_spec(&l, print_check);

	return code ? code : l.refused ? EXIT_RUNTIME : 0;
}
