/*
 * code_test.c - utramp_code: what is shown is what gets written, and looking changes nothing.
 */
#include "util.h"

#include "attach/code.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

struct looked {
	int n, stop_at;
	char text[128 * 1024], json[128 * 1024], func[64];
};

static int look(void *ctx, const struct utramp_code_info *i)
{
	struct looked *l = ctx;

	assert_int_equal(i->sz, sizeof(*i));
	snprintf(l->text, sizeof(l->text), "%s", i->text);
	snprintf(l->json, sizeof(l->json), "%s", i->json);
	snprintf(l->func, sizeof(l->func), "%s", i->func);
	return ++l->n == l->stop_at;
}

static struct hook *hook_named(struct utramp_target *t, const char *name)
{
	struct hook_list list = { 0 };
	struct hook *h;

	assert_int_equal(session_hooks(t, name, &list, NULL), 0);
	assert_int_equal(list.n, 1);
	h = list.at[0];
	vec_free(&list);
	return h;
}

/* The process's memory holds these bytes. */
static void holds(struct utramp_target *t, taddr_t at, const void *want, size_t n)
{
	uint8_t *have = malloc(n);

	assert_non_null(have);
	assert_int_equal(process_read(t->proc, at, have, n), 0);
	assert_memory_equal(have, want, n);
	free(have);
}

/* Shown before anything is written, then written, shown again, and both are the same. */
static void test_shown_is_written(void **state)
{
	struct pipes p;
	struct utramp_target *t = victim_start("run", "2", &p);
	struct utramp_object *o = object_loaded(t);
	struct code_view before, after;
	struct hook *h;

	assert_int_equal(utramp_object__attach(o, t, NULL), 0);
	h = hook_named(t, "alpha");
	assert_int_equal(code_view_init(&before, t, h, TRAMP_OURS, NULL), 0);
	assert_int_equal(h->slot_at, 0);
	assert_true(h->dirty);
	assert_int_equal(session_commit(t, NULL), 0);
	assert_int_equal(h->image, before.image_at);
	assert_int_equal(h->slot_at, before.slot.at);
	holds(t, before.image_at, before.image.bytes, (size_t)before.image.n);
	holds(t, before.slot.at, before.slot_bytes, before.slot_len);
	assert_int_equal(code_view_init(&after, t, h, TRAMP_OURS, NULL), 0);
	assert_int_equal(after.image_at, before.image_at);
	assert_int_equal(after.image.n, before.image.n);
	assert_memory_equal(after.image.bytes, before.image.bytes, (size_t)after.image.n);
	assert_memory_equal(after.slot_bytes, before.slot_bytes, after.slot_len);
	for (unsigned i = 0; i < before.recipe.nprogs; i++) {
		assert_true(before.prog[i].call_hi > before.prog[i].call_lo);
		/* a program that stands at its call site has no other code */
		assert_true(before.prog[i].code_hi >= before.prog[i].code_lo);
	}
	code_view_fini(&before);
	code_view_fini(&after);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

/* An example is gone after the look: the function is not patched, nothing is counted. */
static void test_looking_changes_nothing(void **state)
{
	struct utramp_code_opts only = { .sz = sizeof(only), .attached = true };
	static struct looked l;
	uint8_t now[8], file[8];
	char truth[64], line[64];
	struct pipes p;
	struct utramp_target *t = victim_start("run", "7", &p);
	uint64_t addr;

	victim_truth("7", truth, sizeof(truth));
	l = (struct looked){ 0 };
	assert_int_equal(utramp_code(t, "alpha", &only, look, &l), 0);
	assert_int_equal(utramp_code(t, "alpha", NULL, look, &l), 1);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.func, "alpha");
	assert_non_null(strstr(l.text, "run example_entry"));
	assert_non_null(strstr(l.json, "\"example\":true"));
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	assert_int_equal(session_commit(t, NULL), 0);
	assert_int_equal(func_bytes(t, "alpha", now, file, &addr), 0);
	assert_memory_equal(now, file, 8);
	assert_int_equal(utramp_target__resume(t), 0);
	assert_int_equal(WEXITSTATUS(victim_end(t)), 3);
	victim_line(&p, line, sizeof(line));
	assert_string_equal(line, truth);
	utramp_target__free(t);
	pipes_close(&p);
}

/* While it runs, with programs and after they left. */
static void test_running(void **state)
{
	static struct looked l;
	struct pipes p;
	struct utramp_target *t = victim_start("loop", "1", &p);
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *link;

	l = (struct looked){ 0 };
	assert_int_equal(utramp_target__resume(t), 0);
	link = utramp_program__attach(program_named(o, "on_exit"), t, NULL, NULL);
	assert_non_null(link);
	assert_int_equal(utramp_code(t, "alpha", NULL, look, &l), 1);
	assert_non_null(strstr(l.text, "1. fexit on_exit of "));
	assert_int_equal(utramp_link__destroy(link), 0);
	assert_int_equal(utramp_code(t, "alpha", NULL, look, &l), 1);
	assert_null(strstr(l.text, "on_exit"));
	assert_non_null(strstr(l.text, "2. fexit example_exit"));
	assert_int_equal(hook_named(t, "alpha")->dirty, false);
	kill(utramp_target__pid(t), 9);
	victim_end(t);
	assert_int_equal(utramp_code(t, "alpha", NULL, look, &l), -ESRCH);
	utramp_object__close(o);
	utramp_target__free(t);
	pipes_close(&p);
}

static void test_file(void **state)
{
	static struct looked l;
	struct utramp_target *t = utramp_target__file(VICTIM ":alpha");
	struct utramp_object *o;
	struct utramp_trace *tr;

	l = (struct looked){ 0 };
	assert_non_null(t);
	assert_int_equal(utramp_target__pid(t), -1);
	assert_int_equal(utramp_target__resume(t), -EINVAL);
	assert_int_equal(utramp_target__poll(t, 0), -EINVAL);
	o = object_loaded(t);
	assert_int_equal(utramp_object__attach(o, t, NULL), 0);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 1);
	tr = utramp_trace__new(t, NULL);
	assert_non_null(tr);
	assert_int_equal(utramp_trace__add(tr, "alpha", NULL), 1);
	assert_int_equal(utramp_code(t, "alpha", NULL, look, &l), 1);
	assert_non_null(strstr(l.text, "1. fentry trace_alpha\n"));
	assert_non_null(strstr(l.text, "2. fentry on_entry of "));
	assert_non_null(strstr(l.text, "4. fexit on_exit of "));
	utramp_trace__free(tr);
	assert_int_equal(utramp_target__detach(t), 0);
	assert_int_equal(utramp_target__functions(t, NULL, NULL), 0);
	utramp_target__free(t);
	utramp_object__close(o);
	assert_null(utramp_target__file("alpha"));
	assert_int_equal(errno, EINVAL);
	assert_null(utramp_target__file("/nonexistent:alpha"));
	assert_int_equal(errno, ENOENT);
	t = utramp_target__file(NULL); /* not even a file: verify.h */
	assert_non_null(t);
	assert_int_equal(utramp_target__resume(t), -EINVAL);
	utramp_target__free(t);
}

/* Of what a program names only what another spec names as well. */
static void test_within(void **state)
{
	struct utramp_attach_opts opts = { .sz = sizeof(opts), .within = "*a" };
	struct utramp_target *t = utramp_target__file(VICTIM ":alpha");
	struct utramp_object *o = object_loaded(t);
	struct utramp_link *l = utramp_program__attach(program_named(o, "bare"), t, "al*", &opts);
	struct utramp_trace *tr = utramp_trace__new(t, NULL);

	assert_non_null(l);
	assert_int_equal(utramp_link__functions(l), 1);
	opts.within = "beta";
	l = utramp_program__attach(program_named(o, "on_entry"), t, NULL, &opts);
	assert_non_null(l);
	assert_int_equal(utramp_link__functions(l), 0);
	assert_int_equal(utramp_trace__add(tr, "alpha", &opts), 0);
	opts.within = "nosuch";
	assert_null(utramp_program__attach(program_named(o, "on_entry"), t, NULL, &opts));
	assert_int_equal(errno, ENOENT);
	utramp_trace__free(tr);
	utramp_object__close(o);
	utramp_target__free(t);
}

static void test_misuse(void **state)
{
	struct utramp_code_opts opts = { .sz = 0 };
	static struct looked l;

	l = (struct looked){ .stop_at = 1 };
	assert_int_equal(utramp_code(NULL, NULL, NULL, look, &l), -EINVAL);
	assert_int_equal(utramp_code(NULL, VICTIM ":alpha", NULL, NULL, &l), -EINVAL);
	assert_int_equal(utramp_code(NULL, VICTIM ":alpha", &opts, look, &l), -EINVAL);
	opts.sz = sizeof(opts);
	opts.layout = (enum utramp_layout)7;
	assert_int_equal(utramp_code(NULL, VICTIM ":alpha", &opts, look, &l), -EINVAL);
	assert_non_null(strstr(utramp_error(), "ours, seed"));
	assert_int_equal(l.n, 0);
	assert_int_equal(utramp_code(NULL, VICTIM ":*", NULL, look, &l), 1);
	assert_int_equal(l.n, 1); /* stopped */
	assert_int_equal(utramp_code(NULL, VICTIM ":nosuch", NULL, look, &l), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown_is_written),
		cmocka_unit_test(test_looking_changes_nothing),
		cmocka_unit_test(test_running),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests_name("attach/code", tests, NULL, NULL);
}
