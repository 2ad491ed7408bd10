/*
 * pieces_test.c - slots of arguments in pieces: registers and parts of them, the stack, constants,
 * addresses, and what is gone; registers are random, each slot is what its pieces say.
 */
#include "harness.h"

#include "tramp/tramp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CODE  65536
#define FUNC  0x401000
#define SLOTS 3

static uint8_t *code;
static uint64_t seen[SLOTS];

/* Programs leave vector registers alone. */
__attribute__((target("general-regs-only"))) static uint64_t program(const uint64_t *ctx,
								     uint64_t arg)
{
	for (volatile unsigned i = 0; i < SLOTS; i++)
		seen[i] = ctx[i];
	return 0;
}

static const uint64_t fn = (uint64_t)program;

static int plan(const struct func_model *m, enum tramp_layout layout, struct tramp_plan *out,
		struct diag *d)
{
	static const struct tramp_shim shim = { .enter = 1, .exit = 1 };
	static struct tramp_body body;
	static struct tramp_prog prog;
	static struct tramp_spec spec;

	body = tramp_body_call(&fn);
	body.facts.reads[0] = (1u << SLOTS) - 1; /* of arguments and results */
	prog = (struct tramp_prog){ .body = &body };
	spec = (struct tramp_spec){ .model = m,
				    .func = FUNC,
				    .original = (taddr_t)harness_callee,
				    .layout = layout,
				    .shim = &shim };
	spec.list[TRAMP_FENTRY].prog = &prog;
	spec.list[TRAMP_FENTRY].n = 1;
	return tramp_plan(&spec, out, d);
}

/* The first argument of sig is in these pieces; n 0: it is gone. */
static struct func_model *model(const char *sig, const struct fm_piece *piece, unsigned n)
{
	struct func_model *m;

	assert_int_equal(func_model_parse(sig, &m, NULL), 0);
	m->arg[0].place = (struct abi_place){ .none = true };
	m->arg[0].npieces = (uint8_t)n;
	m->arg[0].flags |= n ? 0 : FM_GONE;
	if (n)
		memcpy(m->arg[0].piece, piece, n * sizeof(*piece));
	return m;
}

static void run(const char *sig, const struct fm_piece *piece, unsigned n)
{
	static uint64_t s = 20261128;
	struct func_model *m = model(sig, piece, n);
	struct tramp_plan p;
	struct x86_asm a;

	assert_int_equal(plan(m, TRAMP_OURS, &p, NULL), 0);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)code);
	tramp_emit(&p, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(&s);
		h_in.xmm[i][0] = rnd(&s);
		h_in.xmm[i][1] = rnd(&s);
	}
	for (unsigned i = 0; i < 64; i++)
		harness_stack[i] = (uint8_t)rnd(&s);
	memset(seen, 0xa5, sizeof(seen));
	harness_k = 64;
	harness_shift = 8 * rnd_below(&s, 8);
	harness_runs = 0;
	h_tramp = code;
	harness_call(code);
	assert_int_equal(harness_runs, 1);
	for (unsigned i = 0; i < 16; i++)
		if (i != 4)
			assert_int_equal(h_seen.gpr[i], h_in.gpr[i]);
	func_model_free(m);
}

#define RUN(sig, ...) \
	do { \
		static const struct fm_piece piece_[] = { __VA_ARGS__ }; \
		run(sig, piece_, ARRAY_LEN(piece_)); \
	} while (0)

#define RDI h_in.gpr[7]
#define RSI h_in.gpr[6]
#define RCX h_in.gpr[1]

static void registers(void **state)
{
	RUN("void(i64,i64)", { FM_GPR, 1, 0, 8, 0 });
	assert_int_equal(seen[0], RSI);
	RUN("void(i64,i64)", { FM_GPR, 0, 0, 8, 40 });
	assert_int_equal(seen[0], RDI + 40);
	RUN("void(i64,i64)", { FM_GPR, 3, 0, 8, -300 });
	assert_int_equal(seen[0], RCX - 300);
	RUN("void(i32,i64)", { FM_GPR, 1, 0, 4, 1 });
	assert_int_equal(seen[0], (uint64_t)(int64_t)(int32_t)(RSI + 1));
	RUN("void(u16,i64)", { FM_GPR, 1, 0, 2, 0 });
	assert_int_equal(seen[0], (uint16_t)RSI);
	RUN("void(i8,i64)", { FM_GPR, 1, 0, 1, 0 });
	assert_int_equal(seen[0], (uint64_t)(int64_t)(int8_t)RSI);
	RUN("void(f64,i64)", { FM_XMM, 5, 0, 8, 0 });
	assert_int_equal(seen[0], h_in.xmm[5][0]);
	RUN("void(f32,i64)", { FM_XMM, 15, 0, 4, 0 });
	assert_int_equal(seen[0], (uint32_t)h_in.xmm[15][0]);
}

static void several_in_one(void **state)
{
	RUN("void({i32,i32},i64)", { FM_GPR, 0, 0, 4, 0 }, { FM_GPR, 1, 4, 4, 0 });
	assert_int_equal(seen[0], (uint32_t)RDI | RSI << 32);
	RUN("void({f32,f32},i64)", { FM_XMM, 1, 0, 4, 0 }, { FM_XMM, 0, 4, 4, 0 });
	assert_int_equal(seen[0], (uint32_t)h_in.xmm[1][0] | h_in.xmm[0][0] << 32);
	RUN("void({u8,u8,i16,i32},i64)", { FM_GPR, 0, 1, 1, 0 }, { FM_CONST, 0, 2, 2, 0x1234 },
	    { FM_GPR, 1, 4, 4, 0 });
	assert_int_equal(seen[0], (RDI & 255) << 8 | 0x12340000 | RSI << 32);
	/* only the upper half: the rest is 0 */
	RUN("void({i32,i32},i64)", { FM_GPR, 0, 4, 4, 0 });
	assert_int_equal(seen[0], RDI << 32);
	assert_int_equal(seen[1], RSI);
}

static void several_slots(void **state)
{
	RUN("void({i64,f64},i64)", { FM_XMM, 0, 8, 8, 0 });
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[1], h_in.xmm[0][0]);
	RUN("void({i64,f64},i64)", { FM_GPR, 3, 0, 8, 0 }, { FM_CONST, 0, 8, 8, 7 });
	assert_int_equal(seen[0], RCX);
	assert_int_equal(seen[1], 7);
}

static void known(void **state)
{
	RUN("void(i64,i64)", { FM_CONST, 0, 0, 8, INT64_MIN + 3 });
	assert_int_equal(seen[0], (uint64_t)INT64_MIN + 3);
	RUN("void(p,i64)", { FM_FUNC, 0, 0, 8, -0x1000 });
	assert_int_equal(seen[0], FUNC - 0x1000);
	run("void(i64,i32)", NULL, 0); /* gone; the next is where its type puts it */
	assert_int_equal(seen[0], 0);
	assert_int_equal(seen[1], (uint64_t)(int64_t)(int32_t)RSI);
}

static uint64_t on_stack(unsigned offset)
{
	uint64_t v;

	memcpy(&v, harness_stack + offset, sizeof(v));
	return v;
}

static void stack(void **state)
{
	RUN("void(i64,i64)", { FM_STACK, 0, 0, 8, 16 });
	assert_int_equal(seen[0], on_stack(16));
	RUN("void(i32,i64)", { FM_STACK, 0, 0, 4, 8 });
	assert_int_equal(seen[0], (uint64_t)(int64_t)(int32_t)on_stack(8));
	RUN("void({i32,i32},i64)", { FM_STACK, 0, 4, 4, 24 });
	assert_int_equal(seen[0], on_stack(24) << 32);
}

/* The kernel's layout has places of types only. */
static void refused(void **state)
{
	struct func_model *m = model("void(i64,i64)", NULL, 0);
	struct tramp_plan p;
	struct diag d = { "" };

	assert_int_equal(plan(m, TRAMP_SEED, &p, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "argument 0 is in pieces or gone"));
	func_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers),     cmocka_unit_test(several_in_one),
		cmocka_unit_test(several_slots), cmocka_unit_test(known),
		cmocka_unit_test(stack),         cmocka_unit_test(refused),
	};

	code = harness_code(CODE);
	if (!code)
		return 1;
	return cmocka_run_group_tests_name("tramp pieces", tests, NULL, NULL);
}
