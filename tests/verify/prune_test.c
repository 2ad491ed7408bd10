/*
 * prune_test.c [PROGRAMS [FIRST]] - what is forgotten, and where paths end early, changes no verdict.
 *
 * Each program of gen.h is judged twice: as always, and on all its paths one by one with nothing
 * forgotten.  What is accepted as always must be accepted so, too, and the other way round; where the
 * paths are too many nothing is compared.
 *
 * "SEED only", a second argument: shows that program, and both logs.
 */
#include "bpf/check.h"
#include "bpf/insn.h"
#include "bpf/verify.h"

#include "gen.h"
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATHS 400000 /* instructions, on all paths */

static struct bpf_insn insn[GEN_MAX_INSNS];
static int ninsns;

static struct {
	unsigned accepted, refused, complex, far, let_pass, lost, tries[4];
	uint64_t processed, all;
} result;

static int judge(const struct program *p, bool all, struct verify_log *log, struct verify_stats *s,
		 struct diag *d)
{
	const struct verify_prog in = { .p = p,
					.arena = world_arena,
					.ctx = &world_ctx,
					.explore_all = all,
					.max_insns = all ? PATHS : 0 };

	return verify_program(&in, log, s, d);
}

static struct program *parse(uint64_t seed)
{
	struct program_attr attr;
	struct program *p = NULL;
	struct diag d = { "" };

	ninsns = gen_program(seed, insn);
	attr = world_attr(insn, ninsns);
	return program_parse(&attr, &p, &d) ? NULL : p;
}

static void say(const char *what, uint64_t seed, const struct diag *d)
{
	char *line = strchr(d->text, '\n');

	printf("# %s: program %lu: %.*s\n", what, (unsigned long)seed,
	       line ? (int)(line - d->text) : 300, d->text);
}

static void one(uint64_t seed)
{
	struct program *p = parse(seed);
	struct verify_stats s = { 0 }, t = { 0 };
	struct diag d = { "" }, e = { "" };
	int as_always, on_all;

	if (!p) {
		result.refused++;
		return;
	}
	as_always = judge(p, false, NULL, &s, &d);
	on_all = judge(p, true, NULL, &t, &e);
	result.accepted += !as_always;
	result.refused += as_always == -EACCES;
	result.tries[s.tries]++;
	result.processed += s.processed;
	result.all += t.processed;
	if (as_always == -E2BIG || on_all == -E2BIG) {
		result.complex++;
	} else if (!as_always && on_all && strstr(e.text, "be out of bounds")) {
		result.far++;
	} else if (!as_always && on_all) {
		result.let_pass++;
		say("let pass", seed, &e);
	} else if (as_always && !on_all) {
		result.lost++;
		say("lost", seed, &d);
	}
	program_put(p);
}

static int only(uint64_t seed)
{
	struct program *p = parse(seed);

	for (int i = 0; i < ninsns;) {
		char text[96];
		int at = i;

		i += (int)program_format_insn(&insn[i], text, sizeof(text));
		printf("# %4d %s\n", at, text);
	}
	for (int all = 0; p && all < 2; all++) {
		struct verify_log log = { .level = 2 };
		struct diag d = { "" };
		int err = judge(p, all, &log, NULL, &d);

		printf("%s\n%s: %s\n\n", log.text ? log.text : "",
		       all ? "on all paths" : "as always", err ? d.text : "accepted");
		verify_log_free(&log);
	}
	program_put(p);
	return 0;
}

static unsigned check(bool right, unsigned nth, const char *what)
{
	printf("%sok %u - %s\n", right ? "" : "not ", nth, what);
	return !right;
}

int main(int argc, char **argv)
{
	unsigned programs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 2000;
	uint64_t first = argc > 2 && strcmp(argv[2], "only") ? strtoull(argv[2], NULL, 0) : 1;
	unsigned bad = 0;

	world_make();
	if (argc > 2 && !strcmp(argv[2], "only"))
		return only(programs);
	printf("TAP version 13\n1..4\n");
	for (unsigned k = 0; k < programs; k++)
		one(first + k);
	printf("# %u programs: %u accepted, %u refused, %u have too many paths; tries: one %u, two %u, "
	       "three %u\n",
	       programs, result.accepted, result.refused, result.complex, result.tries[1],
	       result.tries[2], result.tries[3]);
	printf("# %llu instructions were processed, on all paths %llu; far away, but not used: %u\n",
	       (unsigned long long)result.processed, (unsigned long long)result.all, result.far);
	bad += check(!result.let_pass, 1, "nothing passes that would not on all paths");
	bad += check(!result.lost, 2, "nothing is refused that would pass on all paths");
	bad += check(result.accepted >= programs / 5 && result.refused >= programs / 5, 3,
		     "a fifth at least is accepted, and refused");
	bad += check(result.complex < programs / 10, 4, "of nine in ten all paths are walked");
	return bad != 0;
}
