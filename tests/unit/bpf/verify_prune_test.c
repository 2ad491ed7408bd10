/*
 * verify_prune_test.c - verify.h: what is forgotten where paths meet, and how much work that leaves.
 *
 * A program that is right is accepted whatever is forgotten, by another try (bpf/verify_need.c), so
 * that something was wrongly forgotten shows in the number of tries, and what could have been forgotten
 * in the instructions that were looked at.
 */
#include "verify_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK  "mov r0, 0\nexit\n"
#define END "e: " OK
#define PAD "mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\n"
#define MEET \
	PAD "jeq r8, 2, +0\njeq r8, 3, +0\n" PAD "jeq r8, 4, +0\n" /* of ways that r8 told apart */
#define VALUE          "value r1, 5, 0\n"                          /* 64 bytes */
#define BEGIN          "mov r6, r1\nldxdw r8, [r1+0]\n"
#define EITHER(a_, b_) "jeq r8, 1, +2\n" a_ "ja +1\n" b_ /* one instruction each */

struct work {
	const char *text;
	unsigned tries;
	unsigned most; /* instructions looked at; 0: any number */
	const char *says;
};

static void check(const struct work *w, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++) {
		const struct verify_case c = { .text = w[i].text };
		struct verify_stats s = { 0 };
		struct diag d = { "" };
		int err = verify_text(&c, &d, NULL, &s, NULL);
		bool right = w[i].says ? err && strstr(d.text, w[i].says) : !err;

		if (right && s.tries == w[i].tries && (!w[i].most || s.processed <= w[i].most))
			continue;
		print_error("case %zu:\n%s--> %d '%s', %u tries, %llu processed; want %u, %u\n\n",
			    i, w[i].text, err, d.text, s.tries, (unsigned long long)s.processed,
			    w[i].tries, w[i].most);
		bad++;
	}
	if (bad)
		fail_msg("%u of %zu differ", bad, n);
}
#define CHECK(table_) check(table_, ARRAY_LEN(table_))

/* What counts is kept, so the first try is enough. */
static const struct work kept[] = {
	/* an index, a size, a constant that is asked for, a result */
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 60\n") MEET VALUE "add r1, r7\nldxb r2, [r1+3]\n" OK,
	  1 },
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 61\n") MEET VALUE "add r1, r7\nldxb r2, [r1+3]\n" OK,
	  2, 0, "value_size=64 off=64 size=1" },
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 16\n") MEET "mov r1, r10\nadd r1, -16\nmov r2, r7\n"
							   "mov r3, r8\ncall 112\n" OK,
	  1 },
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 16\n") MEET
	  "map r1, 3\nmov r2, r7\nmov r3, 0\ncall 131\njeq r0, 0, e\nstdw [r0+0], 1\nmov r1, r0\n"
	  "mov r2, 0\ncall 132\n" END,
	  1 },
	{ BEGIN "mov r0, 0\n" EITHER("mov r7, 1\n", "mov r7, 2\n") MEET "exit\n", 1 },
	{ BEGIN EITHER("mov r0, 0\n", "mov r0, 1\n") MEET "exit\n", 2, 0, "smin=1 smax=1" },
	/* what it is computed from, what it is compared with */
	{ BEGIN EITHER("mov r7, 1\n", "mov r7, 2\n") MEET "lsh r7, 4\nadd r7, 4\n" VALUE
							  "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN EITHER("mov r7, 40\n", "mov r7, 60\n") MEET
	  "ldxdw r2, [r6+8]\njgt r2, r7, e\n" VALUE "add r1, r2\nldxb r2, [r1+3]\n" END,
	  1 },
	/* equal numbers: one is compared, the other one is used; also by their lower halves */
	{ BEGIN "ldxdw r7, [r1+8]\nmov r2, r7\n" EITHER("mov r3, 1\n", "mov r3, 2\n") MEET
	  "jgt r2, 63, e\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" END,
	  1 },
	{ BEGIN "ldxw r7, [r1+8]\nmov32 r2, r7\n" EITHER("mov r3, 1\n", "mov r3, 2\n") MEET
	  "jgt32 r2, 63, e\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" END,
	  1 },
	{ BEGIN "ldxdw r7, [r1+8]\nstxdw [r10-8], r7\n" EITHER("mov r3, 1\n", "mov r3, 2\n") MEET
	  "jgt r7, 63, e\nldxdw r2, [r10-8]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" END,
	  1 },
	/* on the stack: a number, one of 4 bytes, a pointer, one that is read through a copy of r10 */
	{ BEGIN EITHER("stdw [r10-8], 8\n", "stdw [r10-8], 9\n") MEET
	  "ldxdw r2, [r10-8]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN EITHER("stw [r10-8], 8\n", "stw [r10-8], 9\n") MEET
	  "ldxw r2, [r10-8]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN EITHER("stw [r10-4], 0\n", "stw [r10-4], 0\n") "stw [r10-8], 7\n" MEET
							       "ldxw r2, [r10-4]\n" VALUE
							       "add r1, r2\nldxb r2, [r1+63]\n" OK,
	  1 },
	{ BEGIN VALUE "stxdw [r10-8], r1\n" EITHER("mov r3, 1\n", "mov r3, 2\n") MEET
	  "ldxdw r1, [r10-8]\nstdw [r1+0], 1\n" OK,
	  1 },
	{ BEGIN "mov r7, r10\nadd r7, -32\n" EITHER("stdw [r10-8], 8\n", "stdw [r10-8], 9\n") MEET
	  "ldxdw r2, [r7+24]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN "mov r7, r10\nstxdw [r10-16], r7\n" EITHER("stdw [r10-8], 8\n", "stdw [r10-8], 9\n")
		  MEET "ldxdw r3, [r10-16]\nldxdw r2, [r3-8]\n" VALUE
		       "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN "ldxdw r7, [r1+8]\nand r7, 8\nadd r7, r10\nstdw [r10-16], 5\n" EITHER(
		  "stdw [r10-8], 8\n", "stdw [r10-8], 9\n") MEET
	  "ldxb r2, [r7-16]\nand r2, 63\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 9\n") MEET
	  "stxw [r10-8], r7\nldxw r2, [r10-8]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	/* a caller's register, a caller's stack that the function is given, its result, its argument */
	{ BEGIN EITHER("mov r7, 8\n", "mov r7, 60\n") "mov r1, r8\ncall local f\n" VALUE
						      "add r1, r7\nldxb r2, [r1+3]\n" OK
						      "f: mov r8, r1\n" MEET "mov r0, 0\nexit\n",
	  1 },
	{ BEGIN EITHER("stdw [r10-8], 8\n",
		       "stdw [r10-8], 9\n") "mov r1, r8\nmov r2, r10\ncall local f\n" OK
					    "f: mov r8, r1\nmov r7, r2\n" MEET
					    "ldxdw r2, [r7-8]\n" VALUE
					    "add r1, r2\nldxb r2, [r1+0]\n" OK,
	  1 },
	{ BEGIN "mov r1, r8\nmov r2, r10\ncall local f\nldxdw r2, [r10-8]\n" VALUE
		"add r1, r2\nldxb r2, [r1+0]\n" OK "f: mov r8, r1\nmov r7, r2\n" EITHER(
			"mov r3, 8\n", "mov r3, 9\n") MEET "stxdw [r7-8], r3\nmov r0, 0\nexit\n",
	  1 },
	{ BEGIN "mov r1, r8\ncall local f\n" VALUE "add r1, r0\nldxb r2, [r1+0]\n" OK
		"f: mov r8, r1\n" EITHER("mov r0, 8\n", "mov r0, 9\n") MEET "exit\n",
	  1 },
	{ BEGIN EITHER("mov r2, 8\n", "mov r2, 60\n") "mov r1, r8\n" MEET "call local f\n" OK
						      "f: " VALUE
						      "add r1, r2\nldxb r2, [r1+3]\n" OK,
	  1 },
	/* what a callback captures */
	{ BEGIN EITHER("stdw [r10-8], 8\n", "stdw [r10-8], 9\n") MEET
	  "mov r1, 10\nfunc r2, f\nmov r3, r10\nmov r4, 0\ncall 181\n" OK
	  "f: ldxdw r2, [r2-8]\n" VALUE "add r1, r2\nldxb r2, [r1+0]\nmov r0, 0\nexit\n",
	  1 },
	/* what ends a loop, in a register and on the stack; how far a loop goes is an index */
	{ "mov r7, 0\na: " PAD PAD "add r7, 1\njlt r7, 40, a\n" OK, 1, 700 },
	{ "stdw [r10-8], 0\na: " PAD PAD
	  "ldxdw r7, [r10-8]\nadd r7, 1\nstxdw [r10-8], r7\njlt r7, 40, a\n" OK,
	  1, 800 },
	{ "mov r7, 0\na: " VALUE "add r1, r7\nstb [r1+0], 1\n" PAD PAD
	  "add r7, 1\njne r7, 64, a\n" OK,
	  1 },
	{ "mov r7, 0\na: jge r7, 40, e\n" PAD PAD "add r7, 1\nja a\n" END, 1, 700 },
	{ "mov r7, 0\na: jlt r7, 40, +1\nja e\n" PAD PAD "add r7, 1\nja a\n" END, 1, 800 },
	/* the same where the way out lies between the body and the test, as clang has it */
	{ "mov r7, 0\nja h\nb: " PAD PAD "add r7, 1\njne r7, 40, h\nx: " OK
	  "h: ldxdw r2, [r1+0]\n" PAD "jeq r2, 0, x\nja b\n",
	  1, 1200 },
	/* a loop within one, whose way out leads on in the other one */
	{ BEGIN "mov r7, 0\no: mov r6, 0\ni: " PAD "jset r8, 1, +0\nadd r6, 1\njeq r6, 5, n\n" PAD
		"jset r8, 2, +0\nja i\nn: add r7, 1\njlt r7, 8, o\n" OK,
	  1, 4000 },
	/* two that begin at the same place */
	{ "mov r7, 0\nmov r6, 0\na: " PAD PAD "add r7, 1\njlt r7, 20, a\nmov r7, 0\nadd r6, 1\n"
	  "jlt r6, 3, a\n" OK,
	  1, 1100 },
};

static void test_kept(void **state)
{
	CHECK(kept);
}

#define ARM(n_) "jset r8, " #n_ ", +1\nadd r7, " #n_ "\n" PAD
#define ARMS    ARM(1) ARM(2) ARM(4) ARM(8) ARM(16) ARM(32) ARM(64) ARM(128) ARM(256) ARM(512)
#define SLOT(n_) \
	"jset r8, " #n_ ", +1\nstdw [r10-8], " #n_ "\njset r8, 1, +1\nstw [r10-12], " #n_ "\n" PAD
#define SLOTS \
	SLOT(1) SLOT(2) SLOT(4) SLOT(8) SLOT(16) SLOT(32) SLOT(64) SLOT(128) SLOT(256) SLOT(512)

#define SUM(n_) "jset r8, " #n_ ", +1\nadd r7, r4\n" PAD "add r4, r4\n"
#define SUMS    SUM(1) SUM(2) SUM(4) SUM(8) SUM(16) SUM(32) SUM(64) SUM(128) SUM(256) SUM(512)

#define KEEP(n_) "jset r8, " #n_ ", +1\nstxdw [r10-8], r6\n" PAD "add r6, 8\n"
#define KEEPS \
	KEEP(1) KEEP(2) KEEP(4) KEEP(8) KEEP(16) KEEP(32) KEEP(64) KEEP(128) KEEP(256) KEEP(512)

/* What does not count is forgotten: a thousand ways are few. */
static const struct work forgotten[] = {
	{ BEGIN "mov r7, 0\n" ARMS OK, 1, 300 },
	{ BEGIN "mov r7, 0\n" ARMS VALUE "stxdw [r1+0], r7\n" OK, 1, 300 },
	{ BEGIN "mov r7, 0\n" ARMS "stxdw [r10-8], r7\nldxdw r2, [r10-8]\n" VALUE
		"stxdw [r1+0], r2\n" OK,
	  1, 300 },
	{ BEGIN "mov r7, 0\n" ARMS "mov r1, r7\ncall 14\n" OK, 1, 300 },
	/* never read again; read as a number; filled by a helper, and by one that reads */
	{ BEGIN "stdw [r10-8], 0\nstw [r10-12], 0\n" SLOTS OK, 1, 400 },
	{ BEGIN "stdw [r10-8], 0\nstw [r10-12], 0\n" SLOTS
		"ldxdw r2, [r10-8]\nldxw r3, [r10-12]\n" VALUE
		"stxdw [r1+0], r2\nstxw [r1+8], r3\n" OK,
	  1, 400 },
	{ BEGIN "stdw [r10-8], 0\nstw [r10-12], 0\n" SLOTS
		"stdw [r10-8], 0\nldxdw r2, [r10-8]\n" VALUE "add r1, r2\nldxb r2, [r1+63]\n" OK,
	  1, 400 },
	/* pointers that are overwritten before anybody reads them */
	{ BEGIN KEEPS "stdw [r10-8], 1\nldxdw r2, [r10-8]\n" OK, 1, 400 },
	/* an argument and a result that nobody looks at */
	{ BEGIN "mov r7, 0\n" ARMS "mov r1, r7\ncall local f\n" VALUE "stxdw [r1+0], r0\n" OK
		"f: mov r0, r1\nadd r0, 1\nexit\n",
	  1, 300 },
	/* no loop ends where what lies before is jumped to */
	{ BEGIN "mov r7, 0\nja m\nx: " OK "m: " ARMS "jeq r7, 77, x\n" OK, 1, 300 },
	/* ways of a function meet where it returns, if nobody asks which one it was */
	{ BEGIN "mov r1, r8\ncall local f\n" PAD PAD PAD PAD OK "f: jeq r1, 2, +0\n" PAD PAD
		"jeq r1, 1, +2\nmov r0, 1\nexit\nmov r0, 2\nexit\n",
	  1, 70 },
};

static void test_forgotten(void **state)
{
	CHECK(forgotten);
}

/* What only a branch tells takes a second try, and the third one forgets nothing. */
static const struct work tries[] = {
	{ BEGIN EITHER("mov r7, 1\n", "mov r7, 0\n") "ldxdw r2, [r6+8]\njgt r2, 63, +1\nja +2\n"
						     "mov r7, 0\nja +1\nmov r9, 0\n" MEET
						     "jeq r7, 0, e\n" VALUE
						     "add r1, r2\nldxb r2, [r1+0]\n" END,
	  2 },
	{ BEGIN "mov r7, 0\nmov r6, 0\njeq r8, 1, m\nmap r1, 3\nmov r2, 8\nmov r3, 0\ncall 131\n"
		"mov r6, r0\njeq r6, 0, e\nmov r7, 1\nm: " MEET
		"jeq r7, 0, e\nmov r1, r6\nmov r2, 0\ncall 132\n" END,
	  2 },
	/* an address that is not used must be near all the same, and the rest is forgotten still */
	{ BEGIN EITHER("mov r7, 1\n", "mov r7, 0\n") MEET VALUE
	  "add r1, r7\nstxdw [r10-8], r1\n" OK,
	  2 },
	{ BEGIN "mov r5, 8\nmov r7, 0\n" ARMS VALUE "add r1, r5\nmov r3, r1\nmov r1, r10\n"
		"add r1, -8\nmov r2, 8\ncall 112\n" OK,
	  2, 500 },
	/* numbers that are added to numbers do not count because of that */
	{ BEGIN "mov r5, 8\nmov r7, 0\nmov r4, 1\n" SUMS VALUE "add r1, r5\nmov r3, r1\n"
		"mov r1, r10\nadd r1, -8\nmov r2, 8\ncall 112\n" VALUE "stxdw [r1+0], r7\n" OK,
	  2, 500 },
};

static void test_tries(void **state)
{
	CHECK(tries);
}

/* Nothing passes by what was forgotten. */
static const struct verify_case never[] = {
	/* the way that is told first is the right one */
	{ BEGIN EITHER("mov r7, 64\n", "mov r7, 0\n") MEET VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64 off=64" },
	{ BEGIN EITHER("mov r7, 0\n", "mov r7, 64\n") MEET VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64 off=64" },
	{ BEGIN EITHER("stdw [r10-8], 0\n", "stdw [r10-8], 64\n") MEET
	  "ldxdw r7, [r10-8]\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64 off=64" },
	{ BEGIN "ldxdw r7, [r6+8]\n" EITHER("stdw [r10-8], 0\n", "stxdw [r10-8], r7\n") MEET
	  "ldxdw r7, [r10-8]\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "" },
	{ BEGIN VALUE "stxdw [r10-8], r1\n" EITHER("mov r7, 0\n", "stdw [r10-8], 0\n") MEET
	  "ldxdw r7, [r10-8]\nstdw [r7+0], 1\n" OK,
	  "R7 invalid mem access 'scalar'" },
	{ BEGIN EITHER("stdw [r10-8], 5\n", "stdw [r10-8], 64\n") MEET
	  "ldxdw r7, [r10-8]\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64 off=64" },
	{ BEGIN EITHER("stdw [r10-8], 64\n", "stdw [r10-8], 5\n") MEET
	  "ldxdw r7, [r10-8]\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64 off=64" },
	/* equal on one way only */
	{ BEGIN "ldxdw r7, [r6+8]\nldxdw r2, [r6+16]\n" EITHER("mov r2, r7\n", "mov r3, 1\n") MEET
	  "jgt r2, 63, e\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" END,
	  "" },
	{ BEGIN "ldxdw r7, [r6+8]\nldxdw r2, [r6+16]\n" EITHER("mov r3, 1\n", "mov r2, r7\n") MEET
	  "jgt r2, 63, e\n" VALUE "add r1, r7\nldxb r2, [r1+0]\n" END,
	  "" },
	/* a caller's stack: what the function leaves there */
	{ BEGIN "stdw [r10-8], 0\nmov r1, r8\nmov r2, r10\ncall local f\nldxdw r2, [r10-8]\n" VALUE
		"add r1, r2\nldxb r2, [r1+0]\n" OK "f: mov r8, r1\nmov r7, r2\n" EITHER(
			"mov r3, 0\n", "stdw [r7-8], 64\n") MEET "mov r0, 0\nexit\n",
	  "value_size=64 off=64" },
	/* a frame that two states share is not changed for both: r7 is known on one way only */
	{ BEGIN "ldxdw r7, [r6+8]\nmov r1, r7\ncall local f\n" VALUE
		"add r1, r7\nldxb r2, [r1+0]\n" OK
		"f: jgt r1, 63, +2\nmov r0, 0\nexit\nmov r0, 1\nexit\n",
	  "" },
	{ BEGIN "ldxdw r7, [r6+8]\nmov r1, r7\ncall local f\njne r0, 0, e\n" VALUE
		"add r1, r7\nldxb r2, [r1+0]\n" END
		"f: jgt r1, 63, +2\nmov r0, 0\nexit\nmov r0, 1\nexit\n",
	  NULL },
	{ BEGIN "stdw [r10-8], 5\nmov r1, r8\nmov r2, r10\ncall local f\nldxdw r2, [r10-8]\n" VALUE
		"add r1, r2\nldxb r2, [r1+0]\n" OK
		"f: jeq r1, 1, +2\nmov r0, 0\nexit\nstdw [r2-8], 64\nmov r0, 0\nexit\n",
	  "value_size=64 off=64" },
	{ BEGIN "stdw [r10-8], 64\nmov r1, r8\nmov r2, r10\ncall local f\nldxdw r2, [r10-8]\n" VALUE
		"add r1, r2\nldxb r2, [r1+0]\n" OK
		"f: jeq r1, 1, +3\nstdw [r2-8], 5\nmov r0, 0\nexit\nmov r0, 0\nexit\n",
	  "value_size=64 off=64" },
};

static void test_never(void **state)
{
	VERIFY_CASES(never);
}

/* What cannot be told ends soon, and says where: more ways open than any program has. */
static void test_too_many_ways(void **state)
{
	const struct verify_case c = {
		.text = "mov r7, 0\na: ldxdw r2, [r1+0]\njeq r2, 1, +0\nadd r7, 1\njlt r7, 100000, a\n" OK
	};
	struct verify_stats s;
	struct diag d = { "" };

	assert_int_equal(verify_text(&c, &d, NULL, &s, NULL), -E2BIG);
	assert_non_null(strstr(d.text, "The sequence of 8193 jumps is too complex."));
	assert_non_null(strstr(d.text, "bpf_loop() callback"));
	assert_true(s.peak_bytes < 64 << 20);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_kept),          cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_tries),         cmocka_unit_test(test_never),
		cmocka_unit_test(test_too_many_ways),
	};

	return cmocka_run_group_tests(all, verify_setup, verify_teardown);
}
