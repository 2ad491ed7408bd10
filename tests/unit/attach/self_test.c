/* self_test.c - a process that traces itself: counts, results, handlers, threads, helpers. */
#include "util.h"

#include "self_work.h"
#include "utramp/probe.h"
#include "utramp/self.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 60 };

static int take_calls(void *ctx, const struct utramp_probe_row *row)
{
	uint64_t *sum = ctx;

	*sum += row->calls;
	return 0;
}

static uint64_t calls_of(struct utramp_probe *p)
{
	uint64_t sum = 0;

	assert_true(utramp_probe__each(p, take_calls, &sum) >= 0);
	return sum;
}

static struct utramp_probe *counter(struct utramp_target *t, const char *spec)
{
	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	int n = p ? utramp_probe__add(p, spec, NULL) : -1;

	if (n < 1)
		fail_msg("%s: %s", spec, utramp_error());
	return p;
}

static struct utramp_target *self(void)
{
	struct utramp_target *t = utramp_target__self(NULL);

	if (!t)
		fail_msg("%s", utramp_error());
	return t;
}

static void call_each(long i)
{
	assert_int_equal(self_sum(i, 2, 3, 4, 5, 6, 7, i), i + 4 + 9 + 16 + 25 + 36 + 49 + 8 * i);
	assert_true(self_mean((double)i, 1) == ((double)i + 1) / 2);
}

static void test_count(void **state)
{
	struct utramp_target *t = self();
	struct utramp_probe *p;

	assert_int_equal(utramp_target__pid(t), getpid());
	call_each(1);
	p = counter(t, "self_sum");
	assert_true(utramp_target__stopped_ns(t) > 0);
	for (long i = 0; i < 1000; i++)
		call_each(i);
	assert_int_equal(calls_of(p), 1000);
	assert_int_equal(utramp_target__poll(t, 0), UTRAMP_RUNNING);
	assert_int_equal(utramp_target__detach(t), 0);
	call_each(2);
	assert_int_equal(calls_of(p), 1000);
	utramp_probe__free(p);
	utramp_target__free(t);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no helper is left */
	assert_int_equal(errno, ECHILD);
}

/* -- while others call ------------------------------------------------------------------------ */

static atomic_bool over;
static atomic_long wrong, made;

static void *caller(void *arg)
{
	long i = (long)(intptr_t)arg;

	for (; !over; i += 7) {
		bool right = self_sum(i, 1, 1, 1, 1, 1, 1, i) == 9 * i + 27 &&
			     self_mean((double)i, 3) == ((double)i + 3) / 2;

		wrong += !right;
		made++;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct utramp_target *t = self();
	struct utramp_probe *all = counter(t, "self_mean");
	pthread_t thread[THREADS];
	uint64_t some = 0;

	over = false;
	made = wrong = 0;
	for (long i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, caller, (void *)(intptr_t)i), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct utramp_probe *p = utramp_probe__new(
			t, i % 2 ? UTRAMP_PROBE_LATENCY : UTRAMP_PROBE_COUNT, NULL);

		if (utramp_probe__add(p, "self_*", NULL) < 2)
			fail_msg("%s", utramp_error());
		usleep(1000);
		some += calls_of(p);
		utramp_probe__free(p);
	}
	over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(wrong, 0);
	assert_true(some > 0);
	assert_int_equal(calls_of(all), made); /* attached all the time: nothing was missed */
	utramp_probe__free(all);
	utramp_target__free(t);
}

/* -- our handler in front of the program's own ------------------------------------------------- */

/* A sanitizer's runtime, which is in this program, sets signal handlers without libc. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WAY "each read asks the kernel"
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WAY)
#define WAY "each read asks the kernel"
#endif
#ifndef WAY
#define WAY "a signal handler of ours"
#endif

static void test_bad_pointers(void **state)
{
	struct utramp_target *t = self();
	struct utramp_object *o = utramp_object__open_file(SELF_PROG, NULL);
	struct self_box box = { 7 };
	struct self_box *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction before, after;
	struct utramp_map *counts;
	uint64_t n[2] = { 0 };

	sigaction(SIGSEGV, NULL, &before);
	assert_non_null(o);
	if (utramp_object__load(o, t) < 0 || utramp_object__attach(o, t, NULL) < 0)
		fail_msg("%s", utramp_error());
	/* nothing of ours, which is here as well, sets handlers without libc */
	if (!strstr(utramp_target__faults(t), WAY))
		fail_msg("%s", utramp_target__faults(t));
	assert_int_equal(self_value(&box), 1);
	assert_int_equal(self_value(NULL), 0);
	assert_int_equal(self_value(gone), 1);
	assert_int_equal(self_value(&box), 1);
	counts = utramp_object__find_map_by_name(o, "counts");
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(utramp_map__lookup_elem(counts, &i, sizeof(i), &n[i], 8, 0), 0);
	assert_int_equal(n[0], 2); /* bad addresses */
	assert_int_equal(n[1], 2);
	utramp_object__close(o);
	utramp_target__free(t);
	sigaction(SIGSEGV, NULL, &after);
	assert_ptr_equal(after.sa_handler, before.sa_handler);
	munmap(gone, 4096);
}

/* -- what a helper may meet --------------------------------------------------------------------- */

/* In a child of ours: traced by us, as by a debugger. */
static int under_a_tracer(void)
{
	struct utramp_target *t;
	struct utramp_probe *p;
	int err;

	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	t = utramp_target__self(NULL);
	p = t ? utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL) : NULL;
	if (!p)
		return 1;
	err = utramp_probe__add(p, "self_sum", NULL);
	if (err != -EPERM || !strstr(utramp_error(), "traced by process"))
		return 2;
	if (self_sum(1, 1, 1, 1, 1, 1, 1, 1) != 36)
		return 3;
	return 0;
}

static void test_traced(void **state)
{
	pid_t pid = fork();
	int st;

	if (pid == 0)
		_exit(under_a_tracer());
	for (;;) {
		assert_int_equal(waitpid(pid, &st, 0), pid);
		if (!WIFSTOPPED(st))
			break;
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(st) == SIGSTOP ? 0L : (long)WSTOPSIG(st));
	}
	assert_true(WIFEXITED(st));
	assert_int_equal(WEXITSTATUS(st), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* the first: its slabs are in reach of libc */
		cmocka_unit_test(test_bad_pointers),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
