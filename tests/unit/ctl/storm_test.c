/* Stop, patch and resume threads that are busy, and threads that come and go. */
#include "ctl_util.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must_stop(struct victim *v)
{
	if (process_stop(v->p, &v->d) < 0)
		fail_msg("%s", v->d.text);
}

/* Tasks that are traced by somebody, and tasks altogether. */
static int count_tasks(pid_t pid, bool traced)
{
	char path[64], line[256];
	struct dirent *e;
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while ((e = readdir(d))) {
		char status[400];
		FILE *f;

		snprintf(status, sizeof(status), "%s/%s/status", path, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(status, "r");
		while (f && fgets(line, sizeof(line), f)) {
			if (!strncmp(line, "TracerPid:", 10))
				n += !traced || atoi(line + 10) != 0;
		}
		if (f)
			fclose(f);
	}
	closedir(d);
	return n;
}

/* The same patch backwards. */
static void flip(struct process_patch *x)
{
	uint8_t was[sizeof(x->expect)];

	memcpy(was, x->expect, sizeof(was));
	memcpy(x->expect, x->bytes, sizeof(was));
	memcpy(x->bytes, was, sizeof(was));
}

static void test_stop_patch_resume(void **state)
{
	struct process_patch x;
	struct victim v;
	int skipped = 0;

	victim_ready(&v, "threads");
	x = answer_patch(&v, "answer", 1, 42);
	for (int i = 0; i < 200; i++) {
		int r;

		process_touch(v.p, &x, 1);
		must_stop(&v);
		assert_int_equal(process_stop(v.p, NULL), 0); /* again: nothing to do */
		r = process_patch(v.p, &x, 1, &v.d);
		assert_true(r == 0 || (r == 1 && x.result == -EAGAIN));
		skipped += r;
		if (r == 0)
			flip(&x);
		assert_true(process_stopped_ns(v.p) > 0);
		assert_int_equal(process_resume(v.p, &v.d), 0);
	}
	assert_true(skipped < 150);
	assert_int_equal(process_resume(v.p, &v.d), -EINVAL);
	assert_int_equal(count_tasks(v.p->pid, false), 21);
	assert_int_equal(count_tasks(v.p->pid, true), 0);
	must_stop(&v);
	assert_int_equal(count_tasks(v.p->pid, true), 21);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\nbad 0\n");
	victim_free(&v);
}

static void test_threads_come_and_go(void **state)
{
	struct process_patch x;
	struct victim v;
	int stops = 0;
	bool exec;

	victim_ready(&v, "churn");
	x = answer_patch(&v, "answer", 1, 42);
	while (process_poll(v.p, 1, &exec) == 0) {
		if (process_stop(v.p, &v.d) < 0) {
			assert_true(v.p->exited || !process_alive(v.p));
			break;
		}
		if (process_patch(v.p, &x, 1, &v.d) == 0)
			flip(&x);
		process_resume(v.p, NULL);
		stops++;
	}
	assert_int_equal(victim_wait(&v), 0);
	assert_true(stops > 20);
	assert_string_equal(victim_output(&v), "ready\nbad 0\n");
	victim_free(&v);
}

static void test_signals_of_a_timer(void **state)
{
	struct victim v;

	victim_ready(&v, "timer");
	for (int i = 0; i < 2000; i++) {
		must_stop(&v);
		assert_int_equal(process_resume(v.p, &v.d), 0);
	}
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\ncaught many\n");
	victim_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop_patch_resume),
		cmocka_unit_test(test_threads_come_and_go),
		cmocka_unit_test(test_signals_of_a_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
