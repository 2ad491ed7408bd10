/*
 * hist_test.c - histograms by powers of two, as text and JSON.
 */
#include "gen/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BAR52 "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define GAP52 "                                                    "

typedef void (*form_fn)(struct json *w, const uint64_t *bucket, unsigned n);

static void expect(form_fn form, const uint64_t *bucket, unsigned n, const char *want)
{
	struct json w;

	json_init(&w);
	form(&w, bucket, n);
	assert_false(w.failed);
	assert_string_equal(w.buf ? w.buf : "", want);
	json_fini(&w);
}

static void rows_between_the_first_and_the_last(void **state)
{
	const uint64_t b[12] = { [2] = 4, [4] = 8 };

	expect(gen_hist_text, b, 12,
	       "[4, 8)                  4 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
	       "[8, 16)                 0 |" GAP52 "|\n"
	       "[16, 32)                8 |" BAR52 "|\n");
	expect(gen_hist_json, b, 12,
	       "[{\"min\":4,\"max\":7,\"count\":4},{\"min\":8,\"max\":15,\"count\":0},"
	       "{\"min\":16,\"max\":31,\"count\":8}]");
}

static void bucket_zero_has_zero(void **state)
{
	const uint64_t b[1] = { 3 };

	expect(gen_hist_text, b, 1, "[0, 2)                  3 |" BAR52 "|\n");
	expect(gen_hist_json, b, 1, "[{\"min\":0,\"max\":1,\"count\":3}]");
}

static void units(void **state)
{
	static const struct {
		unsigned bucket;
		const char *range;
	} row[] = {
		{ 8, "[256, 512) " },  { 9, "[512, 1K) " },  { 10, "[1K, 2K) " },
		{ 19, "[512K, 1M) " }, { 20, "[1M, 2M) " },  { 30, "[1G, 2G) " },
		{ 40, "[1T, 2T) " },   { 50, "[1P, 2P) " },  { 59, "[512P, 1E) " },
		{ 60, "[1E, 2E) " },   { 63, "[8E, 16E) " },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint64_t b[64] = { 0 };
		struct json w;

		b[row[i].bucket] = 1;
		json_init(&w);
		gen_hist_text(&w, b, 64);
		assert_memory_equal(w.buf, row[i].range, strlen(row[i].range));
		assert_int_equal(strlen(w.buf), 16 + 1 + 8 + 2 + 52 + 2);
		json_fini(&w);
	}
}

static void extremes(void **state)
{
	uint64_t b[70] = { 0 };

	expect(gen_hist_text, b, 64, "");
	expect(gen_hist_text, NULL, 0, "");
	expect(gen_hist_json, b, 64, "[]");
	b[63] = UINT64_MAX;
	b[62] = 1; /* a sliver, not a place of the bar */
	b[64] = 7; /* no value's bucket */
	expect(gen_hist_text, b, 70,
	       "[4E, 8E)                            1 |" GAP52 "|\n"
	       "[8E, 16E)        18446744073709551615 |" BAR52 "|\n");
	expect(gen_hist_json, b, 70,
	       "[{\"min\":4611686018427387904,\"max\":9223372036854775807,\"count\":1},"
	       "{\"min\":9223372036854775808,\"max\":18446744073709551615,"
	       "\"count\":18446744073709551615}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_between_the_first_and_the_last),
		cmocka_unit_test(bucket_zero_has_zero),
		cmocka_unit_test(units),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
