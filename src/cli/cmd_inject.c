/*
 * cli/cmd_inject.c - utramp inject: a value in a function's place.
 *
 * What was done is told at the end: on stderr, or with -j as one object
 * {"calls","injected","seed"}.
 */
#include "cli/group.h"
#include "utramp/inject.h"

#include "base/json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Is that '=' of a C++ name whose parameters follow, as in operator==(T, T), or of operator<=>? */
static bool in_operator(const char *spec, const char *eq)
{
	static const char word[] = "operator";
	const char *at = eq;

	while (at > spec && strchr("=<>!+-*/%&|^", at[-1]))
		at--;
	return (eq[1] == '(' || eq[1] == '>') && at - spec >= (long)strlen(word) &&
	       !strncmp(at - strlen(word), word, strlen(word));
}

/*
 * SPEC=VALUE, cut at the first '=' in front of a brace, else at the last one that has a
 * function before it and a value behind; an operator's name may end with one.  NULL: no value.
 */
static const char *cut_value(char *spec)
{
	size_t n = strlen(spec);
	char *eq = strstr(spec, "={");

	if (!eq)
		eq = strrchr(spec, '=');
	if (n > 4 && !strcmp(spec + n - 4, "='='"))
		eq = spec + n - 4;
	if (!eq || eq == spec || eq[-1] == ':' || !eq[1] || in_operator(spec, eq))
		return NULL;
	*eq = '\0';
	return eq + 1;
}

struct injecting {
	struct cli *c;
	struct utramp_inject_opts opts;
	struct cli_group group;
	struct utramp_inject *in[CLI_MAX];
	const char *value[CLI_MAX]; /* of the arguments, cut off them */
	uint64_t calls, injected;   /* -f: of targets that are over */
};

static int cut_all(struct injecting *j)
{
	struct cli *c = j->c;

	for (int i = 0; i < c->nargs; i++) {
		size_t len;

		j->value[i] = cut_value(c->arg[i]);
		if (j->value[i] || c->inject_errno)
			continue;
		len = strlen(c->arg[i]);
		len -= len && c->arg[i][len - 1] == '=';
		cli_error("inject: %s: which value? %.*s=VALUE, or --errno E for -1 or NULL with "
			  "errno",
			  c->arg[i], (int)len, c->arg[i]);
		return EXIT_USAGE;
	}
	return 0;
}

static int add_all(const struct injecting *j, struct utramp_inject *in)
{
	struct cli *c = j->c;
	struct utramp_attach_opts opts = {
		.sz = sizeof(opts), .missing_ok = c->missing_ok, .missing = cli_missing, .ctx = c
	};

	for (int i = 0; i < c->nargs; i++) {
		int n = utramp_inject__add(in, c->arg[i], j->value[i], &opts);

		if (n < 0)
			return cli_fail_spec(n);
		cli_passed(c, c->arg[i]);
	}
	return 0;
}

static int drain(void *arg, bool final)
{
	(void)arg;
	(void) final;
	return 0; /* nothing comes in; what was done is counted */
}

/* The sums of all processes. */
static int count_calls(const struct injecting *j, uint64_t *of, uint64_t *n)
{
	*of = j->calls;
	*n = j->injected;
	for (int i = 0; i < j->group.n; i++) {
		uint64_t calls, injected;
		int err = utramp_inject__calls(j->in[i], &calls, &injected);

		if (err)
			return cli_fail(err);
		*of += calls;
		*n += injected;
	}
	return 0;
}

static int tell(const struct injecting *j)
{
	const struct cli *c = j->c;
	unsigned long long calls, injected;
	uint64_t n, of;
	struct json w;
	int code = count_calls(j, &of, &n);

	if (code)
		return code;
	calls = of;
	injected = n;
	if (!c->json) {
		if (!injected && !c->from)
			cli_info(c,
				 "no call from the executable%s%s; --from '*' lets in those from "
				 "libraries, too",
				 c->condition ? " that --if lets in" : "",
				 calls ? " was chosen" : "");
		cli_error("injected %llu of %llu call%s%s", injected, calls, cli_plural(calls),
			  c->from ? "" : " from the executable");
		return 0;
	}
	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "calls");
	json_u64(&w, calls);
	json_key(&w, "injected");
	json_u64(&w, injected);
	json_key(&w, "seed");
	json_u64(&w, j->opts.seed);
	json_close(&w, '}');
	fprintf(c->out, "%s\n", w.buf);
	json_fini(&w);
	return 0;
}

/* Small enough to be typed again. */
static uint64_t new_seed(void)
{
	uint32_t seed = 0;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = 1;
	return seed % 1000000;
}

static int set_up(void *arg, struct utramp_target *t, int i)
{
	struct injecting *j = arg;
	struct utramp_inject *in = utramp_inject__new(t, &j->opts);
	int code = in ? add_all(j, in) : cli_fail_spec(-errno);

	if (code)
		utramp_inject__free(in);
	else
		j->in[i] = in;
	return code;
}

/* -f: its sums are kept. */
static void part(void *arg, int i, bool used)
{
	struct injecting *j = arg;
	uint64_t calls, injected;

	if (used && !utramp_inject__calls(j->in[i], &calls, &injected)) {
		j->calls += calls;
		j->injected += injected;
	}
	utramp_inject__free(j->in[i]);
	j->in[i] = j->in[j->group.n - 1];
}

/* What counts calls counts them in one process; 0, or the exit code. */
static int check_several(const struct injecting *j)
{
	const struct cli *c = j->c;

	if ((c->npid < 2 && !c->follow) || (!c->count && !c->after))
		return 0;
	cli_error("inject: %s counts the calls of one process: not with several; run utramp once "
		  "for each",
		  c->count ? "--count" : "--after");
	return EXIT_USAGE;
}

static int inject(struct injecting *j)
{
	struct cli *c = j->c;
	unsigned long long seed = j->opts.seed;
	int code = cli_check_pid(c);

	if (!code)
		code = cut_all(j);
	if (!code)
		code = cli_find_processes(c);
	if (!code)
		code = check_several(j);
	j->group.part = part;
	if (!code)
		code = cli_group_start(&j->group, c);
	if (!code)
		code = cli_group_each(&j->group, set_up, j);
	if (!code && c->chance > 0 && c->chance < 1 && !c->seeded)
		cli_info(c, "seed %llu: --seed %llu makes the same choices again", seed, seed);
	if (!code)
		code = cli_group_resume(&j->group);
	if (!code) {
		code = cli_group_wait(&j->group, drain, NULL);
		tell(j);
	}
	for (int i = 0; i < j->group.n; i++)
		utramp_inject__free(j->in[i]);
	cli_group_free(&j->group);
	return code;
}

int cmd_inject(struct cli *c)
{
	static struct injecting j;

	if (!c->nargs) {
		cli_error("inject: the function is missing: utramp inject [MODULE:]FUNC=VALUE -- "
			  "CMD");
		return EXIT_USAGE;
	}
	j.c = c;
	j.opts = (struct utramp_inject_opts){ .sz = sizeof(j.opts),
					      .from = c->from,
					      .condition = c->condition,
					      .err = c->inject_errno,
					      .after_main = c->after_main,
					      .after = c->after,
					      .chance = c->chance,
					      .seed = c->seeded ? c->seed : new_seed(),
					      .count = c->count };
	return inject(&j);
}
