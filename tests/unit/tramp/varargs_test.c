/*
 * varargs_test.c - the words of unnamed arguments: what a variadic function's entry found in its
 * registers, and where its stack arguments go on; only for programs whose facts name them.
 */
#include "harness.h"

#include "tramp/tramp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CODE 65536

static uint8_t *code;
static uint64_t seen[FM_VARARGS_WORDS], first, ran;

/* Programs leave vector registers alone. */
__attribute__((target("general-regs-only"))) static uint64_t program(const uint64_t *ctx,
								     uint64_t arg)
{
	for (volatile unsigned i = 0; i < FM_VARARGS_WORDS; i++)
		seen[i] = ctx[first + i];
	ran++;
	return 0;
}

static const uint64_t fn = (uint64_t)program;

static struct tramp_body body_for(const struct func_model *m, bool named)
{
	struct tramp_body b = tramp_body_call(&fn);

	first = m->nslots + FM_VARARGS_SLOT;
	for (uint64_t i = first; named && i < first + FM_VARARGS_WORDS; i++)
		b.facts.reads[i / 64] |= 1ull << i % 64;
	return b;
}

struct rig {
	struct func_model *m;
	struct tramp_body body;
	struct tramp_prog prog;
	struct tramp_spec spec;
	struct tramp_plan plan;
	struct diag d;
};

static int rig(struct rig *r, const char *sig, bool named)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(func_model_parse(sig, &r->m, NULL), 0);
	r->body = body_for(r->m, named);
	r->prog.body = &r->body;
	r->spec = (struct tramp_spec){ .model = r->m,
				       .func = 0x401000,
				       .original = (taddr_t)harness_callee };
	r->spec.list[TRAMP_FENTRY].prog = &r->prog;
	r->spec.list[TRAMP_FENTRY].n = 1;
	return tramp_plan(&r->spec, &r->plan, &r->d);
}

static void check_words(const char *sig, uint32_t named_stack)
{
	static const uint8_t gpr[] = { 7, 6, 2, 1, 8, 9, 0 };

	for (unsigned i = 0; i < sizeof(gpr); i++)
		if (seen[i] != h_in.gpr[gpr[i]])
			fail_msg("%s: word %u is %lx, not %lx", sig, i, seen[i], h_in.gpr[gpr[i]]);
	for (unsigned i = 0; i < 8; i++)
		if (seen[7 + i] != h_in.xmm[i][0])
			fail_msg("%s: xmm%u is %lx, not %lx", sig, i, seen[7 + i], h_in.xmm[i][0]);
	if (seen[15] != h_in.gpr[4] + named_stack)
		fail_msg("%s: on the stack they begin at +%ld", sig, seen[15] - h_in.gpr[4]);
}

static void check_original(void)
{
	assert_int_equal(ran, 1);
	assert_int_equal(harness_runs, 1);
	for (unsigned i = 0; i < 16; i++)
		if (i != 4)
			assert_int_equal(h_seen.gpr[i], h_in.gpr[i]);
	assert_memory_equal(h_seen.xmm, h_in.xmm, sizeof(h_in.xmm));
}

static void run(const char *sig, uint32_t named_stack, uint64_t *s)
{
	struct x86_asm a;
	struct rig r;

	assert_int_equal(rig(&r, sig, true), 0);
	assert_int_equal(r.m->varargs.stack, named_stack);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)code);
	tramp_emit(&r.plan, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(s);
		h_set.gpr[i] = rnd(s);
		h_in.xmm[i][0] = rnd(s);
		h_in.xmm[i][1] = rnd(s);
	}
	harness_k = 0;
	harness_shift = 8 * rnd_below(s, 8);
	harness_runs = 0;
	ran = 0;
	h_tramp = code;
	harness_call(code);
	check_original();
	check_words(sig, named_stack);
	func_model_free(r.m);
}

static void words(void **state)
{
	uint64_t s = 20261127;

	for (unsigned i = 0; i < 20; i++) {
		run("i32(p,...)", 0, &s);
		run("void(i32,f64,p,...)", 0, &s);
		run("v512(p,...)", 0, &s); /* eight slots of a result are before them */
		run("{u8[40]}(p,...)", 0, &s);
		run("i32(i64,i64,i64,i64,i64,i64,i64,p,...)", 16, &s);
		run("f64(x80,p,...)", 16, &s);
		run("void({u8[20]},f32,p,...)", 24, &s);
		run("void(f64,f64,f64,f64,f64,f64,f64,f64,f64,p,...)", 8, &s);
	}
}

static void registers_of_named_ones(void **state)
{
	static const struct {
		const char *sig;
		uint8_t ngpr, nxmm;
	} cases[] = { { "i32(p,...)", 1, 0 },
		      { "{u8[40]}(p,f64,p,...)", 3, 1 },
		      { "i32(i64,i64,i64,i64,i64,i64,i64,...)", 6, 0 },
		      { "i32({i64,i64},{f32,f32,f32},p,...)", 3, 2 } };

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct func_model *m;

		assert_int_equal(func_model_parse(cases[i].sig, &m, NULL), 0);
		assert_true(m->varargs.known);
		assert_false(m->k_known);
		assert_int_equal(m->varargs.ngpr, cases[i].ngpr);
		assert_int_equal(m->varargs.nxmm, cases[i].nxmm);
		func_model_free(m);
	}
}

/* All of ctx within reach is not the same as being named. */
static void nobody_asks(void **state)
{
	struct rig r;

	assert_int_equal(rig(&r, "i32(p,...)", false), 0);
	assert_true(tramp_plan_fills(&r.plan, 0));
	for (unsigned i = 3; i < 64; i++)
		assert_false(tramp_plan_fills(&r.plan, i));
	assert_int_equal(r.plan.end, 1 + TRAMP_RESULT_SLOTS);
	func_model_free(r.m);
}

static void refused(void **state)
{
	struct rig r;

	assert_int_equal(rig(&r, "i32(p)", true), -EINVAL);
	assert_non_null(strstr(r.d.text, "reads ctx[9]"));
	func_model_free(r.m);

	assert_int_equal(rig(&r, "i32(p,...)", true), 0);
	r.spec.layout = TRAMP_SEED;
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &r.d), -EINVAL);
	r.spec.layout = TRAMP_OURS;
	r.body.facts.reads[0] |= 1ull << (first + FM_VARARGS_WORDS);
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &r.d), -EINVAL);
	assert_non_null(strstr(r.d.text, "reads ctx[25]"));
	func_model_free(r.m);
}

static void named(void **state)
{
	char text[64], all[2048];
	struct rig r;

	assert_int_equal(rig(&r, "i32(p,...)", true), 0);
	tramp_plan_name(&r.plan, r.plan.ctx + 8 * 9, text, sizeof(text));
	assert_string_equal(text, "rdi");
	tramp_plan_name(&r.plan, r.plan.ctx + 8 * (9 + 6) + 1, text, sizeof(text));
	assert_string_equal(text, "rax + 1");
	tramp_plan_name(&r.plan, r.plan.ctx + 8 * (9 + 14), text, sizeof(text));
	assert_string_equal(text, "xmm7");
	tramp_plan_name(&r.plan, r.plan.ctx + 8 * (9 + 15), text, sizeof(text));
	assert_string_equal(text, "address of unnamed arguments");
	tramp_plan_format(&r.plan, all, sizeof(all));
	assert_non_null(strstr(all, " varargs"));
	func_model_free(r.m);
}

static int setup(void **state)
{
	code = harness_code(CODE);
	return !code;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),       cmocka_unit_test(registers_of_named_ones),
		cmocka_unit_test(nobody_asks), cmocka_unit_test(refused),
		cmocka_unit_test(named),
	};

	return cmocka_run_group_tests_name("tramp/varargs", tests, setup, NULL);
}
