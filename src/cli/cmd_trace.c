/*
 * cli/cmd_trace.c - utramp trace: every call of some functions, typed.
 */
#include "cli/cli.h"
#include "utramp/trace.h"

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

/* What was asked for and means nothing; 0, or the exit code. */
static int check_options(const struct cli *c)
{
	const char *why = NULL;

	if (c->entry_only && c->exit_only)
		why = "-e and -x exclude each other";
	else if (c->depth && (c->entry_only || c->exit_only))
		why = "-D counts between entries and exits: not with -e or -x";
	else if (c->json && c->timestamps)
		why = "-t is for the text form: with -j each event has its time_ns";
	else if (c->json && c->color)
		why = "--color is for the text form: not with -j";
	if (why)
		cli_error("trace: %s", why);
	return why ? EXIT_USAGE : 0;
}

static int check_buffers(const struct tracing *t)
{
	const char *unused = utramp_trace__unused(t->tr);

	if (!unused)
		return 0;
	cli_error("trace: --buf %s: no traced function has such arguments; 'utramp list' tells "
		  "what they are called",
		  unused);
	return EXIT_NO_MATCH;
}

int cmd_trace(struct cli *c)
{
	struct utramp_trace_opts opts = { .sz = sizeof(opts),
					  .json = c->json,
					  .entry_only = c->entry_only,
					  .lossless = c->lossless,
					  .timestamps = c->timestamps,
					  .strings = c->strings,
					  .exit_only = c->exit_only,
					  .color = cli_colors(c),
					  .depth = (unsigned)c->depth,
					  .filter = c->filter,
					  .bufs = c->buf,
					  .nbufs = (size_t)c->nbuf,
					  .deny = c->deny,
					  .ndeny = (size_t)c->ndeny };
	struct tracing t = { .c = c };
	struct utramp_target *target;
	int code = 0;

	if (!c->nargs) {
		cli_error("trace: the function is missing: utramp trace [MODULE:]FUNC -- CMD");
		return EXIT_USAGE;
	}
	code = check_options(c);
	if (code)
		return code;
	target = cli_spawn(c, &code);
	if (!target)
		return code;
	t.tr = utramp_trace__new(target, &opts);
	code = t.tr ? add_all(&t) : cli_fail_spec(-errno);
	if (!code)
		code = check_buffers(&t);
	if (!code)
		code = cli_resume(c, target);
	if (!code)
		code = cli_wait(c, target, drain, &t);
	if (c->ran && c->exit_only)
		cli_tell_unwound(c, target);
	utramp_trace__free(t.tr);
	utramp_target__free(target);
	return code;
}
