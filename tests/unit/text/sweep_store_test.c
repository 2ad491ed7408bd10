/*
 * A sweep that is saved and loaded answers as before; what was damaged is refused, or answers
 * something, but never reads beyond its bytes (sanitizers look on).
 */
#include "base/vec.h"
#include "text/sweep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LO   0x401000ull
#define HI   0x409000ull
#define SIZE 200

/* Two ranges, calls and jumps between them, holes, data in text, a function that jumps anywhere. */
static struct sweep *make(void)
{
	static const uint8_t a[SIZE] = "\x55\x48\x29\xc1\xff\xe1\x90\x90\x90\x90\x90\x90"
				       "\x06\xe8\0\0\0\0\xeb\x10\xc3\xcc\xcc\xcc\xcc\xcc\xcc";
	static const uint8_t b[SIZE] = "\x31\xc0\x75\xfc\xe9\x10\0\0\0\xcc\xcc\xcc\xcc\xcc\xcc\xcc";
	const struct sweep_code code[] = { { LO, a, SIZE }, { HI, b, SIZE } };
	const struct taddr_range func[] = { { LO, LO + 12 },
					    { LO + 12, LO + 40 },
					    { HI, HI + 20 } };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(code, 2, func, 3, NULL, &s), 0);
	return s;
}

/* All that can be asked, of all places. */
static uint64_t answers(const struct sweep *s)
{
	static const taddr_t at[] = { LO, HI };
	uint64_t sum = sweep_stats(s).insns;

	for (unsigned r = 0; r < 2; r++) {
		for (taddr_t p = at[r] - 8; p < at[r] + SIZE + 8; p++) {
			const struct taddr_range *hole;
			taddr_t data = 0;

			sum = sum * 31 + sweep_targets_inside(s, p, p + 1);
			sum = sum * 31 + sweep_may_target(s, p);
			sum = sum * 31 + sweep_jumps_anywhere(s, p, p + 1);
			sum = sum * 31 + sweep_data_inside(s, p, p + 4, &data) + data;
			sum = sum * 31 + sweep_holes(s, p, p + 4, &hole);
		}
	}
	return sum;
}

static void test_round_trip(void **state)
{
	struct sweep *s = make(), *back = NULL;
	void *bytes = NULL, *again = NULL;
	size_t n = 0, m = 0;

	assert_true(sweep_stats(s).data && sweep_stats(s).open);
	assert_int_equal(sweep_save(s, &bytes, &n), 0);
	assert_int_equal(sweep_load(bytes, n, bytes, &back), 0);
	assert_int_equal(answers(s), answers(back));
	assert_int_equal(sweep_save(back, &again, &m), 0);
	assert_int_equal(m, n);
	assert_memory_equal(again, bytes, n);
	free(again);
	sweep_free(back); /* frees bytes */
	sweep_free(s);
}

/* A copy in memory of just its size, so that a byte too many is found. */
static bool load_and_ask(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct sweep *s = NULL;
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	err = sweep_load(copy, n, copy, &s);
	assert_true(!err || err == -EBADMSG);
	if (err) {
		free(copy);
		return false;
	}
	answers(s);
	sweep_free(s);
	return true;
}

static void test_damage(void **state)
{
	struct sweep *s = make();
	uint8_t *bytes = NULL;
	size_t n = 0, refused = 0, tried = 0;

	assert_int_equal(sweep_save(s, (void **)&bytes, &n), 0);
	sweep_free(s);
	for (size_t len = 0; len < n; len++)
		assert_false(load_and_ask(bytes, len));
	for (size_t i = 0; i < n; i++) {
		static const uint8_t with[] = { 1, 0x80, 0xff };

		for (unsigned k = 0; k < sizeof(with); k++) {
			bytes[i] ^= with[k];
			refused += !load_and_ask(bytes, n);
			tried++;
			bytes[i] ^= with[k];
		}
	}
	assert_true(load_and_ask(bytes, n));
	assert_in_range(refused, 100, tried - 1); /* bits of code alone are as good as others */
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("text/sweep_store", tests, NULL, NULL);
}
