/*
 * cli/cmd_trace.c - utramp trace: every call of some functions, typed.
 */
#include "cli/cli.h"

#include <errno.h>
#include <string.h>

struct tracing {
	struct cli *c;
	struct utramp_trace *tr;
};

static void print_line(void *ctx, const char *text, size_t n)
{
	struct tracing *t = ctx;

	if (cli_full(t->c))
		return;
	t->c->shown++;
	fwrite(text, 1, n, t->c->out);
	fputc('\n', t->c->out);
}

static int drain(void *arg, bool final)
{
	struct tracing *t = arg;
	int n = utramp_trace__read(t->tr, final, print_line, t);

	if (n < 0)
		cli_fail(n);
	return n;
}

static int add_all(struct tracing *t)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts),
					   .missing_ok = t->c->missing_ok,
					   .missing = cli_missing,
					   .ctx = t->c };

	for (int i = 0; i < t->c->nargs; i++) {
		int n = utramp_trace__add(t->tr, t->c->arg[i], &opts);

		if (n < 0)
			return cli_fail_spec(n);
		cli_passed(t->c, t->c->arg[i]);
	}
	return 0;
}

int cmd_trace(struct cli *c)
{
	struct utramp_trace_opts opts = { .sz = sizeof(opts),
					  .json = c->json,
					  .entry_only = c->entry_only,
					  .lossless = c->lossless,
					  .timestamps = c->timestamps,
					  .strings = c->strings };
	struct tracing t = { .c = c };
	struct utramp_target *target;
	int code = 0;

	if (!c->nargs) {
		cli_error("trace: the function is missing: utramp trace [MODULE:]FUNC -- CMD");
		return EXIT_USAGE;
	}
	target = cli_spawn(c, &code);
	if (!target)
		return code;
	t.tr = utramp_trace__new(target, &opts);
	code = t.tr ? add_all(&t) : cli_fail(-errno);
	if (!code)
		code = cli_resume(c, target);
	if (!code)
		code = cli_wait(c, target, drain, &t);
	utramp_trace__free(t.tr);
	utramp_target__free(target);
	return code;
}
