/*
 * kernel_test.c - the kernel's selftest tables: fentry, fexit, many arguments, structs,
 * modify_return, get_func_args; arguments, results, sequences and codes.
 *
 * Usage: kernel_test VICTIM OBJECTDIR [MANNER]; each case is one function or one attachment.
 */
#include "driver.h"
#include "seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- tables 5.1 and 5.2: arguments and results ---------------------------------------------- */

struct expect {
	const char *func;
	unsigned id, n, slots;
	int64_t arg[SEEN_ARGS];
	int64_t ret;
};

static const struct expect table[] = {
	{ "fentry_test1", SEEN_FENTRY1, 1, 1, { 1 }, 2 },
	{ "fentry_test2", SEEN_FENTRY2, 2, 2, { 2, 3 }, 5 },
	{ "fentry_test3", SEEN_FENTRY3, 3, 3, { 4, 5, 6 }, 15 },
	{ "fentry_test4", SEEN_FENTRY4, 4, 4, { 7, 8, 9, 10 }, 34 },
	{ "fentry_test5", SEEN_FENTRY5, 5, 5, { 11, 12, 13, 14, 15 }, 65 },
	{ "fentry_test6", SEEN_FENTRY6, 6, 6, { 16, 17, 18, 19, 20, 21 }, 111 },
	{ "fentry_test7", SEEN_FENTRY7, 1, 1, { 0 }, 0 },
	{ "fentry_test8", SEEN_FENTRY8, 2, 1, { 1, 0 }, 0 },
	{ "fentry_test9", SEEN_FENTRY9, 2, 1, { 1, 0 }, 0 },
	{ "fentry_test10", SEEN_FENTRY10, 1, 1, { 30 }, 30 },
	{ "testmod_fentry_test1", SEEN_TESTMOD1, 1, 1, { 1 }, 2 },
	{ "testmod_fentry_test2", SEEN_TESTMOD2, 2, 2, { 2, 3 }, 5 },
	{ "testmod_fentry_test3", SEEN_TESTMOD3, 3, 3, { 4, 5, 6 }, 15 },
	{ "testmod_fentry_test7", SEEN_TESTMOD7, 7, 7, { 16, 17, 18, 19, 20, 21, 22 }, 133 },
	{ "testmod_fentry_test11",
	  SEEN_TESTMOD11,
	  11,
	  11,
	  { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 },
	  231 },
	{ "testmod_fentry_test11",
	  SEEN_TESTMOD11_RAW,
	  11,
	  11,
	  { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 },
	  231 },
	{ "struct_arg_1", SEEN_STRUCT1, 4, 4, { 2, 3, 1, 4 }, 10 },
	{ "struct_arg_2", SEEN_STRUCT2, 4, 4, { 1, 2, 3, 4 }, 10 },
	{ "struct_arg_3", SEEN_STRUCT3, 4, 4, { 1, 4, 2, 3 }, 10 },
	{ "struct_arg_4", SEEN_STRUCT4, 6, 6, { 10, 1, 2, 3, 2, 3 }, 21 },
	{ "struct_arg_5", SEEN_STRUCT5, 0, 0, { 0 }, 1 },
	{ "struct_arg_6", SEEN_STRUCT6, 1, 1, { 1 }, 1 },
	{ "struct_arg_7", SEEN_STRUCT7, 7, 7, { 16, 17, 18, 19, 20, 21, 22 }, 133 },
	{ "struct_arg_8", SEEN_STRUCT8, 8, 8, { 16, 17, 18, 19, 20, 21, 22, 23 }, 156 },
	{ "struct_arg_9",
	  SEEN_STRUCT9,
	  12,
	  10,
	  { 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27 },
	  258 },
};

static void check_seen(const struct seen *s, const struct expect *e, const char *kind,
		       unsigned runs)
{
	check_eq(s->runs, runs, "%s runs", kind);
	if (!runs)
		return;
	check_eq(s->n, e->n, "%s values", kind);
	check_eq((long long)s->slots, e->slots, "%s slot count", kind);
	for (unsigned i = 0; i < e->n; i++)
		check_eq(s->arg[i], e->arg[i], "%s value %u", kind, i);
	check_eq(s->ret, kind[1] == 'x' ? e->ret : 0, "%s result", kind);
}

/* Everything as the table says, the programs having run so many times each. */
static void check_table(struct utramp_object *o, const char *manner, const char *answer,
			unsigned entries, unsigned exits)
{
	static struct seen_all seen;

	map_read(o, "kernel.bss", 0, &seen, sizeof(seen));
	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct expect *e = &table[i];
		char name[128], value[64];

		snprintf(name, sizeof(name), "%s %s%s", manner, e->func,
			 e->id == SEEN_TESTMOD11_RAW ? " as u64" : "");
		tap_begin(name);
		check_seen(&seen.at[e->id][0], e, "entry", entries);
		check_seen(&seen.at[e->id][1], e, "exit", exits);
		if (!line_value(answer, e->func, value))
			snprintf(value, sizeof(value), "nothing");
		check_eq(strtoll(value, NULL, 10), e->ret, "the caller got %s", value);
		tap_end();
	}
}

static void attach_kind(struct victim *v, struct utramp_object *o, const char *prefix)
{
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		if (!strncmp(utramp_program__section(p), prefix, strlen(prefix)) &&
		    !utramp_program__attach(p, v->t, NULL, NULL))
			bail("attach %s: %s", utramp_program__name(p), utramp_error());
	}
}

static void call_all(struct victim *v, char *out, size_t size)
{
	int n = snprintf(out, size, "%s", victim_ask(v, "builtin"));

	snprintf(out + n, size - (size_t)n, "%s", victim_ask(v, "testmod"));
}

/* fentry_test, fexit_test, fentry_fexit; before the program starts or while it runs. */
static void test_table(const char *victim, const char *manner, const char *prefix, bool running)
{
	static char answer[16384];
	struct utramp_object *o;
	struct victim v;
	bool entry = strcmp(prefix, "fexit") != 0, exit = strcmp(prefix, "fentry") != 0;

	victim_start(&v, victim);
	if (running)
		victim_resume(&v);
	o = open_and_load(&v, "kernel");
	attach_kind(&v, o, *prefix == 'f' ? prefix : "");
	if (!running)
		victim_resume(&v);
	call_all(&v, answer, sizeof(answer));
	check_table(o, manner, answer, entry, exit);
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* The whole twice: after the object is closed the functions are free again. */
static void test_again(const char *victim)
{
	static char answer[16384];
	struct utramp_object *o;
	struct victim v;

	victim_start(&v, victim);
	victim_resume(&v);
	o = open_and_load(&v, "kernel");
	tap_begin("a program on its function twice");
	if (utramp_object__attach(o, v.t, NULL) < 0)
		bail("attach: %s", utramp_error());
	check_true(!utramp_program__attach(find_program(o, "fentry_test1_entry"), v.t, NULL,
					   NULL) &&
			   errno == EBUSY,
		   "errno %d", errno);
	tap_end();
	utramp_object__close(o);
	call_all(&v, answer, sizeof(answer));
	o = open_and_load(&v, "kernel");
	check_table(o, "closed", answer, 0, 0);
	if (utramp_object__attach(o, v.t, NULL) < 0)
		bail("attach: %s", utramp_error());
	call_all(&v, answer, sizeof(answer));
	check_table(o, "again", answer, 1, 1);
	if (utramp_target__detach(v.t) < 0)
		bail("detach: %s", utramp_error());
	call_all(&v, answer, sizeof(answer));
	check_table(o, "detached", answer, 1, 1);
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

/* -- modify_return ------------------------------------------------------------------------------ */

static void check_modify(struct utramp_object *o, const char *answer, int64_t input)
{
	static const int64_t args[2][7] = { { 1, 1 }, { 1, 1, 3, 4, 5, 6, 7 } };
	struct modify_state s;

	map_read(o, "modify.bss", 0, &s, sizeof(s));
	check_str(answer, input ? "modify -44 0\n" : "modify 33 2\n", "the victim");
	for (unsigned f = 0; f < 2; f++) {
		check_eq(s.f[f].entry, 3 * f + 1, "turn of entry %u", f);
		check_eq(s.f[f].mod, 3 * f + 2, "turn of fmod_ret %u", f);
		check_eq(s.f[f].exit, 3 * f + 3, "turn of exit %u", f);
		check_eq(s.f[f].mod_ret, 0, "result before fmod_ret %u", f);
		check_eq(s.f[f].ret, input ? input : f ? 29 : 4, "result seen by exit %u", f);
		for (unsigned i = 0; i < (f ? 7 : 2); i++)
			check_eq(s.f[f].arg[i], args[f][i], "exit %u argument %u", f, i);
	}
}

static void test_modify(const char *victim)
{
	struct modify_state s = { .input = 0 };
	struct utramp_object *o;
	struct victim v;

	victim_start(&v, victim);
	o = open_and_load(&v, "modify");
	if (utramp_object__attach(o, v.t, NULL) < 0)
		bail("attach: %s", utramp_error());
	victim_resume(&v);
	tap_begin("modify_return: 0 lets the functions run");
	check_modify(o, victim_ask(&v, "modify"), 0);
	tap_end();
	s.input = -EINVAL;
	map_write(o, "modify.bss", &s, sizeof(s));
	tap_begin("modify_return: -EINVAL skips them");
	check_modify(o, victim_ask(&v, "modify"), -EINVAL);
	tap_end();
	tap_begin("modify_return: detached");
	utramp_object__close(o);
	check_str(victim_ask(&v, "modify"), "modify 33 2\n", "the victim");
	victim_end(&v);
	tap_end();
}

/* -- get_func_args, cookies ------------------------------------------------------------------------ */

static void check_codes(const struct args_state *s, unsigned i, unsigned args, const int64_t *want,
			int ret_err, int64_t ret)
{
	check_eq(s->at[i].runs, 1, "runs of %u", i);
	check_eq((long long)s->at[i].cnt, args, "slot count of %u", i);
	for (unsigned n = 0; n < 3; n++) {
		check_eq(s->at[i].err[n], n < args ? 0 : -EINVAL, "code of argument %u of %u", n,
			 i);
		if (n < args && want[n] != INT64_MIN)
			check_eq((int)s->at[i].arg[n], want[n], "argument %u of %u", n, i);
	}
	check_eq(s->at[i].err[3], -EINVAL, "code of argument 64 of %u", i);
	check_eq(s->at[i].ret_err, ret_err, "code of the result of %u", i);
	if (!ret_err)
		check_eq((int)s->at[i].ret, ret, "result of %u", i);
}

static void test_args(const char *victim)
{
	static const uint64_t cookie[4] = { 0x10000000000000, 0x20000000000000, 0x30000000000000,
					    UINT64_MAX };
	static const char *const names[4] = { "test1", "test2", "fmod_ret_test", "fexit_test" };
	struct utramp_object *o;
	struct args_state s;
	struct victim v;
	uint64_t addr;

	victim_start(&v, victim);
	o = open_and_load(&v, "args");
	for (unsigned i = 0; i < 4; i++)
		attach_one(&v, o, names[i], NULL, cookie[i]);
	victim_resume(&v);
	victim_ask(&v, "builtin");
	tap_begin("get_func_args: 1234 replaces the first result only");
	check_str(victim_ask(&v, "modify"), "modify 1263 1\n", "the victim");
	tap_end();
	map_read(o, "args.bss", 0, &s, sizeof(s));
	tap_begin("get_func_args: entry");
	check_codes(&s, 0, 1, (int64_t[]){ 1 }, -EOPNOTSUPP, 0);
	tap_end();
	tap_begin("get_func_args: exit");
	check_codes(&s, 1, 2, (int64_t[]){ 2, 3 }, 0, 5);
	tap_end();
	tap_begin("get_func_args: fmod_ret");
	check_codes(&s, 2, 2, (int64_t[]){ 1, INT64_MIN }, 0, 0);
	tap_end();
	tap_begin("get_func_args: exit after fmod_ret");
	check_codes(&s, 3, 2, (int64_t[]){ 1, INT64_MIN }, 0, 1234);
	tap_end();
	tap_begin("cookies of 64 bits reach every kind");
	for (unsigned i = 0; i < 4; i++)
		check_eq((long long)s.at[i].cookie, (long long)cookie[i], "cookie of %s", names[i]);
	tap_end();
	tap_begin("bpf_get_func_ip");
	addr = strtoull(victim_ask(&v, "fentry_test1"), NULL, 16);
	check_eq((long long)s.at[0].ip, (long long)addr, "address of fentry_test1");
	check_eq((long long)s.at[3].ip, (long long)s.at[2].ip, "address, fmod_ret and exit");
	tap_end();
	tap_begin("the victim ends");
	utramp_object__close(o);
	victim_end(&v);
	tap_end();
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	objects_dir = argv[2];
	test_table(argv[1], "entry", "fentry", false);
	test_table(argv[1], "exit", "fexit", false);
	test_table(argv[1], "both", "both", false);
	test_table(argv[1], "running", "both", true);
	test_again(argv[1]);
	test_modify(argv[1]);
	test_args(argv[1]);
	return tap_done();
}
