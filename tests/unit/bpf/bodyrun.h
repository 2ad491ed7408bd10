/*
 * bodyrun.h - run a program as the body of an attachment, guard included, in this process.
 *
 * As inline_test.c does it for the JIT's own parts, but without cmocka, for whoever compares
 * engines (tests/fuzz, tests/conformance).  Programs see a ctx of three slots.
 *
 * Errors   bodyrun_open: false without memory; the others: false, and why is printed
 */
#ifndef TESTS_BODYRUN_H
#define TESTS_BODYRUN_H

#include "bpf/engine.h"

#define BODYRUN_SLOTS 3

struct bodyrun {
	struct arena *arena; /* for program_attr.arena: a guard counts there */
	struct engine_env env;
	void *code; /* executable; the next run overwrites it */
};

bool bodyrun_open(struct bodyrun *b);

/* ctx[-2] and ctx[-1] are words[0] and words[1]. */
#define BODYRUN_WORDS (2 + BODYRUN_SLOTS + 1)

/*
 * Emits p as a body and runs it; *in_line tells whether it stands at its call site.  False:
 * it cannot be emitted, or changed a register that its facts do not name.
 */
bool bodyrun(struct bodyrun *b, struct program *p, const uint64_t words[BODYRUN_WORDS],
	     uint64_t *r0, bool *in_line);

#endif
