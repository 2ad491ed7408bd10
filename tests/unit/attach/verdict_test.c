/*
 * verdict_test.c - utramp/verify.h, and that no way through the library makes a program of one that was
 * refused.
 */
#include "attach/generated.h"
#include "attach/object.h"
#include "util.h"
#include "utramp/verify.h"

#include <errno.h>
#include <unistd.h>

static struct utramp_target *nowhere(void)
{
	struct utramp_target *t = utramp_target__file(NULL);

	assert_non_null(t);
	assert_int_equal(utramp_target__pid(t), -1);
	return t;
}

static struct utramp_verdict verdict(struct utramp_object *o, const char *name, int err)
{
	struct utramp_verdict v = { .sz = sizeof(v) };

	assert_int_equal(utramp_program__verdict(program_named(o, name), &v), err);
	return v;
}

/* No file, no process: objects load; nothing can be attached, nothing runs. */
static void test_nowhere(void **state)
{
	struct utramp_target *t = nowhere();
	struct utramp_object *o = object_loaded(t);
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		struct utramp_verdict v = { .sz = sizeof(v) };

		if (!utramp_program__autoload(p))
			continue;
		assert_int_equal(utramp_program__verdict(p, &v), 0);
		assert_int_equal(v.err, 0);
		assert_string_equal(v.reason, "");
		assert_true(v.processed > 0 && v.time_ns > 0 && v.peak_bytes > 0);
	}
	assert_null(utramp_program__attach(utramp_object__next_program(o, NULL), t, "work", NULL));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(utramp_list(t, "*", NULL, NULL), -EINVAL);
	assert_int_equal(utramp_target__resume(t), -EINVAL);
	assert_int_equal(utramp_target__poll(t, 0), -EINVAL);
	assert_int_equal(utramp_target__detach(t), 0);
	utramp_target__free(t);
	utramp_object__close(o);
}

static void test_refused(void **state)
{
	struct utramp_target *t = nowhere();
	struct utramp_object *o = utramp_object__open_file(REFUSED, NULL);
	struct utramp_program *p = program_named(o, "unchecked");
	struct utramp_verdict v;

	verdict(o, "before", -ENOENT);
	assert_int_equal(utramp_object__load(o, t), -EACCES);
	assert_non_null(strstr(utramp_error(), "program unchecked: insn "));
	assert_non_null(strstr(utramp_error(), "\nat refused.bpf.c:23: *n += 1;"));
	assert_non_null(strstr(utramp_error(), "\nwhat to change: compare it with NULL first"));
	v = verdict(o, "before", 0);
	assert_int_equal(v.err, 0);
	v = verdict(o, "unchecked", 0);
	assert_int_equal(v.err, -EACCES);
	assert_non_null(
		strstr(v.reason, "R0 invalid mem access 'map_value_or_null'\nat refused.bpf.c"));
	assert_int_equal(strncmp(v.log, "R0 invalid mem access", 21), 0); /* level 0: no path */
	assert_non_null(strstr(v.log, "\nprocessed "));
	assert_true(v.processed > 3);
	verdict(o, "after", -ENOENT); /* its turn did not come */
	assert_int_equal(utramp_object__set_log_level(o, 1), -EINVAL);

	/* and there is nothing of it, nor of the others of the object */
	assert_true(utramp_program__fd(p) < 0);
	assert_true(utramp_program__fd(program_named(o, "before")) < 0);
	assert_null(utramp_program__attach(p, t, "work", NULL));
	assert_null(utramp_program__attach(program_named(o, "before"), t, "work", NULL));
	assert_true(utramp_object__attach(o, t, NULL) < 0);
	assert_int_equal(utramp_object__load(o, t), -EINVAL);
	assert_int_equal(utramp_program__set_autoload(p, true), -EINVAL);
	utramp_object__close(o);
	utramp_target__free(t);
}

static void test_log_levels(void **state)
{
	static const struct {
		unsigned level;
		const char *has, *has_not;
	} cases[] = {
		{ 1, "; *n += 1; /* it may be NULL */ @ refused.bpf.c:23\n", "verification time" },
		{ 2, "; *n += 1; /* it may be NULL */ @ refused.bpf.c:23\n", "verification time" },
		{ 4, "\nverification time ", "; *n += 1;" },
		{ 5, "\nverification time ", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct utramp_target *t = nowhere();
		struct utramp_object *o = utramp_object__open_file(REFUSED, NULL);
		struct utramp_verdict v;

		assert_int_equal(utramp_object__set_log_level(o, 8), -EINVAL);
		assert_int_equal(utramp_object__set_log_level(o, cases[i].level), 0);
		assert_int_equal(utramp_object__load(o, t), -EACCES);
		v = verdict(o, "unchecked", 0);
		if (!strstr(v.log, cases[i].has) ||
		    (cases[i].has_not && strstr(v.log, cases[i].has_not)))
			fail_msg("level %u: %s", cases[i].level, v.log);
		v = verdict(o, "before", 0);
		assert_int_equal(strstr(v.log, "\n0: (") != NULL || !strncmp(v.log, "0: ", 3),
				 cases[i].level == 2); /* accepted ones: all paths only */
		utramp_object__close(o);
		utramp_target__free(t);
	}
}

/* An older caller's struct, a newer one's; misuse. */
static void test_sizes(void **state)
{
	struct {
		struct utramp_verdict v;
		uint64_t more;
	} newer = { .v.sz = sizeof(newer), .more = 77 };
	struct utramp_verdict v = { .sz = 0 };
	struct utramp_target *t = nowhere();
	struct utramp_object *o = object_loaded(t);
	struct utramp_program *p = utramp_object__next_program(o, NULL);

	assert_int_equal(utramp_program__verdict(p, &v), -EINVAL);
	v.sz = offsetof(struct utramp_verdict, reason);
	v.reason = "mine";
	assert_int_equal(utramp_program__verdict(p, &v), 0);
	assert_string_equal(v.reason, "mine");
	assert_int_equal(utramp_program__verdict(p, &newer.v), 0);
	assert_int_equal(newer.more, 0);
	assert_int_equal(newer.v.sz, sizeof(newer));
	assert_int_equal(utramp_program__verdict(NULL, &v), -EINVAL);
	assert_int_equal(utramp_program__verdict(p, NULL), -EINVAL);
	assert_int_equal(utramp_object__set_log_level(NULL, 1), -EINVAL);
	utramp_object__close(o);
	utramp_target__free(t);
}

/* Behind everything: what is made past the verifier gets into no process and no array of programs. */
static void test_unverified(void **state)
{
	static const struct bpf_insn insn[] = { { .code = 0xb7 }, { .code = 0x95 } };
	struct program_attr attr = { .name = "raw",
				     .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .ninsns = 2,
				     .nslots = PROGRAM_NO_CTX };
	struct utramp_target *t = utramp_target__file(VICTIM ":alpha");
	struct utramp_object *o = object_loaded(t);
	struct diag d = { "" };
	struct program *p = NULL;
	struct link *l = NULL;
	struct hook *h;

	assert_non_null(utramp_program__attach(program_named(o, "on_entry"), t, "alpha", NULL));
	h = t->hooks.at[0];
	attr.arena = t->arena;
	assert_int_equal(program_load(&attr, &p, &d), 0);
	assert_int_equal(hook_link(t, h, p, TRAMP_FENTRY, 0, &l, &d), -EACCES);
	assert_non_null(strstr(d.text, "program raw was not verified"));
	program_put(p);
	assert_int_equal(program_load_verified(&attr, NULL, NULL, NULL, &p, &d), 0);
	assert_int_equal(hook_link(t, h, p, TRAMP_FENTRY, 0, &l, &d), 0);
	link_remove(l);
	program_put(p);
	utramp_object__close(o);
	utramp_target__free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nowhere),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_log_levels), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_unverified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
