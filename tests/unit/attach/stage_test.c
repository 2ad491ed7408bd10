/* stage_test.c - what is gathered arrives in the target and in the slab's file, wherever it goes. */
#include "util.h"

#include "attach/session.h"

#include <signal.h>
#include <unistd.h>

#define SLAB SLAB_LIB
#define INT3 0xcc

static struct utramp_target *t;
static struct pipes pipes;

static int start(void **state)
{
	t = victim_start("run", "1", &pipes);
	return 0;
}

static int end(void **state)
{
	utramp_target__free(t);
	pipes_close(&pipes);
	return 0;
}

static uint8_t code[2048], frames[2048];

/* A piece of code that is told from others by its seed, into room that is free. */
static void put(taddr_t at, size_t n, uint8_t seed)
{
	assert_true(n <= sizeof(code));
	assert_int_equal(room_take(&t->room[SLAB], at, n), 0);
	for (size_t i = 0; i < n; i++) {
		code[i] = (uint8_t)(seed + 3 * i);
		frames[i] = (uint8_t)(seed + 5 * i);
	}
	assert_int_equal(stage_write(t, SLAB, at, code, frames, n), 0);
}

static taddr_t shadow_of(taddr_t at)
{
	return t->proc->slab[SLAB].shadow + (at - t->proc->slab[SLAB].text);
}

static bool is_there(taddr_t at, size_t n, uint8_t seed)
{
	uint8_t now[sizeof(code)], state[sizeof(frames)];
	bool good = true;

	assert_int_equal(process_read(t->proc, at, now, n), 0);
	assert_int_equal(process_read(t->proc, shadow_of(at), state, n), 0);
	for (size_t i = 0; i < n; i++)
		good &= now[i] == (uint8_t)(seed + 3 * i) && state[i] == (uint8_t)(seed + 5 * i);
	return good;
}

static bool is_free(taddr_t at, size_t n)
{
	uint8_t now[sizeof(code)], state[sizeof(frames)];
	bool good = true;

	assert_int_equal(process_read(t->proc, at, now, n), 0);
	assert_int_equal(process_read(t->proc, shadow_of(at), state, n), 0);
	for (size_t i = 0; i < n; i++)
		good &= now[i] == INT3 && !state[i];
	return good;
}

static void test_pieces(void **state)
{
	taddr_t a = ALIGN_UP(t->room[SLAB].next, 64ull), b, c, d, e;
	uint64_t value = 0x1122334455667788;
	uint8_t now[8];

	put(a, 1000, 1); /* at once: nothing is begun */
	assert_true(is_there(a, 1000, 1));

	assert_int_equal(stage_begin(t), 0);
	b = ALIGN_UP(t->room[SLAB].next, 64ull);
	put(b, 323, 4);
	c = b + 336;
	put(c, 57, 5); /* goes on */
	d = ALIGN_UP(c + 57, 64ull);
	put(d, 323, 6); /* alignment in between */
	assert_false(is_there(b, 323, 4) || is_there(d, 323, 6));
	assert_true(stage_change(t, SLAB, c + 8, &value, 8));
	assert_false(stage_change(t, SLAB, a, &value, 8));
	assert_false(stage_change(t, SLAB, d + 316, &value, 8)); /* half of it behind the end */
	e = d + 8192;
	put(e, 100, 7); /* does not go on: the others are written first */
	assert_true(is_there(b, 323, 4) && is_there(d, 323, 6));
	assert_false(is_there(e, 100, 7));
	assert_int_equal(stage_end(t), 0);

	assert_true(is_there(a, 1000, 1) && is_there(e, 100, 7));
	assert_int_equal(process_read(t->proc, c + 8, now, 8), 0);
	assert_memory_equal(now, &value, 8);
	assert_true(is_there(c, 8, 5));
	assert_true(is_free(c + 57, (size_t)(d - (c + 57))));
	assert_int_equal(t->stages.of[SLAB].n, 0);
}

/* Room that came back lies below what is gathered; pieces go there, and what is between stays. */
static void test_gaps(void **state)
{
	taddr_t lo = ALIGN_UP(t->room[SLAB].next, 64ull), top;

	put(lo, 64, 10);
	put(lo + 64, 64, 11);
	put(lo + 128, 64, 12);
	assert_int_equal(room_give(&t->room[SLAB], lo + 64, 64), 0);
	assert_int_equal(stage_begin(t), 0);
	top = t->room[SLAB].next;
	put(top, 100, 13);
	put(lo + 64, 16, 14);
	put(lo + 80, 32, 15);
	put(ALIGN_UP(top + 100, 16ull), 20, 16);
	assert_int_equal(stage_end(t), 0);
	assert_true(is_there(lo, 64, 10) && is_there(lo + 128, 64, 12));
	assert_true(is_there(lo + 64, 16, 14) && is_there(lo + 80, 32, 15));
	assert_true(is_there(top, 100, 13) && is_there(ALIGN_UP(top + 100, 16ull), 20, 16));
}

/* More than one stretch has room for. */
static void test_many(void **state)
{
	taddr_t at[1200];

	assert_int_equal(stage_begin(t), 0);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		at[i] = ALIGN_UP(t->room[SLAB].next, 64ull);
		put(at[i], 1000 + i % 7, (uint8_t)i);
		assert_true(t->stages.of[SLAB].n <= STAGE_MAX);
	}
	assert_true(is_there(at[0], 1000, 0)); /* some have been written by now */
	assert_int_equal(stage_end(t), 0);
	for (unsigned i = 0; i < ARRAY_LEN(at); i++)
		assert_true(is_there(at[i], 1000 + i % 7, (uint8_t)i));
}

/* A process that is gone: what is left waits, and nobody goes on as if it were written. */
static void test_gone(void **state)
{
	taddr_t at = ALIGN_UP(t->room[SLAB].next, 64ull);

	assert_int_equal(stage_begin(t), 0);
	put(at, 100, 1);
	kill(t->proc->pid, SIGKILL);
	for (int ms = 0; process_alive(t->proc) && ms < 10000; ms++)
		sleep_ms(1);
	assert_true(stage_end(t) < 0);
	assert_true(stage_begin(t) < 0);
	assert_false(t->stages.on);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(test_pieces), CASE(test_gaps), CASE(test_many),
					    CASE(test_gone) };

	return cmocka_run_group_tests_name("attach/stage", tests, NULL, NULL);
}
