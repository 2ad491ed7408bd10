/*
 * tests/late/late_api.c - utramp/late.h: who waits, who is told, and every order of ends.
 *
 * argv[1]: tests/late/victim.  argv[2]: its library.  argv[3]: an object with a bare fentry program.
 */
#include "utramp/late.h"
#include "utramp/probe.h"
#include "utramp/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static char *victim, *lib, *object;

struct told {
	unsigned waits, attached, again, failed, functions;
	uint64_t missed_ns;
	char text[512];
};

static void note(void *ctx, const struct utramp_late_note *n)
{
	struct told *t = ctx;

	assert_int_equal(n->sz, sizeof(*n));
	assert_non_null(n->module);
	t->waits += n->what == UTRAMP_LATE_WAITS;
	t->attached += n->what == UTRAMP_LATE_ATTACHED;
	t->again += n->what == UTRAMP_LATE_AGAIN;
	t->failed += n->what == UTRAMP_LATE_FAILED;
	t->functions += n->functions;
	t->missed_ns += n->missed_ns;
	if (n->text)
		snprintf(t->text, sizeof(t->text), "%s", n->text);
}

static struct utramp_target *start(const char *mode, const char *a, const char *b)
{
	char *argv[] = { victim, (char *)(uintptr_t)mode, (char *)(uintptr_t)a,
			 (char *)(uintptr_t)b, NULL };
	struct utramp_target *t = utramp_target__spawn(argv, NULL);

	if (!t)
		fail_msg("%s", utramp_error());
	return t;
}

static void wait_for(struct utramp_target *t, struct told *told, bool hold)
{
	struct utramp_late_opts o = { .sz = sizeof(o), .note = note, .ctx = told, .hold = hold };

	memset(told, 0, sizeof(*told));
	assert_int_equal(utramp_target__wait(t, &o), 0);
}

/* It runs to its end; the exit status. */
static int end(struct utramp_target *t)
{
	assert_int_equal(utramp_target__resume(t), 0);
	for (int i = 0; i < 600; i++) {
		int state = utramp_target__poll(t, 100);

		if (state == UTRAMP_EXITED)
			return WEXITSTATUS(utramp_target__status(t));
		assert_int_equal(state, UTRAMP_RUNNING);
	}
	fail_msg("the victim does not end");
	return -1;
}

static int add_up(void *ctx, const struct utramp_probe_row *row)
{
	*(uint64_t *)ctx += row->calls;
	return 0;
}

static uint64_t calls(struct utramp_probe *p)
{
	uint64_t n = 0;

	assert_true(utramp_probe__each(p, add_up, &n) >= 0);
	return n;
}

static void test_misuse(void **state)
{
	struct utramp_target *t = start("absent", "0", NULL);
	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	struct utramp_target *file = utramp_target__file(victim);
	struct utramp_late_opts no_size = { 0 };

	assert_int_equal(utramp_target__wait(NULL, NULL), -EINVAL);
	assert_int_equal(utramp_target__wait(t, &no_size), -EINVAL);
	assert_int_equal(utramp_target__waiting(NULL, NULL, NULL), -EINVAL);
	assert_int_equal(utramp_target__waiting(t, NULL, NULL), 0);
	/* nobody waits who was not told to */
	assert_int_equal(utramp_probe__add(p, "libnone:f", NULL), -ENOENT);
	if (file) {
		assert_int_equal(utramp_target__wait(file, NULL), -EINVAL);
		utramp_target__free(file);
	}
	utramp_probe__free(p);
	utramp_target__free(t);
}

static int first_spec(void *ctx, const char *spec)
{
	*(const char **)ctx = spec;
	return 1;
}

/* Nobody is held: calls are missed, and that is told; the victim waits until it is patched. */
static void test_missed(void **state)
{
	struct utramp_target *t = start("late", lib, "100");
	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	const char *spec = NULL;
	struct told told;

	wait_for(t, &told, false);
	assert_int_equal(utramp_probe__add(p, "liblate:late_one", NULL), 0);
	assert_int_equal(utramp_probe__add(p, "libnone:f", NULL), 0);
	assert_int_equal(told.waits, 2);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	assert_int_equal(utramp_target__waiting(t, NULL, NULL), 2);
	assert_int_equal(end(t), 0);
	assert_int_equal(told.attached, 1);
	assert_int_equal(told.functions, 1);
	assert_true(told.missed_ns > 0);
	assert_int_equal(calls(p), 100);
	assert_int_equal(utramp_target__waiting(t, first_spec, &spec), 1);
	assert_string_equal(spec, "libnone:f");
	utramp_probe__free(p);
	utramp_target__free(t);
}

static void test_names_that_are_wrong(void **state)
{
	struct utramp_target *t = start("early", lib, "1");
	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	struct told told;

	wait_for(t, &told, true);
	/* its module is there */
	assert_int_equal(utramp_probe__add(p, "libc:nosuch", NULL), -ENOENT);
	assert_int_equal(utramp_probe__add(p, "nosuch", NULL), -ENOENT);
	assert_int_equal(utramp_probe__add(p, "liblate:late_on", NULL), 0);
	assert_int_equal(end(t), 0);
	assert_int_equal(told.failed, 1);
	assert_non_null(strstr(told.text, "nearest: late_one"));
	utramp_probe__free(p);
	utramp_target__free(t);
}

/* Who goes before the module comes is not there for it. */
static void test_ends(void **state)
{
	struct utramp_target *t = start("early", lib, "10");
	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	struct utramp_probe *q = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	struct utramp_trace *tr = utramp_trace__new(t, NULL);
	struct told told;

	wait_for(t, &told, true);
	assert_int_equal(utramp_probe__add(p, "liblate:late_one", NULL), 0);
	assert_int_equal(utramp_trace__add(tr, "liblate:*", NULL), 0);
	assert_int_equal(utramp_probe__add(q, "liblate:late_one", NULL), 0);
	assert_int_equal(utramp_target__waiting(t, NULL, NULL), 3);
	utramp_probe__free(p);
	utramp_trace__free(tr);
	assert_int_equal(utramp_target__waiting(t, NULL, NULL), 1);
	assert_int_equal(end(t), 0);
	assert_int_equal(told.functions, 1);
	assert_int_equal(calls(q), 10);
	utramp_target__free(t);
	utramp_probe__free(q); /* an orphan */

	t = start("early", lib, "10");
	p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
	wait_for(t, &told, true);
	assert_int_equal(utramp_probe__add(p, "liblate:late_one", NULL), 0);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(utramp_target__detach(t), 0); /* waits no longer, and no thread does */
	assert_int_equal(utramp_target__waiting(t, NULL, NULL), 0);
	for (int i = 0; i < 600 && utramp_target__poll(t, 100) == UTRAMP_RUNNING; i++)
		;
	assert_int_equal(WEXITSTATUS(utramp_target__status(t)), 0);
	utramp_target__free(t);
	utramp_probe__free(p);
}

static struct utramp_program *bare(struct utramp_object *o)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p)))
		if (!strcmp(utramp_program__section(p), "fentry"))
			break;
	assert_non_null(p);
	return p;
}

/* A user's program: its link gets the function when there is one. */
static void test_link(void **state)
{
	for (int destroyed = 0; destroyed < 2; destroyed++) {
		struct utramp_target *t = start("early", lib, "10");
		struct utramp_object *o = utramp_object__open_file(object, NULL);
		struct utramp_link *l;
		struct told told;

		assert_non_null(o);
		wait_for(t, &told, true);
		assert_int_equal(utramp_object__load(o, t), 0);
		l = utramp_program__attach(bare(o), t, "*late*:late_*", NULL);
		if (!l)
			fail_msg("%s", utramp_error());
		assert_int_equal(utramp_link__functions(l), 0);
		if (destroyed)
			assert_int_equal(utramp_link__destroy(l), 0);
		assert_int_equal(end(t), 0);
		assert_int_equal(told.functions, destroyed ? 0 : 2);
		if (!destroyed)
			assert_int_equal(utramp_link__functions(l), 2);
		utramp_object__close(o);
		utramp_target__free(t);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_names_that_are_wrong),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_link),
	};

	if (argc != 4)
		return 1;
	victim = argv[1];
	lib = argv[2];
	object = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
