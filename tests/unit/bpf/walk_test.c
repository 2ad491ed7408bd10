/*
 * walk_test.c - bpf_get_stack in both engines: where it is told the hit's return address and rbp
 * are, who may call it.  The walk itself: tests/unit/rt/stack_test.c.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of ctx what r1 is; a buffer of 32 bytes on the stack; its words, by turns, are the result. */
#define GET(flags, word) \
	"mov r2, r10\nadd r2, -32\nmov r3, 32\nmov r4, " #flags "\ncall 67\n" \
	"ldxdw r0, [r10-" #word "]\nexit\n"
#define CODE(flags) "mov r2, r10\nadd r2, -32\nmov r3, 32\nmov r4, " #flags "\ncall 67\nexit\n"

#define FRAME 256
#define CTX   (-128)

/*
 * A frame, ctx inside, entered by a call at *ret; `above` words lie between the frame and that
 * return address, as when the function's first bytes had called us.  rbp there is *rbp.
 */
static jit_fn make(const struct tramp_body *b, unsigned above, uint64_t *ret)
{
	struct tramp_env t = { .ctx = CTX, .ret = 8 + 8 * (int32_t)above, .scratch = -200 };
	struct x86_asm a;
	x86_label inner;
	void *outer;

	run_asm(&a);
	t.entry = x86_label_new(&a);
	t.skip = x86_label_new(&a);
	inner = x86_label_new(&a);
	x86_push(&a, RBP);
	x86_mov_rr(&a, RBP, RSP);
	x86_call(&a, inner);
	*ret = x86_pc(&a);
	x86_leave(&a);
	x86_ret(&a);
	x86_bind(&a, inner);
	for (unsigned i = 0; i < above; i++)
		x86_push_i(&a, 0x7777);
	x86_push(&a, RBP);
	x86_mov_rr(&a, RBP, RSP);
	x86_alu_ri(&a, X86_SUB, X86_Q, RSP, FRAME);
	x86_alu_ri(&a, X86_AND, X86_Q, RSP, -16);
	b->emit(&a, &t, b->self);
	x86_bind(&a, t.skip);
	x86_leave(&a);
	x86_lea(&a, RSP, X86_MEM(RSP, 8 * (int32_t)above));
	x86_ret(&a);
	b->emit_rest(&a, &t, b->self);
	outer = run_asm_finish(&a, NULL);
	return (jit_fn)(uintptr_t)outer;
}

static uint64_t run_compiled(enum program_kind kind, const char *text, unsigned above,
			     uint64_t *ret)
{
	struct program *p = run_load_text(kind, text);
	struct engine_body *b;
	struct engine_env env;
	uint64_t got;

	engine_env_native(NULL, &env);
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	got = make(engine_body(b), above, ret)(0, 0);
	engine_body_free(b);
	program_put(p);
	return got;
}

/* The second is whoever called the code: this file's function, by the frame's rbp. */
static void test_compiled(void **state)
{
	for (int k = PROGRAM_FENTRY; k < PROGRAM_PLAIN; k++) {
		for (unsigned above = 0; above < 3; above++) {
			uint64_t ret, got;

			got = run_compiled((enum program_kind)k, GET(256, 32), above, &ret);
			assert_int_equal(got, ret);
			got = run_compiled((enum program_kind)k, GET(0, 32), above, &ret);
			assert_int_equal(got, ret);
			got = run_compiled((enum program_kind)k, GET(256, 24), above, &ret);
			assert_true(got - (uint64_t)(uintptr_t)run_compiled < 4096);
			assert_int_equal(
				run_compiled((enum program_kind)k, CODE(257), above, &ret) % 8, 0);
		}
	}
}

/* From a function that was handed ctx. */
static void test_in_subprogram(void **state)
{
	uint64_t ret, got;

	got = run_compiled(PROGRAM_FEXIT, "mov r9, 5\ncall local f\nexit\nf: " GET(256, 32), 0,
			   &ret);
	assert_int_equal(got, ret);
}

static uint64_t interpreted(const char *text, const uint64_t *stack, const uint64_t *rbp)
{
	struct program *p = run_load_text(PROGRAM_FENTRY, text);
	struct interp_opts o = { .checked = true, .ret = stack, .frame = rbp };
	uint64_t ctx[8] = { 0 }, r0;
	struct engine_env env;
	struct diag d = { "" };

	engine_env_native(NULL, &env);
	if (interp_run(p, &env, (uint64_t)(uintptr_t)(ctx + 4), 0, &o, &r0, &d))
		fail_msg("%s", d.text);
	program_put(p);
	return r0;
}

static void test_interpreted(void **state)
{
	uint64_t stack[8] = { 0x1111 }, rbp = (uint64_t)(uintptr_t)(stack + 4);

	stack[5] = 0x2222;
	assert_int_equal(interpreted(GET(256, 32), stack, &rbp), 0x1111);
	assert_int_equal(interpreted(GET(0, 24), stack, &rbp), 0x2222);
	assert_int_equal(interpreted(CODE(1), stack, &rbp), 8);
	assert_int_equal(interpreted(CODE(3), stack, &rbp), -EFAULT);
}

/* Without a trampoline there is no hit: both engines say so. */
static void test_no_frame(void **state)
{
	uint64_t words[8] = { 0 };
	struct engine_env env;

	engine_env_native(NULL, &env);
	for (int k = PROGRAM_FENTRY; k < PROGRAM_PLAIN; k++) {
		struct program *p = run_load_text((enum program_kind)k, CODE(256));

		assert_int_equal(run_interp(p, &env, (uint64_t)(uintptr_t)(words + 4), 0),
				 (uint64_t)-EINVAL);
		assert_int_equal(run_jit(p, &env)((uint64_t)(uintptr_t)(words + 4), 0),
				 (uint64_t)-EINVAL);
		program_put(p);
	}
}

static void refused(enum program_kind kind, const char *text, const char *why)
{
	const char *said;
	int err;

	said = run_refused(kind, text, &err);
	assert_int_equal(err, -EACCES);
	if (!strstr(said, why))
		fail_msg("'%s' does not say '%s'", said, why);
}

static void test_refused(void **state)
{
	refused(PROGRAM_PLAIN, CODE(0),
		"cannot use helper bpf_get_stack#67: it is for fentry, fexit, fmod_ret and");
	refused(PROGRAM_FENTRY, "add r1, 8\n" CODE(0), "r1 is not ctx");
	refused(PROGRAM_FENTRY, "mov r1, r10\n" CODE(0), "r1 is not ctx");
	refused(PROGRAM_FENTRY, "mov r2, r10\nadd r2, -520\nmov r3, 8\nmov r4, 0\ncall 67\nexit\n",
		"outside the stack");
}

static void test_facts(void **state)
{
	struct program *p = run_load_text(PROGRAM_FENTRY, CODE(0));

	assert_false(p->facts.ctx_escapes || p->facts.reads_any || p->facts.reads_count);
	assert_int_equal(p->sub[0].stack, 32);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled),    cmocka_unit_test(test_in_subprogram),
		cmocka_unit_test(test_interpreted), cmocka_unit_test(test_no_frame),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
