/* scan_test.c - a process is searched for addresses: where they are found, where nothing is. */
#include "ctl/scan.h"
#include "ctl_util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* As in holder.c. */
enum { HEAP, DATA, STACK, ALTERNATE, SEALED, LOCKED, SHARED, REGISTER, SECOND, ODD, GONE, BEHIND };

#define PLACES 13
#define FIRST  0x5a5a00000000ull

static void places(struct scan_place at[PLACES])
{
	for (unsigned i = 0; i < PLACES; i++)
		at[i] = (struct scan_place){ FIRST + 0x1000ull * i, FIRST + 0x1000ull * i + 0x800,
					     false };
	/* the word of BEHIND is the end of one and the beginning of another */
	at[BEHIND].lo -= 0x800;
	at[BEHIND].hi = at[BEHIND].lo + 0x800;
	at[BEHIND + 1].lo = at[BEHIND].hi;
}

static void start(struct victim *v, const char *what)
{
	char prog[] = HOLDER, arg[16];
	char *const argv[] = { prog, arg, NULL };

	snprintf(arg, sizeof(arg), "%s", what);
	if (victim_spawn(v, argv) < 0)
		fail_msg("%s", v->d.text);
	assert_int_equal(process_resume(v->p, &v->d), 0);
	for (int i = 0; i < 10000 && !strstr(victim_output(v), "ready"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_non_null(strstr(victim_output(v), "ready"));
}

static void check(const struct scan *s, unsigned found)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (s->place[i].found != (found >> i & 1))
			fail_msg("place %u: found %d", i, s->place[i].found);
}

#define BIT(k) (1u << (k))
#define IN_MEMORY \
	(BIT(HEAP) | BIT(DATA) | BIT(STACK) | BIT(ALTERNATE) | BIT(SEALED) | BIT(LOCKED) | \
	 BIT(SHARED) | BIT(SECOND) | BIT(BEHIND) | BIT(BEHIND + 1))

static void test_places(void **state)
{
	struct scan_place at[PLACES];
	struct scan s = { .place = at, .n = PLACES };
	struct victim v;

	start(&v, "words");
	places(at);
	if (process_scan_memory(v.p, &s, &v.d) < 0) /* while it runs */
		fail_msg("%s", v.d.text);
	check(&s, IN_MEMORY);
	assert_true(s.bytes > 100000 && s.bytes < 64u << 20);
	assert_int_equal(process_scan_registers(v.p, &s, &v.d), -EINVAL);
	places(at);
	assert_int_equal(process_stop(v.p, &v.d), 0);
	if (process_scan_memory(v.p, &s, &v.d) < 0)
		fail_msg("%s", v.d.text);
	check(&s, IN_MEMORY);
	places(at);
	assert_int_equal(process_scan_registers(v.p, &s, &v.d), 0);
	check(&s, BIT(REGISTER));
	places(at);
	assert_int_equal(process_scan_stacks(v.p, &s, &v.d), 0);
	assert_true(at[SECOND].found && at[ALTERNATE].found);
	assert_false(at[HEAP].found || at[SHARED].found || at[GONE].found);
	assert_int_equal(process_alone(v.p, &v.d), 0);
	assert_int_equal(process_resume(v.p, &v.d), 0);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

/* Nothing is proven of what was not read in time, nor of what cannot be read. */
static void test_limits(void **state)
{
	struct scan_place at[PLACES];
	struct scan s = { .place = at, .n = PLACES, .limit_ns = 1 };
	struct victim v;

	start(&v, "words");
	places(at);
	assert_int_equal(process_scan_memory(v.p, &s, &v.d), -ETIMEDOUT);
	s.limit_ns = 0;
	s.n = 0;
	s.bytes = 0;
	assert_int_equal(process_scan_memory(v.p, &s, &v.d), 0);
	assert_int_equal(s.bytes, 0);
	s.n = PLACES; /* one place and no more */
	places(at);
	s.place = &at[HEAP];
	s.n = 1;
	assert_int_equal(process_scan_memory(v.p, &s, &v.d), 0);
	assert_true(at[HEAP].found);
	s.skip[s.nskip++] = (struct taddr_range){ 0x1000, 0x7ffffffff000 };
	at[HEAP].found = false;
	assert_int_equal(process_scan_memory(v.p, &s, &v.d), 0);
	assert_false(at[HEAP].found);
	assert_int_equal(victim_wait(&v), 0);
	assert_int_equal(process_scan_memory(v.p, &s, &v.d), -ESRCH);
	victim_free(&v);
}

static void test_sharer(void **state)
{
	struct victim v;

	start(&v, "sharer");
	assert_int_equal(process_stop(v.p, &v.d), 0);
	assert_int_equal(process_alone(v.p, &v.d), -EBUSY);
	assert_non_null(strstr(v.d.text, "may run in its memory"));
	assert_int_equal(process_resume(v.p, &v.d), 0);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_sharer),
	};

	return cmocka_run_group_tests_name("ctl/scan", tests, NULL, NULL);
}
