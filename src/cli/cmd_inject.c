/*
 * cli/cmd_inject.c - utramp inject: a value in a function's place.
 *
 * What was done is told at the end: on stderr, or with -j as one object
 * {"calls","injected","seed"}.
 */
#include "cli/cli.h"
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

static int add_all(struct cli *c, struct utramp_inject *in)
{
	struct utramp_attach_opts opts = {
		.sz = sizeof(opts), .missing_ok = c->missing_ok, .missing = cli_missing, .ctx = c
	};

	for (int i = 0; i < c->nargs; i++) {
		const char *value = cut_value(c->arg[i]);
		int n;

		if (!value && !c->inject_errno) {
			size_t len = strlen(c->arg[i]);

			len -= len && c->arg[i][len - 1] == '=';
			cli_error("inject: %s: which value? %.*s=VALUE, or --errno E for -1 or "
				  "NULL with errno",
				  c->arg[i], (int)len, c->arg[i]);
			return EXIT_USAGE;
		}
		n = utramp_inject__add(in, c->arg[i], value, &opts);
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

static int tell(const struct cli *c, const struct utramp_inject *in, uint64_t seed)
{
	unsigned long long calls, injected;
	uint64_t n, of;
	struct json w;
	int err = utramp_inject__calls(in, &of, &n);

	if (err)
		return cli_fail(err);
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
	json_u64(&w, seed);
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

static int inject(struct cli *c, struct utramp_target *t, uint64_t seed)
{
	struct utramp_inject_opts opts = { .sz = sizeof(opts),
					   .from = c->from,
					   .condition = c->condition,
					   .err = c->inject_errno,
					   .after_main = c->after_main,
					   .after = c->after,
					   .chance = c->chance,
					   .seed = seed,
					   .count = c->count };
	struct utramp_inject *in = utramp_inject__new(t, &opts);
	int code = in ? add_all(c, in) : cli_fail_spec(-errno);

	if (!code && c->chance > 0 && c->chance < 1 && !c->seeded)
		cli_info(c, "seed %llu: --seed %llu makes the same choices again",
			 (unsigned long long)seed, (unsigned long long)seed);
	if (!code)
		code = cli_resume(c, t);
	if (!code) {
		code = cli_wait(c, t, drain, NULL);
		tell(c, in, seed);
	}
	utramp_inject__free(in);
	return code;
}

int cmd_inject(struct cli *c)
{
	struct utramp_target *t;
	int code = 0;

	if (!c->nargs) {
		cli_error("inject: the function is missing: utramp inject [MODULE:]FUNC=VALUE -- "
			  "CMD");
		return EXIT_USAGE;
	}
	t = cli_spawn(c, &code);
	if (!t)
		return code;
	code = inject(c, t, c->seeded ? c->seed : new_seed());
	utramp_target__free(t);
	return code;
}
