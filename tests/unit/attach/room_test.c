/* room_test.c - the allocator of a slab's room, against a map of its bytes. */
#include "attach/room.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LO    0x7f0000001000ull
#define SIZE  (64u << 10)
#define UNITS (SIZE / ROOM_UNIT)

static struct code_room fresh(void)
{
	return (struct code_room){ .lo = LO, .hi = LO + SIZE, .next = LO };
}

static taddr_t take(struct code_room *r, uint64_t n, uint64_t align)
{
	taddr_t at = room_find(r, n, align);

	if (at)
		assert_int_equal(room_take(r, at, n), 0);
	return at;
}

static void test_upwards(void **state)
{
	struct code_room r = fresh();

	assert_int_equal(take(&r, 10, 16), LO);
	assert_int_equal(take(&r, 16, 64), LO + 64);
	assert_int_equal(take(&r, 100, 16), LO + 80);
	assert_int_equal(room_top(&r, 64), LO + 192);
	assert_int_equal(room_left(&r), SIZE - 192);
	assert_int_equal(room_find(&r, SIZE, 16), 0);
	assert_int_equal(room_take(&r, LO + 192, SIZE), -ENOSPC);
	assert_int_equal(room_take(&r, LO, 16), -ENOSPC);
	assert_int_equal(take(&r, SIZE - 192, 16), LO + 192); /* to the last byte */
	assert_int_equal(take(&r, 1, 16), 0);
	room_fini(&r);
}

static void test_gaps(void **state)
{
	struct code_room r = fresh();
	taddr_t at[6];

	for (unsigned i = 0; i < 6; i++)
		at[i] = take(&r, 256, 16);
	assert_int_equal(room_give(&r, at[1], 256), 0);
	assert_int_equal(room_give(&r, at[3], 250), 0); /* up to its unit's end */
	assert_int_equal(r.gap.n, 2);
	assert_int_equal(room_find(&r, 256, 16), at[1]);
	assert_int_equal(room_find(&r, 257, 16), room_top(&r, 16));
	assert_int_equal(room_give(&r, at[2], 256), 0); /* three become one */
	assert_int_equal(r.gap.n, 1);
	assert_int_equal(room_find(&r, 768, 16), at[1]);
	assert_int_equal(room_give(&r, at[2], 16), -EINVAL);        /* twice */
	assert_int_equal(room_give(&r, at[3] + 128, 256), -EINVAL); /* half of it */
	assert_int_equal(room_give(&r, LO - 16, 16), -EINVAL);
	assert_int_equal(room_give(&r, r.next, 16), -EINVAL);
	assert_int_equal(room_take(&r, at[2], 256), 0); /* out of its middle */
	assert_int_equal(r.gap.n, 2);
	assert_false(room_is_free(&r, at[1], 257));
	assert_true(room_is_free(&r, at[3], 256));
	assert_int_equal(room_give(&r, at[5], 256), 0); /* the last: not a gap */
	assert_int_equal(r.next, at[5]);
	assert_int_equal(room_give(&r, at[4], 256), 0); /* and with it the one before */
	assert_int_equal(r.next, at[3]);
	assert_int_equal(r.gap.n, 1);
	assert_int_equal(room_find(&r, 64, 64), at[1]);
	room_fini(&r);
}

/* What is taken was free and is not taken twice; what is left over is all that is not taken. */
static void test_random(void **state)
{
	static uint8_t used[UNITS];
	struct code_room r = fresh();
	struct {
		taddr_t at;
		unsigned n;
	} held[64] = { 0 };
	uint64_t seed = 88172645463325252ull, most = 0;

	memset(used, 0, sizeof(used));
	for (unsigned i = 0; i < 200000; i++) {
		unsigned k = (unsigned)(seed >> 33) % 64, units = 0;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		if (held[k].at) {
			assert_int_equal(room_give(&r, held[k].at, held[k].n), 0);
			memset(&used[(held[k].at - LO) / ROOM_UNIT], 0,
			       (held[k].n + ROOM_UNIT - 1) / ROOM_UNIT);
			held[k].at = 0;
			continue;
		}
		held[k].n = 1 + (unsigned)(seed >> 20) % 2000;
		held[k].at = take(&r, held[k].n, seed & 1 ? 16 : 64);
		if (!held[k].at)
			continue;
		units = (held[k].n + ROOM_UNIT - 1) / ROOM_UNIT;
		for (unsigned u = 0; u < units; u++)
			assert_int_equal(used[(held[k].at - LO) / ROOM_UNIT + u]++, 0);
		most = r.next - LO > most ? r.next - LO : most;
	}
	for (unsigned k = 0; k < 64; k++) {
		if (held[k].at)
			assert_int_equal(room_give(&r, held[k].at, held[k].n), 0);
	}
	assert_true(most > SIZE / 2); /* it was crowded */
	/* all is back but what alignment skipped */
	assert_true(room_left(&r) > SIZE - SIZE / 16);
	room_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upwards),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("attach/room", tests, NULL, NULL);
}
