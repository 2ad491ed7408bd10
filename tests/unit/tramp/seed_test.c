/*
 * seed_test.c - the kernel's layout, run: random signatures, skipped programs, frames of every
 * size, the limits; and what it refuses.
 *
 * Programs are plain functions that write down their context.  What the layout promises is
 * less than ours does: argument registers and stack arguments reach the function, rax and the
 * callee-saved registers reach the caller.
 */
#include "harness.h"

#include "tramp/tramp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_PROGS 3
#define CODE_SIZE (1024 * 1024)
#define FUNC      0x1234567890abcdefull
#define IMAGE     0x1a6e
#define SLOTS     300

/* No vector register: as any program of a trampoline. */
#define PROBE __attribute__((target("general-regs-only"), noinline))

struct prog_log {
	unsigned entered, ran, left;
	uint64_t order, rsp, cookie, slot[SLOTS + 2]; /* slot[0], [1]: ctx[-2], ctx[-1] */
	uint64_t r0;
	bool skip;
};

static struct prog_log logs[TRAMP_KINDS][MAX_PROGS];
static uint64_t sequence, image_entered, image_left, wrong;
static uint64_t fn_record;
static unsigned copy_slots;
static uint8_t *code;

static PROBE uint64_t record(const uint64_t *ctx, uint64_t arg)
{
	struct prog_log *l = (struct prog_log *)arg;

	l->ran++;
	l->order = ++sequence;
	l->rsp = (uint64_t)__builtin_frame_address(0);
	for (unsigned i = 0; i < copy_slots + 2; i++)
		l->slot[i] = ctx[(int)i - 2];
	return l->r0;
}

static PROBE uint64_t shim_enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	struct prog_log *l = (struct prog_log *)prog;

	l->entered++;
	l->cookie = ctx->cookie;
	ctx->saved = prog ^ 0x5a5a;
	wrong += (uint64_t)__builtin_frame_address(0) % 16 != 0;
	return l->skip ? 0 : 0x7e57 + prog;
}

static PROBE void shim_exit(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
	struct prog_log *l = (struct prog_log *)prog;

	l->left++;
	wrong += ctx->saved != (prog ^ 0x5a5a) || ctx->cookie != l->cookie;
	wrong += start != (l->skip ? 0 : 0x7e57 + prog);
}

static PROBE void shim_image_enter(uint64_t image)
{
	wrong += image != IMAGE || sequence;
	image_entered++;
}

static PROBE void shim_image_exit(uint64_t image)
{
	wrong += image != IMAGE;
	image_left++;
}

static struct tramp_shim shim = { .image = IMAGE };

/* -- one run ------------------------------------------------------------- */

struct run {
	struct func_model *m;
	struct tramp_body tb;
	struct tramp_prog prog[TRAMP_KINDS][MAX_PROGS];
	struct tramp_spec spec;
	struct tramp_plan plan;
	char sig[2048];
};

static void run_init(struct run *r, const char *sig, const unsigned n[TRAMP_KINDS],
		     enum tramp_entry entry)
{
	struct diag d = { "" };

	memset(r, 0, sizeof(*r));
	memset(logs, 0, sizeof(logs));
	snprintf(r->sig, sizeof(r->sig), "%s", sig);
	if (func_model_parse(sig, &r->m, &d) < 0)
		fail_msg("%s: %s", sig, d.text);
	r->tb = tramp_body_call(&fn_record);
	r->spec = (struct tramp_spec){
		.model = r->m, .func = FUNC, .layout = TRAMP_SEED, .entry = entry, .shim = &shim
	};
	r->spec.original = (taddr_t)(entry == TRAMP_BY_CALL ? harness_body : harness_callee);
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < n[k]; i++)
			r->prog[k][i] = (struct tramp_prog){ .body = &r->tb,
							     .cookie = 100 * k + i,
							     .arg = (uint64_t)&logs[k][i],
							     .prog = (uint64_t)&logs[k][i] };
		r->spec.list[k].prog = r->prog[k];
		r->spec.list[k].n = n[k];
	}
}

static void run_emit(struct run *r)
{
	struct x86_asm a;
	int n;

	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&r->plan, &a, NULL);
	n = x86_asm_finish(&a);
	if (n < 0)
		fail_msg("%s: emit %d", r->sig, n);
}

static void run_call(uint64_t *s, struct run *r)
{
	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(s);
		h_set.gpr[i] = rnd(s);
		for (unsigned j = 0; j < 2; j++) {
			h_in.xmm[i][j] = rnd(s);
			h_set.xmm[i][j] = rnd(s);
		}
	}
	harness_k = r->m->call.stack_bytes;
	for (unsigned i = 0; i < harness_k; i++)
		harness_stack[i] = (uint8_t)rnd(s);
	harness_shift = 16 * rnd_below(s, 4);
	if (r->m->call.stack_align > 16)
		harness_shift = 0;
	harness_runs = 0;
	sequence = image_entered = image_left = wrong = 0;
	copy_slots = r->m->nslots + 1u;
	h_tramp = code;
	harness_call(r->spec.entry == TRAMP_BY_CALL ? (void *)harness_patched : code);
}

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail_msg("%s:%d: %s", r->sig, __LINE__, #cond); \
	} while (0)

/* What the j-th slot of v shows: the bits as they came, but for a lone small stack argument. */
static uint64_t raw_slot(const struct run *r, const struct fm_value *v, unsigned j)
{
	static const uint8_t arg_reg[] = { 7, 6, 2, 1, 8, 9 };
	uint64_t w = 0;

	if (!v->place.nregs && v->flags & FM_BY_ADDR && !v->place.by_ref)
		return h_in.gpr[4] + v->place.stack;
	if (!v->place.nregs) {
		memcpy(&w, harness_stack + v->place.stack + 8 * j, 8);
		return r->m->call.stack_bytes == 8 && v->size <= 4 ? (uint32_t)w : w;
	}
	if (j >= v->place.nregs)
		return 0;
	return v->place.file[j] == ABI_XMM ? h_in.xmm[v->place.num[j]][0] :
					     h_in.gpr[arg_reg[v->place.num[j]]];
}

static void check_args(const struct run *r, const struct prog_log *l)
{
	CHECK(l->slot[0] == FUNC && l->slot[1] == r->m->nslots);
	for (unsigned i = 0; i < r->m->nargs; i++) {
		const struct fm_value *v = &r->m->arg[i];

		for (unsigned j = 0; j < v->nslots; j++) {
			if (l->slot[2 + v->slot + j] != raw_slot(r, v, j))
				fail_msg("%s: ctx[%u] is %lx, not %lx", r->sig, v->slot + j,
					 l->slot[2 + v->slot + j], raw_slot(r, v, j));
		}
	}
}

/* The fmod_ret program that decides, or -1. */
static int decider(const struct run *r)
{
	for (unsigned i = 0; i < r->spec.list[TRAMP_FMOD_RET].n; i++) {
		if (!logs[TRAMP_FMOD_RET][i].skip && logs[TRAMP_FMOD_RET][i].r0)
			return (int)i;
	}
	return -1;
}

static void check_programs(const struct run *r, uint64_t result)
{
	int by = decider(r);
	uint64_t order = 0;

	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < r->spec.list[k].n; i++) {
			const struct prog_log *l = &logs[k][i];
			bool passed = k == TRAMP_FMOD_RET && by >= 0 && (int)i > by;

			CHECK(l->entered == !passed && l->left == !passed);
			CHECK(l->ran == !(passed || l->skip));
			if (!l->ran)
				continue;
			CHECK(l->cookie == 100 * k + i);
			CHECK(l->order == ++order && l->rsp % 16 == 0);
			check_args(r, l);
			if (k == TRAMP_FEXIT)
				CHECK(l->slot[2 + r->m->nslots] == result);
			if (k == TRAMP_FMOD_RET)
				CHECK(l->slot[2 + r->m->nslots] == 0);
		}
	}
	CHECK(sequence == order);
	CHECK(image_entered == r->plan.call_orig && image_left == r->plan.call_orig && !wrong);
}

static void check_callee(const struct run *r)
{
	static const uint8_t arg_reg[] = { 7, 6, 2, 1, 8, 9 };

	for (unsigned i = 0; i < r->m->nargs; i++) {
		const struct abi_place *at = &r->m->arg[i].place;

		for (unsigned j = 0; j < at->nregs && r->m->arg[i].nslots; j++) {
			if (at->file[j] == ABI_GPR)
				CHECK(h_seen.gpr[arg_reg[at->num[j]]] ==
				      h_in.gpr[arg_reg[at->num[j]]]);
		}
	}
	CHECK(!memcmp(h_seen.xmm, h_in.xmm, sizeof(h_in.xmm)));
	CHECK(h_seen.gpr[4] % 16 == 8);
	CHECK(!memcmp(harness_stack_seen, harness_stack, harness_k));
}

static void check_run(const struct run *r)
{
	static const uint8_t kept[] = { 3, 4, 5, 12, 13, 14, 15 };
	int by = decider(r);
	uint64_t result = by < 0 ? h_set.gpr[0] : logs[TRAMP_FMOD_RET][by].r0;

	CHECK(harness_runs == (by < 0));
	if (by < 0)
		check_callee(r);
	check_programs(r, result);
	for (unsigned i = 0; i < sizeof(kept); i++)
		CHECK(h_out.gpr[kept[i]] == h_in.gpr[kept[i]]);
	CHECK(h_out.gpr[0] == result);
	CHECK(!memcmp(h_out.xmm, by < 0 ? h_set.xmm : h_in.xmm, sizeof(h_in.xmm)));
}

/* -- random -------------------------------------------------------------- */

static void test_random(void **state)
{
	static struct run r;
	uint64_t s = 0x5eed3;
	unsigned ran = 0;
	char sig[1024];

	for (unsigned i = 0; i < 20000; i++) {
		unsigned n[TRAMP_KINDS];
		int err;

		for (unsigned k = 0; k < TRAMP_KINDS; k++)
			n[k] = rnd_below(&s, 2) * rnd_below(&s, MAX_PROGS + 1);
		random_signature(&s, sig, sizeof(sig), 1);
		run_init(&r, sig, n, rnd(&s) & 1 ? TRAMP_BY_CALL : TRAMP_BY_JMP);
		for (unsigned k = 0; k < TRAMP_KINDS; k++) {
			for (unsigned j = 0; j < n[k]; j++) {
				logs[k][j].skip = rnd_below(&s, 5) == 0;
				logs[k][j].r0 = rnd_below(&s, 3) ? 0 : rnd(&s) << rnd_below(&s, 64);
			}
		}
		err = tramp_plan(&r.spec, &r.plan, NULL);
		assert_true(!err || err == -ENOTSUP);
		if (!err) {
			run_emit(&r);
			run_call(&s, &r);
			check_run(&r);
			ran++;
		}
		func_model_free(r.m);
	}
	print_message("# %u of 20000 run\n", ran);
	assert_true(ran > 8000);
}

/* -- frames -------------------------------------------------------------- */

#define SIZES 16384

static bool seen[SIZES]; /* frames that ran, by 8 bytes */

static void run_frame(const char *sig, const unsigned n[TRAMP_KINDS], enum tramp_layout layout,
		      enum tramp_entry entry, bool ip)
{
	static struct run one;
	struct run *r = &one;
	uint64_t s = 99;
	struct diag d = { "" };

	run_init(r, sig, n, entry);
	r->spec.layout = layout;
	r->tb.facts.ctx_escapes = r->tb.facts.reads_ip = ip;
	if (tramp_plan(&r->spec, &r->plan, &d) < 0)
		fail_msg("%s: %s", sig, d.text);
	run_emit(r);
	run_call(&s, r);
	assert_int_equal(harness_runs, 1);
	CHECK(h_out.gpr[0] == h_set.gpr[0] && h_out.gpr[3] == h_in.gpr[3]);
	CHECK(!memcmp(harness_stack_seen, harness_stack, harness_k));
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < n[k]; i++)
			CHECK(logs[k][i].ran == 1 && logs[k][i].slot[1] == r->m->nslots);
	}
	assert_true(r->plan.frame / 8 < SIZES);
	seen[r->plan.frame / 8] = true;
	func_model_free(r->m);
}

static void each_manner(const char *sig, enum tramp_layout layout)
{
	for (unsigned kinds = 1; kinds < 8; kinds++) {
		unsigned n[TRAMP_KINDS] = { kinds & 1, kinds >> 1 & 1, kinds >> 2 & 1 };

		for (unsigned m = 0; m < 4; m++)
			run_frame(sig, n, layout, m & 1 ? TRAMP_BY_CALL : TRAMP_BY_JMP, m & 2);
	}
}

static const char *n_longs(unsigned n)
{
	static char sig[2048];
	int len = sprintf(sig, "i64(");

	for (unsigned i = 0; i < n; i++)
		len += sprintf(sig + len, "%si64", i ? "," : "");
	strcpy(sig + len, ")");
	return sig;
}

/* From where an 8-bit displacement ends to beyond it; and large ones, both layouts. */
static void test_frames(void **state)
{
	char sig[64];

	for (int layout = TRAMP_OURS; layout <= TRAMP_SEED; layout++) {
		memset(seen, 0, sizeof(seen));
		for (unsigned n = 0; n < 24; n++)
			each_manner(n_longs(n), (enum tramp_layout)layout);
		/* ours begins at 176 with these programs; emit_test has smaller ones */
		for (unsigned f = 96; f <= 160 && layout == TRAMP_SEED; f += 8)
			assert_true(seen[f / 8]);
		for (unsigned bytes = 32768 - 128; bytes <= 32768 + 64; bytes += 8) {
			snprintf(sig, sizeof(sig), "i64({u8[%u]},i64)", bytes);
			each_manner(sig, (enum tramp_layout)layout);
		}
		/* the seed's are 8 mod 16 by call and 0 by jmp, ours 0 */
		for (unsigned f = 32768 - 32; f <= 32768 + 32; f += 8)
			assert_true(seen[f / 8] || layout == TRAMP_OURS);
	}
}

static void test_limits(void **state)
{
	struct func_model *m;
	struct diag d = { "" };

	for (int layout = TRAMP_OURS; layout <= TRAMP_SEED; layout++) {
		each_manner(n_longs(255), (enum tramp_layout)layout);
		each_manner("i64({u8[65528]},i64,i64,i64,i64,i64,i64,i64)",
			    (enum tramp_layout)layout);
	}
	assert_int_equal(func_model_parse(n_longs(256), &m, &d), -E2BIG);
	assert_non_null(strstr(d.text, "255 context slots"));
	assert_int_equal(func_model_parse("i64({u8[65528]},i64,i64,i64,i64,i64,i64,i64,i64)", &m,
					  &d),
			 -E2BIG);
	assert_non_null(strstr(d.text, "65536 bytes of stack arguments"));
}

/* -- what it refuses ----------------------------------------------------- */

static void refused(const char *sig, unsigned kind, int want, const char *why)
{
	static struct run r;
	unsigned n[TRAMP_KINDS] = { 0 };
	struct diag d = { "" };
	int err;

	n[kind] = 1;
	run_init(&r, sig, n, TRAMP_BY_CALL);
	err = tramp_plan(&r.spec, &r.plan, &d);
	if (err != want || !strstr(d.text, why))
		fail_msg("%s: %d %s", sig, err, d.text);
	func_model_free(r.m);
}

static void test_refused(void **state)
{
	static struct run r;
	unsigned n[TRAMP_KINDS] = { 1, 1, 0 };
	struct diag d = { "" };

	refused("{i64,i64,i64}(i32)", TRAMP_FENTRY, -ENOTSUP, "caller's memory");
	refused("i32(p,...)", TRAMP_FENTRY, -ENOTSUP, "variadic");
	refused("f64(i32)", TRAMP_FEXIT, -ENOTSUP, "rax only");
	refused("i128(i32)", TRAMP_FEXIT, -ENOTSUP, "rax only");
	refused("x80(i32)", TRAMP_FEXIT, -ENOTSUP, "rax only");
	refused("i32(v128)", TRAMP_FENTRY, -ENOTSUP, "argument 0 is a vector");
	refused("i32(i32,{i64,i64,i64,i64}@32)", TRAMP_FEXIT, -ENOTSUP, "aligned to 32");

	run_init(&r, "i32(i32)", n, TRAMP_BY_CALL);
	r.spec.shim = NULL;
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &d), -EINVAL);
	assert_non_null(strstr(d.text, "enter and exit"));
	r.spec.shim = &shim;
	r.tb.facts.uses_scratch = true;
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "guard"));
	r.tb.facts.uses_scratch = false;
	r.tb.facts.clobbers |= X86_REG(R12);
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &d), -EINVAL);
	assert_non_null(strstr(d.text, "callee-saved"));
	r.tb.facts.clobbers = X86_CALLER_SAVED;
	r.spec.list[TRAMP_FENTRY].n = 0;
	r.tb.facts.may_override = true;
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "bpf_override_return"));
	r.tb.facts.may_override = false;
	r.tb.facts.sets_result = true;
	assert_int_equal(tramp_plan(&r.spec, &r.plan, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "utramp_set_result"));
	func_model_free(r.m);
}

static int setup(void **state)
{
	fn_record = (uint64_t)record;
	shim.enter = (uint64_t)shim_enter;
	shim.exit = (uint64_t)shim_exit;
	shim.image_enter = (uint64_t)shim_image_enter;
	shim.image_exit = (uint64_t)shim_image_exit;
	code = harness_code(CODE_SIZE);
	return !code;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("tramp/seed", tests, setup, NULL);
}
