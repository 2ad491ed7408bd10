/*
 * self_life_test.c - what becomes of helpers and images of a process that traces itself.
 *
 * Behind the public API, to kill helpers (ctl/priv.h) and to make room short (attach/session.h).
 */
#include "util.h"

#include "attach/session.h"
#include "ctl/priv.h"
#include "self_work.h"
#include "utramp/probe.h"
#include "utramp/self.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct utramp_target *self(void)
{
	struct utramp_target *t = utramp_target__self(NULL);

	if (!t)
		fail_msg("%s", utramp_error());
	return t;
}

static uint64_t number(struct utramp_object *o, uint32_t key)
{
	struct utramp_map *m = utramp_object__find_map_by_name(o, "calls");
	uint64_t n = 0;

	assert_int_equal(utramp_map__lookup_elem(m, &key, sizeof(key), &n, 8, 0), 0);
	return n;
}

static uint64_t counted(struct utramp_object *o)
{
	return number(o, 0);
}

static struct utramp_program *named(struct utramp_object *o, const char *name)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p)) && strcmp(utramp_program__name(p), name))
		;
	return p;
}

static struct utramp_object *loaded(struct utramp_target *t)
{
	struct utramp_object *o = utramp_object__open_file(SELF_PROG, NULL);

	if (!o || utramp_object__load(o, t) < 0)
		fail_msg("%s", utramp_error());
	return o;
}

static struct utramp_link *attached(struct utramp_target *t, struct utramp_object *o,
				    const char *program, const char *spec)
{
	struct utramp_link *l = utramp_program__attach(named(o, program), t, spec, NULL);

	if (!l)
		fail_msg("%s: %s", spec, utramp_error());
	return l;
}

static bool all_right(long i)
{
	struct self_box box = { i };

	return self_sum(i, 2, 3, 4, 5, 6, 7, i) == i + 139 + 8 * i &&
	       self_mean((double)i, 1) == ((double)i + 1) / 2 && self_value(&box) == 1 &&
	       self_value(NULL) == 0;
}

/* -- no child ------------------------------------------------------------------------------- */

static atomic_bool over;
static atomic_int told_of;     /* children, by SIGCHLD */
static atomic_bool waited_for; /* a child that is none of the program's was found by wait() */

static void on_child(int sig)
{
	told_of++;
}

/* Asks for children without end; there are none. */
static void *waits(void *arg)
{
	while (!over)
		waited_for = waited_for || waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
	return NULL;
}

/* Blocked on one thread, or not; with a handler, or ignored: a helper's end is nobody's business. */
static void test_no_child(void **state)
{
	struct sigaction sa = { .sa_handler = on_child }, was;
	struct utramp_target *t = self();
	struct utramp_object *o = loaded(t);
	sigset_t mask, after;
	pthread_t thread;

	over = false;
	sigaction(SIGCHLD, &sa, &was);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_int_equal(pthread_create(&thread, NULL, waits, NULL), 0);
	for (int i = 0; i < 20; i++) {
		struct utramp_link *l = attached(t, o, "count", "self_*");
		uint64_t before = counted(o);

		assert_true(all_right(i));
		assert_int_equal(counted(o) - before, 4);
		utramp_link__destroy(l);
		if (i == 10)
			signal(SIGCHLD, SIG_IGN);
	}
	over = true;
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_memory_equal(&mask, &after, NSIG / 8);
	assert_int_equal(told_of, 0);
	assert_false(waited_for);
	utramp_object__close(o);
	utramp_target__free(t);
	sigaction(SIGCHLD, &was, NULL);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
}

/* -- helpers that are killed ---------------------------------------------------------------- */

/* One change with helpers that die at operation n, then one undisturbed.  Was the first? */
static bool survives(struct utramp_target *t, struct utramp_object *o, unsigned n, unsigned times)
{
	struct process_priv *pp = process_priv(t->proc);
	struct utramp_link *l[2];
	uint64_t before;
	bool disturbed;

	pp->dies.at = n;
	pp->dies.times = times;
	l[0] = utramp_program__attach(named(o, "look"), t, "self_value", NULL);
	disturbed = pp->dies.times < times;
	pp->dies.times = 0;
	if (!l[0] && times < 2) /* the second has less to do, and may live */
		fail_msg("%u: %s", n, utramp_error());
	assert_true(all_right((long)n));
	l[1] = utramp_program__attach(named(o, "count"), t, "self_*", NULL);
	if (!l[1])
		fail_msg("%u: %s", n, utramp_error());
	assert_true(all_right((long)n));
	before = counted(o);
	assert_true(all_right((long)n));
	assert_int_equal(counted(o) - before, 4);
	pp->dies.at = n;
	pp->dies.times = times;
	utramp_link__destroy(l[1]);
	disturbed |= pp->dies.times < times;
	pp->dies.times = 0;
	assert_true(all_right((long)n));
	utramp_link__destroy(l[0]);
	assert_true(all_right((long)n));
	return disturbed;
}

/* Killed behind whatever it did, before it could tell. */
static void test_killed_helpers(void **state)
{
	struct utramp_target *t = self();
	struct utramp_object *o = loaded(t);
	struct sigaction before, after;
	bool disturbed = true;
	unsigned last = 0;

	sigaction(SIGSEGV, NULL, &before);
	for (unsigned n = 1; disturbed; n++) {
		disturbed = survives(t, o, n, 1);
		survives(t, o, n, 2);
		assert_true(n < 500);
		last = n;
	}
	assert_true(last > 10);
	utramp_object__close(o);
	utramp_target__free(t);
	assert_true(all_right(1));
	sigaction(SIGSEGV, NULL, &after);
	assert_ptr_equal(after.sa_handler, before.sa_handler);
}

/* -- room for images ------------------------------------------------------------------------- */

#define ROOM (96u << 10)

static unsigned rounds; /* argv[1] */
static int out_of[2];   /* a byte lets the thread out of its call */

static void *waits_inside(void *arg)
{
	return (void *)(intptr_t)self_wait(out_of[0], 40);
}

/* What a look finds no time for, on a machine that is busy with other things, the next one does. */
static struct utramp_link *attached_at_last(struct utramp_target *t, struct utramp_object *o,
					    const char *program, const char *spec)
{
	struct utramp_link *l = NULL;

	for (int i = 0; i < 50 && !l; i++) {
		l = utramp_program__attach(named(o, program), t, spec, NULL);
		if (!l && errno != ENOSPC)
			break;
		if (!l)
			usleep(100000);
	}
	if (!l)
		fail_msg("%s: %s", spec, utramp_error());
	return l;
}

/* Short of room, all images come and go; who is inside of one all the time comes back through it. */
static void test_room(void **state)
{
	struct utramp_target *t = self();
	struct utramp_object *o = loaded(t);
	struct utramp_link *l = attached(t, o, "leave", "self_wait");
	struct utramp_link *all = attached(t, o, "enter", "self_wait");
	uint64_t before;
	pthread_t thread;
	void *result;

	assert_int_equal(pipe(out_of), 0);
	assert_int_equal(pthread_create(&thread, NULL, waits_inside, NULL), 0);
	while (number(o, 2) < 1)
		usleep(1000);
	utramp_link__destroy(l);
	utramp_link__destroy(all);
	all = attached(t, o, "count", "self_*");
	for (unsigned i = 0; i < SLABS; i++)
		t->room[i].hi = t->room[i].next + ROOM;
	for (unsigned i = 0; i < rounds; i++) {
		l = attached_at_last(t, o, "leave", "self_*");
		before = counted(o);
		assert_true(all_right((long)i));
		assert_int_equal(counted(o) - before, 4);
		assert_int_equal(utramp_link__destroy(l), 0);
		assert_true(all_right((long)i));
	}
	print_message("%u rounds: %lu looks freed %lu images, %lu KiB\n", rounds, t->reclaim.looks,
		      t->reclaim.freed, t->reclaim.freed_bytes >> 10);
	assert_true(t->reclaim.looks > 1 && t->reclaim.looks < rounds);
	assert_true(t->reclaim.freed_bytes > 2 * ROOM);
	before = number(o, 1);
	assert_int_equal(write(out_of[1], "2", 1), 1);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_int_equal((long)(intptr_t)result, 42);
	assert_int_equal(number(o, 1), before); /* that program was removed meanwhile */
	utramp_link__destroy(all);
	utramp_object__close(o);
	utramp_target__free(t);
	close(out_of[0]);
	close(out_of[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_helpers),
		cmocka_unit_test(test_no_child),
	};

	/* its target is the only one: the less memory, the less time it takes to look through */
	const struct CMUnitTest room[] = { cmocka_unit_test(test_room) };

	if (argc > 1) {
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
		return cmocka_run_group_tests_name("attach/self room", room, NULL, NULL);
	}
	return cmocka_run_group_tests_name("attach/self life", tests, NULL, NULL);
}
