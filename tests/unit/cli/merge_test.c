/*
 * merge_test.c - lines of several processes in order of time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/merge.h"

#include <stdio.h>
#include <string.h>

static char told[256];

static void tell(void *ctx, pid_t pid, const char *text, size_t n)
{
	(void)ctx;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%d%.*s ", (int)pid, (int)n,
		 text);
}

static void expect(struct merge *m, bool all, const char *want)
{
	told[0] = '\0';
	merge_tell(m, all, tell, NULL);
	assert_string_equal(told, want);
}

static void add(struct merge *m, uint64_t at, pid_t pid, const char *text)
{
	assert_int_equal(merge_add(m, at, pid, text, strlen(text)), 0);
}

static void test_order(void **state)
{
	struct merge m = { .seq = 0 };

	merge_begin(&m, 100);
	expect(&m, false, "");
	add(&m, 90, 1, "c");
	add(&m, 101, 1, "d"); /* came while the others were read */
	add(&m, 50, 2, "a");
	add(&m, 90, 2, "c");
	add(&m, 80, 2, "b");
	expect(&m, false, ""); /* another may have one from before: it was read, or will be now */
	merge_begin(&m, 200);
	add(&m, 99, 3, "x");
	expect(&m, false, "2a 2b 1c 2c 3x ");
	expect(&m, false, "");
	merge_begin(&m, 300);
	add(&m, 250, 2, "f");
	add(&m, 150, 3, "e");
	add(&m, 10, 3, "late");
	expect(&m, false, "3late 1d 3e ");
	expect(&m, true, "2f ");
	expect(&m, true, "");
	merge_fini(&m);
}

/* Lines may be of any length, and hold zeros; what waits is freed (by the address sanitizer). */
static void test_texts(void **state)
{
	static char text[100000];
	struct merge m = { .seq = 0 };

	memset(text, 'x', sizeof(text));
	assert_int_equal(merge_add(&m, 1, 1, text, sizeof(text)), 0);
	assert_int_equal(merge_add(&m, 2, 1, "", 0), 0);
	assert_int_equal(merge_tell(&m, true, tell, NULL), 2);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(merge_add(&m, 1000 - i, 1, "\0", 1), 0);
	assert_int_equal(merge_tell(&m, false, tell, NULL), 0);
	merge_fini(&m);
	merge_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
