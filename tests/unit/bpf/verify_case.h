/*
 * verify_case.h - tables of programs with what the verifier says of them.
 *
 * Maps that programs may name, as "map r1, FD" and "value r1, FD, OFF":
 *	1 array of 4 x 64 bytes	2 hash, keys of 8 bytes, values of 16	3 ring buffer
 *	4 .rodata, 64 bytes: byte i is i; at 32 "text\0"; frozen	5 .data, 64 bytes
 *	6 per-CPU array, 8 bytes	7 perf event array	8 stack trace	9 program array
 *	10 hash whose values programs may not read
 * When a program runs, byte i of a value of the arrays, and of the hash's key 0, is i.
 */
#ifndef TESTS_BPF_VERIFY_CASE_H
#define TESTS_BPF_VERIFY_CASE_H

#include "run.h"

#include "bpf/verify.h"

struct verify_case {
	const char *text;
	const char *says; /* part of the reason; NULL: it is accepted */
	enum program_kind kind;
	const struct ctx_desc *ctx;
	bool generated, allow_write;
	/* of its functions in their order, itself first, as many as it has; NULL: nothing is told */
	const struct verify_func *func;
	uint64_t r0; /* of what is accepted, with the context of verify_run.h */
	bool any;    /* it returns what nobody can tell: an address, the time */
	bool no_run; /* it reads the target where there is nothing */
};

/*
 * All of them, and fails with all that differ.  What is accepted is run (verify_run.h).  With
 * UTRAMP_COUNT_CASES they are counted, and told by verify_teardown().
 */
void verify_cases(const struct verify_case *c, size_t n);
bool verify_one(const struct verify_case *c); /* false: told on stderr */
#define VERIFY_CASES(table_) verify_cases((table_), ARRAY_LEN(table_))

/* One; the code, what diag has, statistics and, if log has a level, the log. */
/* As the tool makes it: verified, what is never run taken out. */
int verify_load(const struct verify_case *c, struct program **p, struct diag *d);
int verify_text(const struct verify_case *c, struct diag *d, struct verify_log *log,
		struct verify_stats *stats, const struct verify_prog *limits);

/* Of what verify_cases() has seen so far. */
struct verify_count {
	unsigned cases, accepted, ran, endless;
};
extern struct verify_count verify_count;

int verify_setup(void **state);
int verify_teardown(void **state);

#endif
