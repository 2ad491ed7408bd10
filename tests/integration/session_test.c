/*
 * session_test.c - fsession programs and programs for many functions (.multi), after the
 * kernel's selftests fsession_test and tracing_multi.
 *
 * Usage: session_test VICTIM OBJECTDIR THROWING_VICTIM
 */
#include "driver.h"
#include "seen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct session_state seen;
static struct multi_state many;

static void fetch(struct utramp_object *o)
{
	map_read(o, "session.bss", 0, &seen, sizeof(seen));
}

static uint64_t address(struct victim *v, const char *func)
{
	return strtoull(victim_ask(v, func), NULL, 16);
}

/* An attachment fails with this errno and words of the reason. */
static void check_refused(const struct utramp_link *l, int err, const char *why)
{
	check_true(!l && errno == err, "attached %d, errno %d, expected %d", !!l, errno, err);
	check_true(strstr(utramp_error(), why) != NULL, "'%s' does not say '%s'", utramp_error(),
		   why);
}

/* -- fsession ------------------------------------------------------------------------------- */

static const struct {
	const char *prog, *func;
	enum session_id id;
	unsigned n;
	int64_t arg[5], ret;
} table[] = {
	{ "test1", "fentry_test1", SESSION_TEST1, 1, { 1 }, 2 },
	{ "test3", "fentry_test3", SESSION_TEST3, 3, { 4, 5, 6 }, 15 },
	{ "test4", "fentry_test4", SESSION_TEST4, 4, { 7, 8, 9, 10 }, 34 },
	{ "test5", "fentry_test5", SESSION_TEST5, 5, { 11, 12, 13, 14, 15 }, 65 },
	{ "test7", "fentry_test7", SESSION_TEST7, 1, { 0 }, 0 },
};
#define TABLE (sizeof(table) / sizeof(table[0]))

static void check_row(struct victim *v, unsigned i, unsigned runs)
{
	const struct session_seen *s = &seen.at[table[i].id];
	uint64_t addr = address(v, table[i].func);

	for (unsigned p = 0; p < 2; p++) {
		const char *when = p ? "exit" : "entry";

		check_eq(s->phase[p].runs, runs, "%s runs", when);
		for (unsigned k = 0; k < table[i].n; k++)
			check_eq(s->phase[p].arg[k], table[i].arg[k], "%s argument %u", when, k);
		check_eq(s->phase[p].ret, p ? table[i].ret : 0, "%s result", when);
		check_eq(s->phase[p].ret_err, 0, "%s code of bpf_get_func_ret", when);
		check_eq((int)s->phase[p].got_ret, p ? table[i].ret : 0, "%s helper's result",
			 when);
		check_eq((long long)s->phase[p].cnt, table[i].n, "%s slots", when);
		check_eq((long long)s->phase[p].ip, (long long)addr, "%s ip", when);
		check_eq((long long)s->phase[p].attach_cookie, 40 + i, "%s attach cookie", when);
		check_eq((long long)s->phase[p].cookie, p ? 0xc00c1e00 + table[i].id : 0,
			 "%s session cookie", when);
	}
}

static void test_table(const char *victim)
{
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	for (unsigned i = 0; i < TABLE; i++)
		attach_one(&v, o, table[i].prog, NULL, 40 + i);
	victim_resume(&v);
	for (unsigned runs = 1; runs <= 2; runs++) {
		victim_ask(&v, "builtin");
		fetch(o);
		for (unsigned i = 0; i < TABLE; i++) {
			char name[64];

			snprintf(name, sizeof(name), "fsession %s, call %u", table[i].func, runs);
			tap_begin(name);
			check_row(&v, i, runs);
			tap_end();
		}
	}
	tap_begin("fsession: twice on its function");
	check_refused(utramp_program__attach(find_program(o, "test1"), v.t, NULL, NULL), EBUSY,
		      "attached to fentry_test1 already");
	tap_end();
	tap_begin("fsession: no exit where exits are impossible");
	check_refused(utramp_program__attach(find_program(o, "other"), v.t, "libc:vfork", NULL),
		      ENOTSUP, "cannot attach other");
	tap_end();
	tap_begin("fsession: detached");
	utramp_object__close(o);
	check_true(text_is_files(&v, address(&v, "fentry_test1"), 16), "the text is not restored");
	victim_ask(&v, "builtin");
	victim_end(&v);
	tap_end();
}

/* Several on one function: each its own cookie; newest first, at entry and at exit. */
static void test_several(const char *victim)
{
	static const uint32_t order[][3] = { { SESSION_OTHER, 1, 4 },
					     { SESSION_PLAIN, 2, 5 },
					     { SESSION_TEST1, 3, 6 } };
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	attach_one(&v, o, "test1", NULL, 0);
	attach_one(&v, o, "plain", "fentry_test1", 0);
	attach_one(&v, o, "other", "fentry_test1", 0);
	victim_resume(&v);
	tap_begin("fsession: several on one function");
	check_str(victim_ask(&v, "test1"), "fentry_test1 2\n", "the victim");
	fetch(o);
	for (unsigned i = 0; i < 3; i++) {
		check_eq(seen.at[order[i][0]].phase[0].turn, order[i][1], "turn at entry, %u", i);
		check_eq(seen.at[order[i][0]].phase[1].turn, order[i][2], "turn at exit, %u", i);
		check_eq(seen.at[order[i][0]].phase[1].ret_err, 0, "result code, %u", i);
		check_eq((int)seen.at[order[i][0]].phase[1].got_ret, 2, "result, %u", i);
	}
	check_eq((long long)seen.at[SESSION_OTHER].phase[0].cookie, 0, "other's cookie at entry");
	check_eq((long long)seen.at[SESSION_OTHER].phase[1].cookie, 0x0123456789abcdef,
		 "other's cookie at exit");
	check_eq((long long)seen.at[SESSION_TEST1].phase[1].cookie, 0xc00c1e00 + SESSION_TEST1,
		 "test1's cookie at exit");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* fx_nest calls itself: depth 20 has 21 calls, each with a cookie of its own. */
static void test_recursion(const char *victim)
{
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	attach_one(&v, o, "recursion", "fx_nest", 0);
	victim_resume(&v);
	tap_begin("fsession: a function that calls itself");
	check_str(victim_ask(&v, "nest"), "nest 20\n", "the victim");
	fetch(o);
	check_eq(seen.at[SESSION_RECURSION].phase[0].runs, 21, "entries");
	check_eq(seen.at[SESSION_RECURSION].phase[1].runs, 21, "exits");
	check_eq(seen.at[SESSION_RECURSION].odd, 0, "cookies of other calls");
	check_eq((int)seen.at[SESSION_RECURSION].phase[1].got_ret, 20, "the last result");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* fmod_ret skips the function: entry and exit run, exit sees the value. */
static void test_skipped(const char *victim)
{
	struct modify_state s = { .input = -EINVAL };
	struct utramp_object *o, *m;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	m = open_and_load(&v, "modify");
	attach_one(&v, o, "other", "modify_return_test", 0);
	if (utramp_object__attach(m, v.t, NULL) < 0)
		bail("attach: %s", utramp_error());
	map_write(m, "modify.bss", &s, sizeof(s));
	victim_resume(&v);
	tap_begin("fsession: a function that fmod_ret skips");
	check_str(victim_ask(&v, "modify"), "modify -44 0\n", "the victim");
	fetch(o);
	check_eq(seen.at[SESSION_OTHER].phase[0].runs, 1, "entries");
	check_eq(seen.at[SESSION_OTHER].phase[1].runs, 1, "exits");
	check_eq(seen.at[SESSION_OTHER].phase[0].got_ret, 0, "result at entry");
	check_eq(seen.at[SESSION_OTHER].phase[1].got_ret, -EINVAL, "result at exit");
	check_eq((long long)seen.at[SESSION_OTHER].phase[1].cookie, 0x0123456789abcdef, "cookie");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(m);
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* Detached while a call is inside: it returns without an exit, as with fexit. */
static void test_detach_inside(const char *victim)
{
	struct utramp_object *o;
	struct utramp_link *l;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	l = attach_one(&v, o, "other", "fx_sleep", 0);
	victim_resume(&v);
	tap_begin("fsession: detached while a call is inside");
	check_str(victim_ask(&v, "sleep"), "inside\n", "the victim");
	check_eq(utramp_link__destroy(l), 0, "destroy");
	check_str(victim_ask(&v, ""), "sleep 408\n", "the victim");
	fetch(o);
	check_eq(seen.at[SESSION_OTHER].phase[0].runs, 1, "entries");
	check_eq(seen.at[SESSION_OTHER].phase[1].runs, 0, "exits");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* Exceptions leave calls without their exits; what comes after them is as if they were not. */
static void test_exceptions(const char *victim)
{
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "session");
	attach_one(&v, o, "recursion", "fx_throw", 0);
	attach_one(&v, o, "other", "fx_throw", 0);
	victim_resume(&v);
	tap_begin("fsession: exceptions through the function");
	for (int i = 0; i < 3; i++)
		check_str(victim_ask(&v, "throw"), "caught 7\n", "the victim");
	fetch(o);
	check_eq(seen.at[SESSION_RECURSION].phase[0].runs, 30, "entries");
	check_eq(seen.at[SESSION_RECURSION].phase[1].runs, 0, "exits");
	check_str(victim_ask(&v, "quiet"), "returned 9\n", "the victim");
	fetch(o);
	check_eq(seen.at[SESSION_RECURSION].phase[0].runs, 40, "entries");
	check_eq(seen.at[SESSION_RECURSION].phase[1].runs, 10, "exits");
	check_eq(seen.at[SESSION_RECURSION].odd, 0, "cookies of other calls");
	check_eq((long long)seen.at[SESSION_OTHER].phase[0].cookie, 0, "a cookie at entry");
	tap_end();
	tap_begin("fsession: exceptions, detached");
	utramp_object__close(o);
	check_true(text_is_files(&v, address(&v, "fx_throw"), 16), "the text is not restored");
	check_str(victim_ask(&v, "throw"), "caught 7\n", "the victim");
	victim_end(&v);
	tap_end();
}

/* -- .multi ----------------------------------------------------------------------------------- */

static const char *const tests[10] = { "fentry_test1", "fentry_test2", "fentry_test3",
				       "fentry_test4", "fentry_test5", "fentry_test6",
				       "fentry_test7", "fentry_test8", "fentry_test9",
				       "fentry_test10" };
static const uint64_t cookies[10] = { 8, 9, 7, 5, 4, 2, 3, 1, 10, 6 };
static const struct {
	unsigned n;
	int64_t first, last, ret; /* pointers of the victim's stack: INT64_MIN */
} calls[10] = {
	{ 1, 1, 1, 2 },
	{ 2, 2, 3, 5 },
	{ 3, 4, 6, 15 },
	{ 4, 7, 10, 34 },
	{ 5, 11, 15, 65 },
	{ 6, 16, 21, 111 },
	{ 1, 0, 0, 0 },
	{ 1, INT64_MIN, INT64_MIN, 0 },
	{ 1, INT64_MIN, INT64_MIN, 0 },
	{ 1, 30, 30, 30 },
};

static struct utramp_link *attach_list(struct victim *v, struct utramp_object *o, const char *prog,
				       const char *const *syms, const uint64_t *c, size_t n)
{
	struct utramp_attach_opts opts = {
		.sz = sizeof(opts), .syms = syms, .cookies = c, .cnt = n
	};

	return utramp_program__attach(find_program(o, prog), v->t, NULL, &opts);
}

static void fetch_many(struct utramp_object *o)
{
	map_read(o, "multi.bss", 0, &many, sizeof(many));
}

static void check_many(struct victim *v, unsigned prog, unsigned runs, bool result)
{
	for (unsigned i = 0; i < 10; i++) {
		const typeof(many.at[0][0]) *s = &many.at[prog][cookies[i]];

		check_eq(s->runs, runs, "runs on %s", tests[i]);
		if (!runs)
			continue;
		check_eq((long long)s->ip, (long long)address(v, tests[i]), "ip of %s", tests[i]);
		check_eq((long long)s->cnt, calls[i].n, "slots of %s", tests[i]);
		check_eq(s->past, -EINVAL, "one argument too many of %s", tests[i]);
		if (calls[i].first != INT64_MIN) {
			check_eq((int)s->arg0, calls[i].first, "first argument of %s", tests[i]);
			check_eq((int)s->last, calls[i].last, "last argument of %s", tests[i]);
		}
		check_eq((int)s->ret, result ? calls[i].ret : 0, "result of %s", tests[i]);
	}
}

static void check_sessions(void)
{
	for (unsigned i = 0; i < 10; i++) {
		const typeof(many.at[0][0]) *s = &many.at[MULTI_SESSION][cookies[i]];

		check_eq(s->exits, s->runs, "exits of %s", tests[i]);
		check_eq((long long)s->kept, (long long)(s->ip ^ s->arg0), "session cookie of %s",
			 tests[i]);
	}
}

/* Ten functions by name, each its cookie; then by pattern, all the same one. */
static void test_cookies(const char *victim)
{
	struct utramp_link *l[3];
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "multi");
	l[0] = attach_list(&v, o, "entry", tests, cookies, 10);
	l[1] = attach_list(&v, o, "leave", tests, cookies, 10);
	l[2] = attach_list(&v, o, "both", tests, cookies, 10);
	tap_begin(".multi: a list with cookies");
	for (unsigned i = 0; i < 3; i++)
		check_eq(l[i] ? utramp_link__functions(l[i]) : 0, 10, "functions of %u (%s)", i,
			 utramp_error());
	victim_resume(&v);
	victim_ask(&v, "builtin");
	fetch_many(o);
	check_many(&v, MULTI_ENTRY, 1, false);
	check_many(&v, MULTI_EXIT, 1, true);
	check_many(&v, MULTI_SESSION, 1, true);
	check_sessions();
	tap_end();

	tap_begin(".multi: by pattern, while it runs");
	for (unsigned i = 0; i < 3; i++)
		check_eq(utramp_link__destroy(l[i]), 0, "destroy %u", i);
	check_true(text_is_files(&v, address(&v, "fentry_test1"), 16), "the text is not restored");
	attach_one(&v, o, "both", NULL, 12);
	check_eq(utramp_target__functions(v.t, NULL, NULL), 10, "functions");
	victim_ask(&v, "builtin");
	fetch_many(o);
	check_eq(many.at[MULTI_SESSION][12].runs, 10, "entries");
	check_eq(many.at[MULTI_SESSION][12].exits, 10, "exits");
	check_many(&v, MULTI_ENTRY, 1, false); /* detached: no more */
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* Two links that share functions, and a single program among them. */
static void test_intersect(const char *victim)
{
	static const uint64_t second[5] = { 5, 4, 2, 3, 1 }; /* fentry_test4 .. 8 */
	struct utramp_link *l, *m;
	struct utramp_object *o;
	static struct victim v;

	victim_start(&v, victim);
	victim_resume(&v);
	o = open_and_load(&v, "multi");
	l = attach_list(&v, o, "entry", tests, cookies, 6);
	m = attach_list(&v, o, "bare", tests + 3, second, 5);
	attach_one(&v, o, "single", NULL, 0);
	tap_begin(".multi: links that intersect");
	check_true(l && m, "%s", utramp_error());
	check_eq(utramp_target__functions(v.t, NULL, NULL), 8, "functions");
	victim_ask(&v, "builtin");
	fetch_many(o);
	for (unsigned i = 0; i < 10; i++) {
		check_eq(many.at[MULTI_ENTRY][cookies[i]].runs, i < 6, "first on %s", tests[i]);
		check_eq(many.at[MULTI_OTHER][cookies[i]].runs, i >= 3 && i < 8, "second on %s",
			 tests[i]);
	}
	check_eq(utramp_link__destroy(l), 0, "destroy");
	victim_ask(&v, "builtin");
	fetch_many(o);
	for (unsigned i = 0; i < 10; i++) {
		check_eq(many.at[MULTI_ENTRY][cookies[i]].runs, i < 6, "first on %s", tests[i]);
		check_eq(many.at[MULTI_OTHER][cookies[i]].runs, i >= 3 && i < 8 ? 2 : 0,
			 "second on %s", tests[i]);
	}
	check_true(text_is_files(&v, address(&v, "fentry_test2"), 16), "test2 is not restored");
	check_true(!text_is_files(&v, address(&v, "fentry_test4"), 16), "test4 is restored");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

static void check_untouched(struct victim *v, struct utramp_object *o)
{
	check_eq(utramp_target__functions(v->t, NULL, NULL), 0, "functions");
	for (unsigned i = 0; i < 10; i++)
		check_true(text_is_files(v, address(v, tests[i]), 16), "%s is patched", tests[i]);
	victim_ask(v, "builtin");
	fetch_many(o);
	for (unsigned i = 0; i < MULTI_COOKIES; i++)
		check_eq(many.at[MULTI_ENTRY][i].runs, 0, "runs with cookie %u", i);
}

static void test_lists_refused(struct victim *v, struct utramp_object *o)
{
	static const char *const twice[3] = { "fentry_test1", "fentry_test2", "fentry_test1" };
	static const char *const within[2] = { "fentry_test*", "fentry_test3" };
	static const char *const absent[3] = { "fentry_test1", "fentry_test2", "no_such_function" };
	static const char *const start[3] = { "fentry_test1", "_start", "fentry_test2" };
	static const char *const hole[2] = { "fentry_test1", NULL };
	struct utramp_attach_opts both = {
		.sz = sizeof(both), .syms = tests, .cookies = cookies, .cnt = 10
	};
	struct utramp_program *entry = find_program(o, "entry");

	tap_begin(".multi: a function twice in a list");
	check_refused(attach_list(v, o, "entry", twice, cookies, 3), EINVAL,
		      "fentry_test1 is in the list more than once");
	check_refused(attach_list(v, o, "entry", within, cookies, 2), EINVAL,
		      "fentry_test3 is in the list more than once");
	check_untouched(v, o);
	tap_end();
	tap_begin(".multi: one that is not there, or cannot be attached");
	check_refused(attach_list(v, o, "entry", absent, cookies, 3), ENOENT, "no_such_function");
	check_refused(attach_list(v, o, "entry", start, cookies, 3), ENOTSUP, "_start");
	check_untouched(v, o);
	tap_end();
	tap_begin(".multi: lists that are none");
	check_refused(attach_list(v, o, "entry", hole, cookies, 2), EINVAL, "syms[1]");
	check_refused(attach_list(v, o, "entry", tests, cookies, 0), EINVAL, "syms and cnt");
	check_refused(attach_list(v, o, "entry", NULL, cookies, 10), EINVAL, "syms and cnt");
	check_refused(utramp_program__attach(entry, v->t, "fentry_test1", &both), EINVAL,
		      "a list and a spec");
	check_refused(attach_list(v, o, "single", tests, cookies, 10), EINVAL,
		      "a list of functions is for .multi programs");
	check_true(utramp_object__attach(o, v->t, &both) == -EINVAL, "a list for all programs");
	check_refused(attach_list(v, o, "bare", NULL, NULL, 0), EINVAL, "names no function");
	check_untouched(v, o);
	tap_end();
}

static void poke(struct victim *v, uint64_t addr, uint8_t byte)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)utramp_target__pid(v->t));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, &byte, 1, (off_t)addr) != 1)
		bail("%s: %s", path, strerror(errno));
	close(fd);
}

/* Found out only when the text is written: the others are taken back. */
static void test_rollback(struct victim *v, struct utramp_object *o)
{
	uint64_t addr = address(v, "fentry_test5") + 1;
	uint8_t was = 0;
	char path[64];
	int fd;

	tap_begin(".multi: one function whose bytes somebody changed");
	utramp_link__destroy(attach_one(v, o, "bare", "fentry_test5", 0)); /* its bytes are known */
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)utramp_target__pid(v->t));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &was, 1, (off_t)addr) != 1)
		bail("%s: %s", path, strerror(errno));
	close(fd);
	poke(v, addr, (uint8_t)(was ^ 1));
	check_refused(attach_list(v, o, "entry", tests, cookies, 10), EBUSY,
		      "fentry_test5: its first bytes are not what they were");
	poke(v, addr, was);
	check_untouched(v, o);
	check_true(attach_list(v, o, "entry", tests, cookies, 10) != NULL, "%s", utramp_error());
	victim_ask(v, "builtin");
	fetch_many(o);
	check_many(v, MULTI_ENTRY, 1, false);
	tap_end();
	tap_begin(".multi: once more on some of its functions");
	check_refused(attach_list(v, o, "entry", tests + 9, cookies, 1), EBUSY,
		      "attached to fentry_test10 already");
	check_eq(utramp_target__functions(v->t, NULL, NULL), 10, "functions");
	tap_end();
}

static void test_refusals(const char *victim)
{
	struct utramp_object *o, *bad;
	static struct victim v;
	char path[4096];

	victim_start(&v, victim);
	victim_resume(&v);
	o = open_and_load(&v, "multi");
	test_lists_refused(&v, o);
	test_rollback(&v, o);
	tap_begin(".multi: typed arguments");
	snprintf(path, sizeof(path), "%s/multibad.bpf.o", objects_dir);
	bad = utramp_object__open_file(path, NULL);
	check_true(bad && utramp_object__load(bad, v.t) == -EACCES &&
			   strstr(utramp_error(), "a .multi program has no typed arguments"),
		   "%s", utramp_error());
	utramp_object__close(bad);
	tap_end();
	tap_begin("fmod_ret.multi");
	snprintf(path, sizeof(path), "%s/multikind.bpf.o", objects_dir);
	bad = utramp_object__open_file(path, NULL);
	check_true(!bad && errno == ENOTSUP && strstr(utramp_error(), "there is no fmod_ret.multi"),
		   "%s", utramp_error());
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	objects_dir = argv[2];
	test_table(argv[1]);
	test_several(argv[1]);
	test_recursion(argv[1]);
	test_skipped(argv[1]);
	test_detach_inside(argv[1]);
	test_exceptions(argv[3]);
	test_cookies(argv[1]);
	test_intersect(argv[1]);
	test_refusals(argv[1]);
	return tap_done();
}
