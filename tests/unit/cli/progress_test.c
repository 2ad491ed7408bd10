/*
 * progress_test.c - when progress is told, and in which words; time is what the test says.
 */
#include "cli_util.h"

#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

static void test_when(void **state)
{
	struct cli_progress p = { .begun = 5000 * MS };

	assert_false(cli_progress_due(&p, 5000 * MS));
	assert_false(cli_progress_due(&p, 5999 * MS));
	assert_true(cli_progress_due(&p, 6000 * MS));
	assert_false(cli_progress_due(&p, 6000 * MS)); /* at most once a second */
	assert_false(cli_progress_due(&p, 6999 * MS));
	assert_true(cli_progress_due(&p, 7500 * MS));
	assert_false(cli_progress_due(&p, 8499 * MS));
	assert_true(cli_progress_due(&p, 8500 * MS));
}

static void test_words(void **state)
{
	char text[96];
	int n = cli_progress_text(text, sizeof(text), 1200, 5363, false);

	assert_string_equal(text, "utramp: attaching: 1200 of 5363 functions\n");
	assert_int_equal(n, strlen(text));
	cli_progress_text(text, sizeof(text), 0, 1, false);
	assert_string_equal(text, "utramp: attaching: 0 of 1 function\n");
	cli_progress_text(text, sizeof(text), 1200, 5363, true);
	assert_string_equal(text, "\rutramp: attaching: 1200 of 5363 functions\033[K");
	n = cli_progress_text(text, sizeof(text), UINT32_MAX, UINT32_MAX, true);
	assert_true(n < (int)sizeof(text));
}

/* Without a line that stands there, a message is as ever. */
static void test_nothing_to_end(void **state)
{
	struct heard h;

	heard_begin(&h);
	cli_progress_end();
	cli_error("%s", "one");
	heard_end(&h);
	assert_string_equal(h.text, "utramp: one\n");
	free(h.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_nothing_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
