/*
 * kfunc_test.c - kfuncs in both engines, who may call them, what is known of them; and
 * programs of .multi sections, whose ctx has no typed arguments.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/kfunc.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IS_RETURN "call kfunc 0x10000\n"
#define COOKIE    "call kfunc 0x10001\n"
#define ERRNO     "call kfunc 0x10002\n"
#define RESULT    "call kfunc 0x10003\n"
#define RET       (1ull << 63)

static void expect(enum program_kind kind, const char *text, int err, const char *why)
{
	int got;
	const char *said = run_refused(kind, text, &got);

	if (got != err || !strstr(said, why))
		fail_msg("%d '%s', want %d '%s', for:\n%s", got, said, err, why, text);
}

/* -- the table, the checks ------------------------------------------------------------- */

static void test_table(void **state)
{
	const struct kfunc *k;
	unsigned n;

	k = kfunc_table(&n);
	assert_true(n >= 2);
	for (unsigned i = 0; i < n; i++) {
		assert_ptr_equal(kfunc_by_id(k[i].id), &k[i]);
		assert_true(k[i].id >= 0x10000 && k[i].nargs <= KFUNC_MAX_ARGS);
		assert_true(k[i].kinds && k[i].result < KFUNC_TYPES);
		for (unsigned j = 0; j < i; j++) {
			assert_int_not_equal(k[i].id, k[j].id);
			assert_string_not_equal(k[i].name, k[j].name);
		}
	}
	assert_null(kfunc_by_id(0));
	assert_null(kfunc_by_id(77));
	assert_string_equal(kfunc_by_id(KFUNC_SESSION_COOKIE)->name, "bpf_session_cookie");
}

static void test_who_may_call(void **state)
{
	for (int k = PROGRAM_FENTRY; k <= PROGRAM_PLAIN; k++) {
		if (k == PROGRAM_FSESSION)
			continue;
		expect((enum program_kind)k, IS_RETURN "exit\n", -EACCES,
		       "insn 0: bpf_session_is_return() is for fsession programs");
		expect((enum program_kind)k, COOKIE "exit\n", -EACCES,
		       "bpf_session_cookie() is for fsession programs: name the section "
		       "fsession/FUNCTION");
	}
	for (int k = PROGRAM_FENTRY; k <= PROGRAM_PLAIN; k++) {
		if (k != PROGRAM_FMOD_RET)
			expect((enum program_kind)k, "mov r1, 5\n" ERRNO "exit\n", -EACCES,
			       "insn 1: utramp_set_errno() is for fmod_ret programs: name the "
			       "section fmod_ret/FUNCTION");
	}
	expect(PROGRAM_FMOD_RET, "mov r1, 5\n" ERRNO "exit\n", 0, "");
	expect(PROGRAM_FMOD_RET, "mov r1, 5\ncall 14\n" ERRNO "exit\n", -EACCES, "r1 is read");
	expect(PROGRAM_FSESSION, IS_RETURN "exit\n", 0, "");
	expect(PROGRAM_FSESSION, COOKIE "exit\n", 0, "");
	expect(PROGRAM_FSESSION, "call kfunc 77\nexit\n", -ENOTSUP, "unknown kfunc #77");
	expect(PROGRAM_FSESSION, "call kfunc 0\nexit\n", -ENOTSUP, "weak kfunc");
}

static void test_arguments(void **state)
{
	const char *not_ctx = "r1 is not ctx";

	expect(PROGRAM_FSESSION, "mov r1, r10\n" COOKIE "exit\n", -EACCES, not_ctx);
	expect(PROGRAM_FSESSION, "add r1, 8\n" COOKIE "exit\n", -EACCES, not_ctx);
	expect(PROGRAM_FSESSION, IS_RETURN COOKIE "exit\n", -EACCES,
	       "insn 1 (call bpf_session_cookie#65537): r1 is read, but was never set or died");
	expect(PROGRAM_FSESSION, "mov r6, r1\n" IS_RETURN "mov r1, r6\n" COOKIE "exit\n", 0, "");
	/* kept in memory meanwhile, or handed to a function */
	expect(PROGRAM_FSESSION, "stxdw [r10-8], r1\nldxdw r1, [r10-8]\n" COOKIE "exit\n", 0, "");
	expect(PROGRAM_FSESSION, "call local f\nexit\nf: " COOKIE "exit\n", 0, "");
	expect(PROGRAM_FSESSION, IS_RETURN "mov r0, r2\nexit\n", -EACCES, "r2 is read");
}

static void facts_of(const char *text, bool count, bool cookie)
{
	struct program *p = run_load_text(PROGRAM_FSESSION, text);

	assert_int_equal(p->facts.reads_count, count);
	assert_int_equal(p->facts.session_cookie, cookie);
	assert_false(p->facts.ctx_escapes);
	assert_false(p->facts.reads_any);
	assert_int_equal(p->facts.reads[0], 0);
	assert_int_equal(p->facts.clobbers, X86_CALLER_SAVED & p->facts.clobbers);
	program_put(p);
}

static void test_facts(void **state)
{
	facts_of("mov r0, 0\nexit\n", false, false);
	facts_of(IS_RETURN "exit\n", true, false);
	facts_of(COOKIE "stdw [r0+0], 1\nmov r0, 0\nexit\n", true, true);
	facts_of("mov r2, 1\njeq r2, 0, a\n" COOKIE "a: mov r0, 0\nexit\n", true, true);
}

static void test_text(void **state)
{
	struct bpf_insn i = INSN(BPF_JMP | BPF_CALL, 0, CALL_KFUNC, 0, KFUNC_SESSION_IS_RETURN);
	char text[96];

	program_format_insn(&i, text, sizeof(text));
	assert_string_equal(text, "call bpf_session_is_return#65536");
	i.imm = 77;
	program_format_insn(&i, text, sizeof(text));
	assert_string_equal(text, "call kernel-function#77");
}

/* -- both engines ---------------------------------------------------------------------------- */

/* As a trampoline lays them out: cookies, ..., address, ctx[-1], two arguments, results. */
static uint64_t frame[300];
#define CTX (frame + 280)

static uint64_t both(const char *text, uint64_t word, uint64_t result)
{
	struct interp_opts o = { .checked = true };
	struct program *p = run_load_text(PROGRAM_FSESSION, text);
	uint64_t before[300], got, want = 0;
	struct diag d = { "" };
	struct engine_env env;

	engine_env_native(NULL, &env);
	CTX[-2] = 0xf00d;
	CTX[-1] = word;
	CTX[0] = 10;
	CTX[1] = 20;
	CTX[2] = result;
	memcpy(before, frame, sizeof(frame));
	got = run_jit(p, &env)((uint64_t)CTX, 0);
	memcpy(before, frame, sizeof(frame));
	if (interp_run(p, &env, (uint64_t)CTX, 0, &o, &want, &d))
		fail_msg("%s", d.text);
	assert_int_equal(got, want);
	assert_memory_equal(frame, before, sizeof(frame)); /* done once more: the same */
	program_put(p);
	return got;
}

static void test_is_return(void **state)
{
	assert_int_equal(both(IS_RETURN "exit\n", 2, 0), 0);
	assert_int_equal(both(IS_RETURN "exit\n", 2 | 0xff00, 0), 0);
	assert_int_equal(both(IS_RETURN "exit\n", RET | 2, 0), 1);
	assert_int_equal(both(IS_RETURN "exit\n", RET | 2 | 0xff00, 0), 1);
}

static void test_cookie(void **state)
{
	for (uint64_t index = 6; index <= 255; index++) {
		assert_int_equal(both(COOKIE "exit\n", 2 | index << 8, 0), (uint64_t)(CTX - index));
		memset(frame, 0, sizeof(frame));
		both(COOKIE "stdw [r0+0], 77\nmov r0, 0\nexit\n", RET | 2 | index << 8, 0);
		assert_int_equal(CTX[-(int64_t)index], 77);
		assert_int_equal(both(COOKIE "ldxdw r0, [r0+0]\nexit\n", 2 | index << 8, 0), 77);
	}
}

/* The upper bits of ctx[-1] are nobody's number of arguments. */
static void test_count_is_the_low_byte(void **state)
{
	const char *arg = "mov r2, 1\nmov r3, r10\nadd r3, -8\ncall 183\nldxdw r0, [r10-8]\nexit\n";
	const char *past = "mov r2, 2\nmov r3, r10\nadd r3, -8\ncall 183\nexit\n";
	const char *ret = "mov r2, r10\nadd r2, -8\ncall 184\nldxdw r0, [r10-8]\nexit\n";
	static const uint64_t words[] = { 2, 2 | 6 << 8, RET | 2, RET | 2 | 255 << 8,
					  2 | 0x7fff00 };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		assert_int_equal(both("call 185\nexit\n", words[i], 0), 2);
		assert_int_equal(both(arg, words[i], 0), 20);
		assert_int_equal(both(past, words[i], 0), (uint64_t)-EINVAL);
		assert_int_equal(both(ret, words[i], 0x1234), 0x1234);
		assert_int_equal(both("call 173\nexit\n", words[i], 0), 0xf00d);
	}
}

/* The interpreter's checked mode lets a program write its own cookie, nothing beside it. */
static void test_checked_cookie(void **state)
{
	static const char *const bad[] = {
		COOKIE "stdw [r0+8], 1\nmov r0, 0\nexit\n",
		COOKIE "stdw [r0-8], 1\nmov r0, 0\nexit\n",
		COOKIE "stdw [r0+1], 1\nmov r0, 0\nexit\n",
	};
	struct interp_opts o = { .checked = true };
	struct engine_env env;
	uint64_t r0;

	engine_env_native(NULL, &env);
	CTX[-1] = 2 | 7 << 8;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct program *p = run_load_text(PROGRAM_FSESSION, bad[i]);

		assert_int_equal(interp_run(p, &env, (uint64_t)CTX, 0, &o, &r0, NULL), -EFAULT);
		program_put(p);
	}
}

/* -- errno ------------------------------------------------------------------------------------- */

/* Its value is the lower half of r1; what lies beside errno stays. */
static void test_errno(void **state)
{
	static const char *const text[] = { "lddw r1, 0x5500000000c\n" ERRNO "exit\n",
					    "mov r1, -1\n" ERRNO "exit\n",
					    "mov r1, 0\n" ERRNO "exit\n" };
	static const int value[] = { 12, -1, 0 };
	struct engine_env env;

	engine_env_native(NULL, &env);
	assert_true(env.errno_off);
	for (unsigned i = 0; i < ARRAY_LEN(text); i++) {
		struct program *p = run_load_text(PROGRAM_FMOD_RET, text[i]);
		jit_fn fn = run_jit(p, &env);
		uint64_t r0;
		int is;

		assert_true(p->facts.sets_errno && !p->facts.reads_count && !p->facts.ctx_escapes);
		errno = 4711;
		r0 = fn((uint64_t)CTX, 0);
		is = errno;
		assert_int_equal(is, value[i]);
		assert_int_equal(r0, 0);
		errno = 4711;
		r0 = run_interp(p, &env, (uint64_t)CTX, 0);
		is = errno;
		assert_int_equal(is, value[i]);
		assert_int_equal(r0, 0);
		program_put(p);
	}
}

static void test_errno_not_known(void **state)
{
	struct program *p = run_load_text(PROGRAM_FMOD_RET, "mov r1, 12\n" ERRNO "exit\n");
	struct engine_env env;
	jit_fn fn;

	engine_env_native(NULL, &env);
	env.errno_off = 0;
	fn = run_jit(p, &env);
	errno = 4711;
	assert_int_equal(fn((uint64_t)CTX, 0), (uint64_t)-EOPNOTSUPP);
	assert_int_equal(run_interp(p, &env, (uint64_t)CTX, 0), (uint64_t)-EOPNOTSUPP);
	assert_int_equal(errno, 4711);
	program_put(p);
}

/* -- results ------------------------------------------------------------------------------------ */

/* Two argument slots, eight of the result, which is of size bytes, negative: signed. */
static uint64_t set_in(jit_fn jit, struct program *p, struct engine_env *env, int64_t size,
		       void *memory)
{
	for (int i = -8; i < 10; i++)
		CTX[i] = i < 2 ? 0x1111111111111111u : 0;
	CTX[-1] = 2;
	CTX[-3] = 0;
	CTX[-4] = (uint64_t)memory;
	CTX[-5] = (uint64_t)size;
	return jit ? jit((uint64_t)CTX, 0) : run_interp(p, env, (uint64_t)CTX, 0);
}

#define VALUE \
	"mov r2, r10\nadd r2, -16\nlddw r3, 0x8877665544332211\nstxdw [r2+0], r3\n" \
	"stdw [r2+8], -2\n"

static void test_set_result(void **state)
{
	static const struct {
		const char *text;
		int64_t size;
		uint64_t r0, slot[3];
	} rows[] = {
		{ VALUE "mov r3, 4\n" RESULT "exit\n", 4, 0, { 0x44332211 } },
		{ VALUE "add r2, 7\nmov r3, 1\n" RESULT "exit\n", -1, 0, { -120ull } },
		{ VALUE "add r2, 6\nmov r3, 2\n" RESULT "exit\n", 2, 0, { 0x8877 } },
		{ VALUE "mov r3, 8\n" RESULT "exit\n", -8, 0, { 0x8877665544332211 } },
		{ VALUE "mov r3, 12\n" RESULT "exit\n", 12, 0, { 0x8877665544332211, 0xfffffffe } },
		{ VALUE "mov r3, 16\n" RESULT "exit\n", -16, 0, { 0x8877665544332211, -2ull } },
		{ VALUE "mov r3, 4\n" RESULT "exit\n", 8, (uint64_t)-EINVAL, { 0 } },
		{ VALUE "mov r3, 8\n" RESULT "exit\n", 4, (uint64_t)-EINVAL, { 0 } },
		{ VALUE "mov r3, 0\n" RESULT "exit\n", 4, (uint64_t)-EINVAL, { 0 } },
		/* the last word counts: the other half goes with bpf_override_return */
		{ VALUE "mov r6, r1\nmov r3, 16\n" RESULT "mov r1, r6\nmov r2, 7\ncall 58\nexit\n",
		  16,
		  0,
		  { 7, 0 } },
	};
	struct engine_env env;

	engine_env_native(NULL, &env);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = run_load_text(PROGRAM_FMOD_RET, rows[i].text);
		jit_fn fn = run_jit(p, &env);

		assert_true(p->facts.sets_result && p->facts.reads_count && !p->facts.ctx_escapes);
		for (unsigned k = 0; k < 2; k++) {
			uint64_t r0 = set_in(k ? fn : NULL, p, &env, rows[i].size, NULL);

			if (r0 != rows[i].r0 || CTX[2] != rows[i].slot[0] ||
			    CTX[3] != rows[i].slot[1] || CTX[4] || CTX[-3] != !rows[i].r0)
				fail_msg("row %u: %lx, %lx %lx", i, r0, CTX[2], CTX[3]);
		}
		program_put(p);
	}
}

/* Where the caller wants it, and not a byte beside. */
static void test_set_in_memory(void **state)
{
	struct program *p = run_load_text(PROGRAM_FMOD_RET, VALUE "mov r3, 12\n" RESULT "exit\n");
	struct engine_env env;
	uint8_t memory[32];
	jit_fn fn;

	engine_env_native(NULL, &env);
	fn = run_jit(p, &env);
	rt_state.flags = RT_FLAG_NO_READS;
	for (unsigned k = 0; k < 2; k++) {
		memset(memory, 0x5a, sizeof(memory));
		assert_int_equal(set_in(k ? fn : NULL, p, &env, 12, memory + 3), 0);
		assert_memory_equal(memory + 3, "\x11\x22\x33\x44\x55\x66\x77\x88\xfe\xff\xff\xff",
				    12);
		assert_true(memory[2] == 0x5a && memory[15] == 0x5a);
		assert_true(CTX[-3] == 1 && !CTX[2]);
	}
	rt_state.flags = 0;
	program_put(p);
}

static void test_who_may_set(void **state)
{
	struct program *p;

	expect(PROGRAM_FEXIT, "mov r2, r1\nmov r3, 8\n" RESULT "exit\n", -EACCES,
	       "utramp_set_result() is for fmod_ret programs: name the section fmod_ret/FUNCTION");
	expect(PROGRAM_FMOD_RET, "mov r2, r10\nadd r2, -8\n" RESULT "exit\n", -EACCES,
	       "r3 is read");
	expect(PROGRAM_FMOD_RET, "mov r2, r10\nmov r1, r10\nmov r3, 8\n" RESULT "exit\n", -EACCES,
	       "r1 is not ctx");
	/* what it reads of the stack is what it is given */
	p = run_load_text(PROGRAM_FMOD_RET, VALUE "mov r3, 16\n" RESULT "exit\n");
	assert_int_equal(p->stack_depth, 16);
	program_put(p);
	/* an argument of the function, as it is */
	p = run_load_text(PROGRAM_FMOD_RET, "mov r2, r1\nmov r3, 8\n" RESULT "exit\n");
	assert_true(p->facts.ctx_escapes);
	program_put(p);
}

/* -- .multi ------------------------------------------------------------------------------------ */

static int load_multi(enum program_kind kind, const char *text, struct program **p, struct diag *d)
{
	struct bpf_insn insn[64];
	struct program_attr attr = {
		.kind = kind, .insn = insn, .nslots = PROGRAM_NO_CTX, .multi = true
	};
	int n = asmtext_parse(text, insn, 64, d->text, sizeof(d->text));

	assert_true(n > 0);
	attr.ninsns = (uint32_t)n;
	*p = NULL;
	d->text[0] = '\0';
	return program_load(&attr, p, d);
}

static void test_multi_has_no_typed_arguments(void **state)
{
	static const char *const bad[] = {
		"ldxdw r0, [r1+0]\nexit\n",
		"ldxw r0, [r1+44]\nexit\n",
		"mov r6, r1\ncall 14\nldxdw r0, [r6+8]\nexit\n",
		"mov r2, 8\nadd r1, r2\nldxdw r0, [r1+0]\nexit\n",
	};
	struct diag d = { "" };
	struct program *p;

	for (int k = PROGRAM_FENTRY; k <= PROGRAM_FSESSION; k++) {
		for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
			assert_int_equal(load_multi((enum program_kind)k, bad[i], &p, &d), -EACCES);
			assert_non_null(strstr(d.text, "a .multi program has no typed arguments: "
						       "use bpf_get_func_arg()"));
		}
	}
	assert_int_equal(load_multi(PROGRAM_FSESSION, IS_RETURN "exit\n", &p, &d), 0);
	assert_true(p->multi);
	program_put(p);
	assert_int_equal(load_multi(PROGRAM_FEXIT,
				    "mov r6, r1\nmov r2, r10\nadd r2, -8\ncall 184\nmov r1, r6\n"
				    "call 185\nmov r1, r6\ncall 173\nmov r1, r6\ncall 174\nexit\n",
				    &p, &d),
			 0);
	assert_true(p->facts.reads_any && p->facts.reads_count && p->facts.reads_ip);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_who_may_call),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_is_return),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_count_is_the_low_byte),
		cmocka_unit_test(test_checked_cookie),
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_errno_not_known),
		cmocka_unit_test(test_set_result),
		cmocka_unit_test(test_set_in_memory),
		cmocka_unit_test(test_who_may_set),
		cmocka_unit_test(test_multi_has_no_typed_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
