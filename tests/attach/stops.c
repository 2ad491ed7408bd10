/*
 * stops.c - many stops of a process that waits in every way (waits.c).
 *
 * stops [N]: N stops in bursts, with pauses in which every wait comes to its end, then N without a
 * pause.  No wait returns EINTR, or too early, or with another result, and nothing that was
 * sent is lost.  What is too long:
 *   kept    longer than the wait, or than what a loaded machine makes of it
 *   whole   longer than a burst and two waits; without pauses it has no end, which is documented
 *           in docs/what-a-target-notices.md, and so is not asked for here
 *   sent    as kept
 */
#include "ctl_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS     60   /* as in waits.c */
#define BURST  20   /* stops */
#define LOADED 1500 /* ms that a busy machine may add */

static unsigned stops = 200;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_us(long us)
{
	const struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

static void stop_once(struct victim *v)
{
	if (process_stop(v->p, &v->d) < 0)
		fail_msg("%s", v->d.text);
	assert_int_equal(process_resume(v->p, &v->d), 0);
}

/* -- what the victim reports ------------------------------------------------------- */

struct way {
	char name[32], kind[8];
	unsigned calls, interrupted, wrong, shorter;
	int64_t longest;
	int why;
};

/* Its report number n, from 1; how many ways there are. */
static unsigned report(struct victim *v, int n, struct way *out, unsigned max)
{
	const char *text = NULL, *from = NULL;
	unsigned found = 0;
	int used;

	assert_int_equal(write(v->in, "r", 1), 1);
	for (int i = 0; i < 10000 && !from; i++) {
		from = text = strchr(victim_output(v), '\n') + 1; /* behind "ready" */
		for (int k = 0; k < n && from; k++) {
			text = from;
			from = strstr(from, "reported\n");
			from = from ? from + strlen("reported\n") : NULL;
		}
		sleep_us(1000);
	}
	assert_non_null(from);
	for (; found < max && text < from && strncmp(text, "reported", 8); found++, text += used) {
		struct way *w = &out[found];

		used = 0;
		sscanf(text,
		       "%31s %7s calls %u eintr %u wrong %u short %u longest %" SCNd64
		       " why %d\n%n",
		       w->name, w->kind, &w->calls, &w->interrupted, &w->wrong, &w->shorter,
		       &w->longest, &w->why, &used);
		assert_true(used > 0);
	}
	return found;
}

static bool is(const struct way *w, const char *kind)
{
	return !strcmp(w->kind, kind);
}

/* Every way in these ms: at least so many waits, none longer than that. */
static void check_ways(struct victim *v, int n, unsigned least, int64_t longest, bool pauses)
{
	struct way way[64];
	unsigned ways = report(v, n, way, 64), bad = 0;

	assert_in_range(ways, 14, 63);
	for (unsigned i = 0; i < ways; i++) {
		const struct way *w = &way[i];
		bool ends = pauses || !is(w, "whole");
		bool good = !w->interrupted && !w->wrong && !w->shorter;

		if (ends)
			good &= w->calls >= least &&
				w->longest <= (is(w, "whole") ? longest : MS + LOADED);
		bad += !good;
		printf("%s%s, %s: %u waits, %u by EINTR, %u wrong (%d), %u short, longest %" PRId64
		       " ms\n",
		       good ? "" : "BAD ", w->name, w->kind, w->calls, w->interrupted, w->wrong,
		       w->why, w->shorter, w->longest);
	}
	assert_int_equal(bad, 0);
}

/* -- the tests --------------------------------------------------------------------- */

static void test_stops(void **state)
{
	struct victim v;
	int64_t start, burst = 0, all;
	unsigned n = 0, bursts = 0;

	victim_ready(&v, "waits");
	for (; n < stops; bursts++) {
		start = now_ms();
		for (int k = 0; k < BURST && n < stops; k++, n++) {
			stop_once(&v);
			sleep_us(1000);
		}
		burst = now_ms() - start > burst ? now_ms() - start : burst;
		sleep_us(MS * 1500);
	}
	printf("# %u bursts, the longest %" PRId64 " ms\n", bursts, burst);
	check_ways(&v, 1, bursts / 2, burst + 2 * MS + LOADED, true);

	start = now_ms();
	for (n = 0; n < stops; n++) {
		stop_once(&v);
		sleep_us(1000);
	}
	all = now_ms() - start;
	printf("# %u stops in %" PRId64 " ms\n", n, all);
	check_ways(&v, 2, (unsigned)(all / (MS * 4)), 0, false);
	assert_int_equal(victim_wait(&v), 7 << 8);
	victim_free(&v);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stops),
	};

	if (argc > 1)
		stops = (unsigned)atoi(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
