/* target_test.c - life of a target: states, misuse, orders of destruction, leaks. */
#include "util.h"

#include "utramp/types.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_run(void **state)
{
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t;

	victim_truth("10", truth, sizeof(truth));
	t = victim_start("run", "10", &p);
	assert_true(utramp_target__pid(t) > 0);
	assert_int_equal(kill(utramp_target__pid(t), 0), 0);
	assert_int_equal(utramp_target__poll(t, 0), -EINVAL); /* not resumed */
	assert_non_null(strstr(utramp_error(), "not resumed"));
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	assert_true(utramp_target__stopped_ns(t) > 0);
	assert_int_equal(utramp_target__poll(t, 0), UTRAMP_EXITED);
	assert_int_equal(utramp_target__poll(t, -1), UTRAMP_EXITED);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(utramp_target__detach(t), 0); /* nothing was attached */
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, truth);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_resume_twice(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("inside", "1", &p);

	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(utramp_target__resume(t), -EINVAL);
	assert_non_null(strstr(utramp_error(), "runs already"));
	assert_int_equal(utramp_target__poll(t, 0), UTRAMP_RUNNING);
	assert_int_equal(write(p.in, "x", 1), 1);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	utramp_target__free(t);
	pipes_close(&p);
}

/* Freed without resume: killed.  Freed while it runs: goes on. */
static void test_free_target(void **state)
{
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t = victim_start("run", "1", &p);
	pid_t pid = utramp_target__pid(t);

	utramp_target__free(t);
	assert_int_equal(kill(pid, 0), -1);
	pipes_close(&p);

	victim_truth("1", truth, sizeof(truth));
	t = victim_start("inside", "1", &p);
	pid = utramp_target__pid(t);
	assert_int_equal(utramp_target__resume(t), 0);
	utramp_target__free(t);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(write(p.in, "A", 1), 1);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, "65");
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	utramp_target__free(NULL);
	pipes_close(&p);
}

static void test_exec(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("exec", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l =
		utramp_program__attach(program_named(o, "bare_exit"), t, "alpha", NULL);
	int state_now = UTRAMP_RUNNING;

	assert_non_null(l);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(write(p.in, "x", 1), 1);
	for (int i = 0; i < 100 && state_now == UTRAMP_RUNNING; i++)
		state_now = utramp_target__poll(t, 50);
	if (state_now == UTRAMP_EXECED) { /* else it was quicker than our eyes */
		assert_int_equal(utramp_link__destroy(l), 0);
		assert_null(utramp_program__attach(program_named(o, "bare"), t, "beta", NULL));
		assert_int_equal(errno, ESRCH);
	}
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_spawn_failures(void **state)
{
	char *none[] = { (char *)"/nonexistent/program", NULL }, *empty[] = { NULL };
	char *plain[] = { (char *)VICTIM, NULL };
	struct utramp_spawn_opts no_size = { 0 };
	struct {
		struct utramp_spawn_opts o;
		long newer;
	} newer = { .o.sz = sizeof(newer), .newer = 1 };

	assert_null(utramp_target__spawn(NULL, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(utramp_target__spawn(empty, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(utramp_target__spawn(none, NULL));
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(utramp_error(), "nonexistent"));
	assert_null(utramp_target__spawn(plain, &no_size));
	assert_int_equal(errno, EINVAL);
	assert_non_null(strstr(utramp_error(), "sz"));
	assert_null(utramp_target__spawn(plain, &newer.o));
	assert_int_equal(errno, E2BIG);
}

static void test_null(void **state)
{
	struct utramp_args a = { 0 };

	assert_int_equal(utramp_target__resume(NULL), -EINVAL);
	assert_int_equal(utramp_target__poll(NULL, 0), -EINVAL);
	assert_int_equal(utramp_target__detach(NULL), -EINVAL);
	assert_int_equal(utramp_target__add_btf(NULL, "a", "b"), -EINVAL);
	assert_int_equal(utramp_target__add_proto(NULL, "int f(void)"), -EINVAL);
	assert_int_equal(utramp_target__add_debuginfo(NULL, "f"), -EINVAL);
	assert_null(utramp_object__open_file(NULL, NULL));
	assert_int_equal(utramp_object__load(NULL, NULL), -EINVAL);
	assert_int_equal(utramp_object__attach(NULL, NULL, NULL), -EINVAL);
	assert_null(utramp_program__attach(NULL, NULL, "f", NULL));
	assert_int_equal(utramp_link__destroy(NULL), 0);
	assert_null(utramp_ring_buffer__new(NULL, NULL, NULL, NULL));
	assert_int_equal(utramp_ring_buffer__consume(NULL), -EINVAL);
	utramp_ring_buffer__free(NULL);
	assert_null(utramp_trace__new(NULL, NULL));
	assert_int_equal(utramp_trace__add(NULL, "f", NULL), -EINVAL);
	assert_int_equal(utramp_trace__read(NULL, true, NULL, NULL), -EINVAL);
	utramp_trace__free(NULL);
	assert_int_equal(utramp_list(NULL, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(utramp_args_count(VICTIM, &a), -EINVAL); /* sz */
	utramp_object__close(NULL);
	assert_true(strlen(utramp_version()) > 0);
	assert_non_null(strstr(utramp_error(), "sz"));
}

static int ignore_sample(void *ctx, const void *data, size_t n)
{
	return 0;
}

static void ignore_line(void *ctx, const char *text, size_t n)
{
}

/* The target first, and what hung on it later: orphans, without effect. */
static void test_target_first(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_map *m = utramp_object__find_map_by_name(o, "ring");
	struct utramp_ring_buffer *rb = utramp_ring_buffer__new(m, ignore_sample, NULL, NULL);
	struct utramp_trace *tr = utramp_trace__new(t, NULL);
	struct utramp_link *l =
		utramp_program__attach(program_named(o, "record"), t, "alpha", NULL);
	pid_t pid = utramp_target__pid(t);
	uint32_t key = 0;
	uint64_t value;

	assert_non_null(rb);
	assert_non_null(l);
	assert_int_equal(utramp_trace__add(tr, "beta", NULL), 1);
	assert_int_equal(utramp_target__resume(t), 0);
	sleep_ms(20);
	utramp_target__free(t);

	assert_int_equal(utramp_trace__add(tr, "alpha", NULL), -ESRCH);
	assert_int_equal(utramp_trace__read(tr, true, ignore_line, NULL), -ESRCH);
	utramp_trace__free(tr);
	assert_int_equal(utramp_ring_buffer__consume(rb), 0);
	assert_int_equal(utramp_ring_buffer__poll(rb, -1), 0);
	assert_int_equal(utramp_ring_buffer__lost(rb), 0);
	utramp_ring_buffer__free(rb);
	m = utramp_object__find_map_by_name(o, "counts");
	assert_int_equal(utramp_map__key_size(m), 4);
	assert_int_equal(utramp_map__lookup_elem(m, &key, 4, &value, 8, 0), -ESRCH);
	assert_int_equal(utramp_program__missed(program_named(o, "record")), 0);
	assert_int_equal(utramp_link__functions(l), 0);
	assert_int_equal(utramp_link__destroy(l), 0);
	utramp_object__close(o);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pipes_close(&p);
}

static unsigned entries(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, prefix, strlen(prefix));
	closedir(d);
	return n;
}

/* Many targets one after the other: no descriptor, no directory, no child stays. */
static char slabs[] = "/tmp/target-test-XXXXXX"; /* this test's own, others run beside it */

static void test_cycles(void **state)
{
	unsigned fds = 0, dirs = 0;

	for (int i = 0; i < 12; i++) {
		struct pipes p;
		struct utramp_target *t = victim_start(i % 3 ? "run" : "loop", "1", &p);
		struct utramp_object *o = object_loaded(t);

		assert_int_equal(utramp_object__attach(o, t, NULL), 0);
		if (i % 4)
			assert_int_equal(utramp_target__resume(t), 0);
		if (i % 4 && i % 3)
			victim_end(t);
		else if (i % 4)
			kill(utramp_target__pid(t), SIGKILL);
		utramp_object__close(o);
		utramp_target__free(t);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		pipes_close(&p);
		if (i == 1) {
			fds = entries("/proc/self/fd", "");
			dirs = entries(slabs, "utramp");
		}
	}
	assert_int_equal(entries("/proc/self/fd", ""), fds);
	assert_true(dirs <= 1 && entries(slabs, "utramp") <= dirs);
}

/* A program's own targets stand for its section's function, each of them. */
static void test_program_targets(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("inside", "1", &p);
	struct utramp_object *o = utramp_object__open_file(PROG, NULL);
	struct utramp_program *prog = program_named(o, "bare");
	struct utramp_link *l;

	assert_int_equal(utramp_program__add_target(prog, ""), -EINVAL);
	assert_int_equal(utramp_program__add_target(prog, NULL), -EINVAL);
	assert_int_equal(utramp_program__add_target(prog, "alpha"), 0);
	assert_int_equal(utramp_program__add_target(prog, "beta"), 0);
	assert_int_equal(utramp_object__load(o, t), 0);
	assert_int_equal(utramp_program__add_target(prog, "alpha"), -EINVAL);
	l = utramp_program__attach(prog, t, NULL, NULL);
	assert_non_null(l);
	assert_int_equal(utramp_link__functions(l), 2);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

struct told {
	unsigned n, done, total;
	bool back; /* it went backwards, or beyond the end */
};

static void on_progress(void *ctx, unsigned done, unsigned total)
{
	struct told *t = ctx;

	t->back |= done < t->done || done > total || !total;
	t->done = done;
	t->total = total;
	t->n++;
}

/* Told while functions are attached, up to the last of them; not by detaching. */
static void test_progress(void **state)
{
	struct told told = { 0 };
	struct pipes p;
	struct utramp_target *t = victim_start("inside", "1", &p);
	struct utramp_object *o = object_loaded(t);

	utramp_target__on_progress(t, on_progress, &told);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "*:b*", NULL));
	assert_true(told.n > 1 && told.total > 1 && told.done < told.total && !told.back);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(told.total, utramp_target__functions(t, NULL, NULL));
	assert_true(told.done == told.total && !told.back);
	told.n = 0;
	assert_int_equal(utramp_target__detach(t), 0);
	assert_int_equal(told.n, 0);
	utramp_target__on_progress(t, NULL, NULL);
	assert_non_null(utramp_program__attach(program_named(o, "bare"), t, "alpha", NULL));
	assert_int_equal(told.n, 0);
	assert_int_equal(write(p.in, "x", 1), 1);
	utramp_object__close(o);
	victim_end(t);
	utramp_target__free(t);
	pipes_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),         cmocka_unit_test(test_resume_twice),
		cmocka_unit_test(test_free_target), cmocka_unit_test(test_exec),
		cmocka_unit_test(test_progress),    cmocka_unit_test(test_spawn_failures),
		cmocka_unit_test(test_null),        cmocka_unit_test(test_target_first),
		cmocka_unit_test(test_cycles),      cmocka_unit_test(test_program_targets),
	};

	int failed;

	if (!mkdtemp(slabs) || setenv("XDG_RUNTIME_DIR", slabs, 1))
		return 2;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (rmdir(slabs)) {
		perror(slabs);
		failed++;
	}
	return failed;
}
