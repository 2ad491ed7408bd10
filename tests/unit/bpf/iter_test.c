/*
 * iter_test.c - bpf_iter_num_new, _next, _destroy and bpf_rdonly_cast in both engines.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/kfunc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NEW     "call kfunc 0x10004\n"
#define NEXT    "call kfunc 0x10005\n"
#define DESTROY "call kfunc 0x10006\n"
#define CAST    "call kfunc 0x10007\n"

#define AT_16 "mov r1, r10\nadd r1, -16\n" /* where the iterator is */

static const struct engine_env no_env;

static uint64_t both(const char *text)
{
	struct interp_opts o = { .checked = true };
	struct program *p = run_load_text(PROGRAM_PLAIN, text);
	uint64_t r0 = run_both(p, &no_env, NULL, 0), checked = 0;
	struct diag d = { "" };

	if (interp_run(p, &no_env, 0, 0, &o, &checked, &d))
		fail_msg("%s, for:\n%s", d.text, text);
	assert_int_equal(checked, r0);
	program_put(p);
	return r0;
}

/* What new() gives; and what is in the iterator then, as two numbers. */
static void test_new(void **state)
{
	static const struct {
		int32_t start, end;
		int64_t r0;
		int32_t number, last;
	} c[] = {
		{ 0, 10, 0, -1, 10 },
		{ 5, 5, 0, 4, 5 },
		{ -7, -3, 0, -8, -3 },
		{ 1, 0, -EINVAL, 0, 0 },
		{ INT_MAX, INT_MIN, -EINVAL, 0, 0 },
		{ INT_MIN, INT_MAX, -E2BIG, 0, 0 },
		{ 0, 0x800000, 0, -1, 0x800000 },
		{ 0, 0x800001, -E2BIG, 0, 0 },
		{ -1, 0x800000, -E2BIG, 0, 0 },
		{ INT_MIN, INT_MIN + 3, 0, INT_MAX, INT_MIN + 3 },
		{ INT_MAX - 1, INT_MAX, 0, INT_MAX - 2, INT_MAX },
	};
	char text[512];

	for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
		/* what is in the upper halves is no part of an int */
		sprintf(text,
			"stdw [r10-16], 77\nstdw [r10-8], 99\nstdw [r10-24], 99\n" AT_16
			"lddw r2, 0x5%08x\nlddw r3, 0x6%08x\n" NEW,
			(uint32_t)c[i].start, (uint32_t)c[i].end);
		strcpy(text + strlen(text), "exit\n");
		assert_int_equal(both(text), c[i].r0);
		strcpy(text + strlen(text) - 5, "ldxsw r0, [r10-16]\nexit\n");
		assert_int_equal((int64_t)both(text), c[i].number);
		strcpy(text + strlen(text) - 24, "ldxsw r0, [r10-12]\nexit\n");
		assert_int_equal((int64_t)both(text), c[i].last);
		strcpy(text + strlen(text) - 24,
		       "ldxdw r0, [r10-8]\nldxdw r1, [r10-24]\nadd r0, r1\nexit\n");
		assert_int_equal(both(text), 198);
	}
}

/* Sums up what next() gives, and counts in millions. */
static uint64_t sum(int32_t start, int32_t end)
{
	char text[512];

	sprintf(text,
		AT_16 "mov r2, %d\nmov r3, %d\n" NEW "mov r6, 0\nmov r7, 0\n"
		      "again: " AT_16 NEXT "jeq r0, 0, end\nldxsw r1, [r0+0]\nadd r6, r1\n"
		      "add r7, 1\nja again\nend: " AT_16 DESTROY
		      "jne r0, 0, bad\nldxdw r1, [r10-16]\njne r1, 0, bad\n" AT_16 NEXT
		      "jne r0, 0, bad\nmov r0, r7\nmul r0, 1000000\nadd r0, r6\nexit\n"
		      "bad: mov r0, -1\nexit\n",
		start, end);
	return both(text);
}

static void test_next(void **state)
{
	assert_int_equal(sum(0, 10), 10000045);
	assert_int_equal(sum(-4, 3), 7000000 - 7);
	assert_int_equal(sum(7, 7), 0);
	assert_int_equal(sum(7, 6), 0);
	assert_int_equal(sum(0, 0x800001), 0);
	assert_int_equal(sum(INT_MAX - 3, INT_MAX), 3000000 + 3ll * INT_MAX - 6);
	assert_int_equal((int64_t)sum(INT_MIN, INT_MIN + 2), 2000000 + 2ll * INT_MIN + 1);
}

static void test_destroyed_early(void **state)
{
	assert_int_equal(both(AT_16 "mov r2, 3\nmov r3, 9\n" NEW AT_16 NEXT
				    "ldxw r6, [r0+0]\n" AT_16 NEXT
				    "ldxw r7, [r0+0]\n" AT_16 DESTROY AT_16 NEXT
				    "jne r0, 0, +2\nmov r0, r6\nadd r0, r7\nexit\n"),
			 7);
}

static void test_cast(void **state)
{
	uint64_t word = 0x1234;
	struct program *p;

	assert_int_equal(both("lddw r1, 0x123456789ab\nmov r2, 0\n" CAST "exit\n"), 0x123456789ab);
	p = run_load_text(PROGRAM_PLAIN, "mov r2, 17\n" CAST "ldxdw r0, [r0+0]\nexit\n");
	assert_int_equal(run_both(p, &no_env, &word, sizeof(word)), 0x1234);
	program_put(p);
}

static void refused(const char *text, const char *why)
{
	int err;
	const char *said = run_refused(PROGRAM_FENTRY, text, &err);

	if (err != -EACCES || !strstr(said, why))
		fail_msg("%d '%s', for:\n%s", err, said, text);
}

static void test_checks(void **state)
{
	refused("mov r2, 0\nmov r3, 1\n" NEW "exit\n", "r1 is not an iterator on the stack");
	refused(NEXT "exit\n", "insn 0 (call bpf_iter_num_next#65541): r1 is not an iterator");
	refused(AT_16 "mov r2, 0\n" NEW "exit\n", "r3 is read, but was never set");
	refused(AT_16 NEXT AT_16 NEXT "mov r0, r1\nexit\n", "r1 is read, but was never set");
	refused(CAST "exit\n", "r2 is read");
	refused("mov r1, r10\nadd r1, -520\n" NEXT "exit\n", "address outside the stack");
	refused("mov r6, r1\nmov r2, 0\n" CAST "stxdw [r6+0], r0\nexit\n", "read-only");
}

static void test_facts(void **state)
{
	struct program *p =
		run_load_text(PROGRAM_FENTRY, "ldxdw r6, [r1+8]\n" AT_16
					      "mov r2, 0\nmov r3, 1\n" NEW AT_16 NEXT AT_16 DESTROY
					      "mov r0, 0\nexit\n");

	assert_int_equal(p->facts.reads[0], 2);
	assert_false(p->facts.ctx_escapes || p->facts.reads_any);
	assert_int_equal(p->sub[0].stack, 16);
	assert_int_equal(p->facts.clobbers, X86_CALLER_SAVED);
	program_put(p);
	p = run_load_text(PROGRAM_FENTRY, "mov r2, 0\n" CAST "ldxdw r0, [r0+8]\nmov r0, 0\nexit\n");
	assert_true(p->facts.ctx_escapes);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_destroyed_early),
		cmocka_unit_test(test_cast),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
