/*
 * cli/cmd_trace.c - utramp trace: every call of some functions, typed.
 */
#include "cli/group.h"
#include "cli/merge.h"
#include "utramp/trace.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct tracing {
	struct cli *c;
	struct utramp_trace_opts opts;
	struct cli_group group;
	struct utramp_trace *tr[CLI_MAX];
	int at, err; /* whose lines are read; several: the first error of keeping them */
	struct merge merge;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void print_line(void *ctx, const char *text, size_t n)
{
	struct tracing *t = ctx;

	if (cli_full(t->c))
		return;
	t->c->shown++;
	fwrite(text, 1, n, t->c->out);
	fputc('\n', t->c->out);
}

/* JSON has the pid already. */
static void print_merged(void *ctx, pid_t pid, const char *text, size_t n)
{
	struct tracing *t = ctx;

	if (!t->c->json && !cli_full(t->c))
		fprintf(t->c->out, "[pid %d] ", (int)pid);
	print_line(t, text, n);
}

static void keep_line(void *ctx, const char *text, size_t n)
{
	struct tracing *t = ctx;
	int err = merge_add(&t->merge, utramp_trace__line_time(t->tr[t->at]),
			    utramp_trace__line_pid(t->tr[t->at]), text, n);

	t->err = t->err ? t->err : err;
}

static int drain_several(struct tracing *t, bool final)
{
	merge_begin(&t->merge, now_ns());
	for (t->at = 0; t->at < t->group.n; t->at++) {
		int n = utramp_trace__read(t->tr[t->at], final, keep_line, t);

		if (n < 0)
			return cli_fail(n), n;
	}
	if (t->err) {
		cli_error("no memory for lines of several processes");
		return t->err;
	}
	return merge_tell(&t->merge, final, print_merged, t);
}

static int drain(void *arg, bool final)
{
	struct tracing *t = arg;
	int n;

	if (t->group.several)
		return drain_several(t, final);
	n = utramp_trace__read(t->tr[0], final, print_line, t);
	if (n < 0)
		cli_fail(n);
	return n;
}

/* -f: what is left of it is kept, in order. */
static void part(void *arg, int i, bool used)
{
	struct tracing *t = arg;
	int n;

	t->at = i;
	n = used ? utramp_trace__read(t->tr[i], true, keep_line, t) : 0;
	if (n < 0)
		cli_fail(n);
	utramp_trace__free(t->tr[i]);
	t->tr[i] = t->tr[t->group.n - 1];
}

static int add_all(struct tracing *t, struct utramp_trace *tr)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts),
					   .missing_ok = t->c->missing_ok,
					   .missing = cli_missing,
					   .ctx = t->c };

	for (int i = 0; i < t->c->nargs; i++) {
		int n = utramp_trace__add(tr, t->c->arg[i], &opts);

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

static int check_buffers(const struct cli *c, const struct utramp_trace *tr)
{
	const char *unused = c->follow ? NULL : utramp_trace__unused(tr);

	if (!unused)
		return 0;
	cli_error("trace: --buf %s: no traced function has such arguments; 'utramp list' tells "
		  "what they are called",
		  unused);
	return EXIT_NO_MATCH;
}

static int set_up(void *arg, struct utramp_target *target, int i)
{
	struct tracing *t = arg;
	struct utramp_trace *tr = utramp_trace__new(target, &t->opts);
	int code = tr ? add_all(t, tr) : cli_fail_spec(-errno);

	if (!code)
		code = check_buffers(t->c, tr);
	if (code)
		utramp_trace__free(tr);
	else
		t->tr[i] = tr;
	return code;
}

static int trace(struct tracing *t)
{
	struct cli *c = t->c;
	int code;

	t->group.part = part;
	code = cli_group_start(&t->group, c);

	if (t->group.several) /* each has a first event of its own */
		t->opts.since_ns = now_ns();
	if (!code)
		code = cli_group_each(&t->group, set_up, t);
	if (!code)
		code = cli_group_resume(&t->group);
	if (!code)
		code = cli_group_wait(&t->group, drain, t);
	if (c->ran && c->exit_only)
		cli_group_tell_unwound(&t->group);
	for (int i = 0; i < t->group.n; i++)
		utramp_trace__free(t->tr[i]);
	cli_group_free(&t->group);
	merge_fini(&t->merge);
	return code;
}

int cmd_trace(struct cli *c)
{
	static struct tracing t;
	int code;

	t.c = c;
	t.opts = (struct utramp_trace_opts){ .sz = sizeof(t.opts),
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
	if (!c->nargs) {
		cli_error("trace: the function is missing: utramp trace [MODULE:]FUNC -- CMD");
		return EXIT_USAGE;
	}
	code = check_options(c);
	return code ? code : trace(&t);
}
