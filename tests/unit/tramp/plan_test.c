/*
 * plan_test.c - offsets of random plans, what is filled and saved, what is refused.
 */
#include "harness.h"

#include "tramp/tramp.h"
#include "x86/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void no_code(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
}

static struct tramp_body body_with(struct body_facts f)
{
	return (struct tramp_body){ .facts = f, .emit = no_code };
}

static struct func_model *model(const char *sig)
{
	struct func_model *m = NULL;
	struct diag d = { "" };

	if (func_model_parse(sig, &m, &d) < 0)
		fail_msg("%s: %s", sig, d.text);
	return m;
}

/* A spec with n programs of one body for the kinds in the mask. */
static void plan_spec(struct tramp_spec *s, struct tramp_prog *prog, const struct tramp_body *b,
		      const struct func_model *m, unsigned kinds, unsigned n)
{
	*s = (struct tramp_spec){ .model = m, .func = 0x401000, .original = 0x500000 };
	for (unsigned i = 0; i < n; i++)
		prog[i] = (struct tramp_prog){ .body = b };
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		s->list[k].prog = prog;
		s->list[k].n = kinds >> k & 1 ? n : 0;
	}
}

/* Plan one body for these kinds; the model lives until the test ends it. */
static int plan_tagged(const struct func_model *m, unsigned kinds, struct body_facts f, bool tagged,
		       struct tramp_plan *p, struct diag *d)
{
	static struct tramp_spec s;
	static struct tramp_prog prog;
	static struct tramp_body b;

	b = body_with(f);
	plan_spec(&s, &prog, &b, m, kinds, 1);
	s.tagged = tagged;
	return tramp_plan(&s, p, d);
}

static int plan_one(const struct func_model *m, unsigned kinds, struct body_facts f,
		    struct tramp_plan *p, struct diag *d)
{
	return plan_tagged(m, kinds, f, false, p, d);
}

#define ENTRY (1u << TRAMP_FENTRY)
#define MOD   (1u << TRAMP_FMOD_RET)
#define EXIT  (1u << TRAMP_FEXIT)

/* -- offsets ------------------------------------------------------------- */

struct area {
	int64_t lo, hi;
	const char *name;
};

static void check_areas(const struct area *a, unsigned n, int64_t bottom, const char *sig)
{
	for (unsigned i = 0; i < n; i++) {
		if (a[i].lo == a[i].hi)
			continue;
		if (a[i].lo < bottom || a[i].hi > 0 || a[i].lo % 8)
			fail_msg("%s: %s [%ld, %ld) leaves the frame of %ld", sig, a[i].name,
				 (long)a[i].lo, (long)a[i].hi, (long)-bottom);
		for (unsigned j = 0; j < i; j++) {
			if (a[i].lo < a[j].hi && a[j].lo < a[i].hi)
				fail_msg("%s: %s and %s overlap", sig, a[i].name, a[j].name);
		}
	}
}

/* What must be as it was when the original returns. */
static int64_t lasts_down_to(const struct tramp_plan *p, int64_t fixed)
{
	const struct tramp_spec *s = p->spec;
	int64_t lowest = fixed;

	for (int32_t w = p->first; w < p->end; w++) {
		bool lasts = w >= (int32_t)s->model->nslots || p->cookies;

		for (unsigned i = 0; i < s->list[TRAMP_FEXIT].n; i++) {
			const struct body_facts *f = &s->list[TRAMP_FEXIT].prog[i].body->facts;

			lasts |= f->reads_any || f->ctx_escapes ||
				 (w >= 0 && f->reads[w / 64] >> w % 64 & 1) ||
				 (w == -1 && f->reads_count) || (w == -2 && f->reads_ip);
		}
		if (lasts && p->ctx + 8 * w < lowest)
			lowest = p->ctx + 8 * w;
	}
	if (p->cookies)
		lowest = p->cookie + 8 - 8 * (int64_t)p->cookies;
	return p->copy_loop && p->gpr < lowest ? p->gpr : lowest;
}

static int64_t fixed_down_to(const struct tramp_plan *p)
{
	static const int8_t off[] = { FRAME_OFF_R15, FRAME_OFF_R14, FRAME_OFF_R13, FRAME_OFF_R12 };

	for (unsigned i = 0; i < ARRAY_LEN(off); i++) {
		if (p->saved & X86_REG(R15 - i))
			return off[i];
	}
	return p->saved & X86_REG(RBX) ? FRAME_OFF_RBX : p->spec->tagged ? FRAME_OFF_TAG : 0;
}

static void check_plan(const struct tramp_plan *p, const char *sig)
{
	const struct func_model *m = p->spec->model;
	unsigned regs = (unsigned)__builtin_popcount(p->saved & X86_CALLER_SAVED);
	int64_t fixed = fixed_down_to(p), cookies = 8 * (int64_t)p->cookies;
	struct area a[] = { { fixed, 0, "fixed slots" },
			    { p->gpr, p->gpr + 8 * (int64_t)regs, "registers" },
			    { p->ctx + 8 * p->first, p->ctx + 8 * p->end, "context" },
			    { p->cookie + 8 - cookies, p->cookie + 8, "cookies" },
			    { p->scratch, p->scratch + (p->scratch ? 8 : 0), "scratch" },
			    { p->body, p->body + (int64_t)p->body_bytes, "room" } };
	int64_t used = 0;

	if (!p->need_frame)
		return;
	check_areas(a, ARRAY_LEN(a), -(int64_t)p->frame, sig);
	for (unsigned i = 0; i < ARRAY_LEN(a); i++)
		used += a[i].hi - a[i].lo;
	assert_int_equal(p->frame, ALIGN_UP(used, 16)); /* and nothing else */
	assert_true(p->saved & X86_REG(RAX));
	for (int i = 0; i < m->nslots + (int)tramp_result_slots(m); i++) {
		if (tramp_plan_fills(p, (unsigned)i))
			assert_in_range(i - p->first, 0, p->end - p->first - 1);
	}
	for (unsigned r = RAX; r <= R15; r++) {
		int32_t home = tramp_plan_home(p, (enum x86_gpr)r);

		if (!(p->saved & X86_REG(r)))
			continue;
		if (X86_CALLER_SAVED & X86_REG(r))
			assert_in_range(home - p->gpr, 0, 8 * (regs - 1));
		else
			assert_in_range(-home, -FRAME_OFF_RBX, -FRAME_OFF_R15);
		for (unsigned q = RAX; q < r; q++)
			assert_true(!(p->saved & X86_REG(q)) ||
				    tramp_plan_home(p, (enum x86_gpr)q) != home);
	}
	if (!p->call_orig)
		return;
	/* nothing that lasts is overwritten, and the stack ends no lower than it must */
	assert_true(p->out + (int64_t)p->out_bytes <= lasts_down_to(p, fixed));
	assert_true(p->out + (int64_t)p->out_bytes + 64 > lasts_down_to(p, fixed));
	assert_int_equal(p->out_bytes, m->call.stack_bytes);
	assert_int_equal((p->args - p->out) % 64, 0);
	assert_true(-p->out <= TRAMP_MAX_FRAME);
	assert_true(p->down >= p->frame && (int64_t)p->down >= -p->out - (int64_t)p->out_bytes);
}

static void test_random_offsets(void **state)
{
	uint64_t s = 0x91a4;
	char sig[2048];

	for (unsigned i = 0; i < 20000; i++) {
		unsigned kinds = rnd_below(&s, 8);
		struct body_facts f = { .reads_any = rnd_below(&s, 4) == 0,
					.clobbers = (x86_regset)(rnd(&s) & 0xffcf) };
		struct func_model *m;
		struct tramp_plan p;
		struct diag d = { "" };

		random_signature(&s, sig, sizeof(sig), kinds >> TRAMP_FMOD_RET & 1);
		m = model(sig);
		f.reads_count = rnd_below(&s, 3) == 0;
		f.reads_ip = rnd_below(&s, 3) == 0;
		f.uses_scratch = rnd(&s) & 1;
		f.room = 8 * rnd_below(&s, 4);
		f.may_override = kinds == 1u << TRAMP_FMOD_RET && rnd(&s) & 1;
		f.sets_result = kinds == 1u << TRAMP_FMOD_RET && m->ret.size && rnd(&s) & 1;
		if (m->nslots && rnd(&s) & 1)
			f.reads[0] |= 1ull << rnd_below(&s, m->nslots < 64 ? m->nslots : 64);
		if (plan_tagged(m, kinds, f, rnd(&s) & 1, &p, &d) < 0)
			fail_msg("%s: %s", sig, d.text);
		assert_int_equal(p.call_orig, kinds >> TRAMP_FEXIT & 1);
		assert_int_equal(p.need_frame, kinds != 0);
		check_plan(&p, sig);
		func_model_free(m);
	}
}

/* Arguments aligned beyond 64 move the copy to a stricter congruence. */
static void test_strict_alignment(void **state)
{
	struct func_model *m = model("void({i64,i64}@64)");
	struct tramp_plan p;

	m->call.stack_align = 256;
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, NULL), 0);
	assert_int_equal((16 - p.out) % 256, 0);
	func_model_free(m);
}

static void test_255_slots(void **state)
{
	char sig[2048] = "{i64,i64}(i64";
	struct func_model *m;
	struct tramp_plan p;

	for (int i = 1; i < 255; i++)
		strcat(sig, ",i64");
	m = model(strcat(sig, ")"));
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ .reads_any = true }, &p, NULL), 0);
	assert_true(tramp_plan_fills(&p, 254) && tramp_plan_fills(&p, 255));
	assert_true(tramp_plan_fills(&p, 256));
	assert_false(tramp_plan_fills(&p, 257));
	check_plan(&p, "255 slots");
	func_model_free(m);
	sig[0] = '\0';
	strcat(sig, "cx80(i64");
	for (int i = 1; i < 255; i++)
		strcat(sig, ",i64");
	m = model(strcat(sig, ")"));
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ .reads_any = true }, &p, NULL), 0);
	assert_true(tramp_plan_fills(&p, 258) && !tramp_plan_fills(&p, 259));
	check_plan(&p, "255 slots and four of the result");
	func_model_free(m);
}

/* -- only what is needed ------------------------------------------------- */

static void test_counting_program(void **state)
{
	struct func_model *m = model("i32(i64,i64,f64)");
	struct body_facts f = { .clobbers = X86_REG(RAX) };
	struct tramp_plan p;

	assert_int_equal(plan_one(m, ENTRY, f, &p, NULL), 0);
	assert_int_equal(p.saved, X86_REG(RAX));
	for (unsigned i = 0; i < 5; i++)
		assert_false(tramp_plan_fills(&p, i));
	assert_false(p.fill_count || p.fill_ip || p.fill_override || p.call_orig);
	func_model_free(m);
}

static void test_facts_add_up(void **state)
{
	struct func_model *m = model("i32(i64,i64,f64)");
	struct tramp_body b1 =
		body_with((struct body_facts){ .reads = { 1 << 1 }, .clobbers = X86_REG(RCX) });
	struct tramp_body b2 = body_with((struct body_facts){
		.reads = { 1 << 3 }, .reads_ip = true, .clobbers = X86_REG(R9) });
	struct tramp_prog p1 = { .body = &b1 }, p2 = { .body = &b2 };
	struct tramp_spec s = { .model = m };
	struct tramp_plan p;

	s.list[TRAMP_FENTRY].prog = &p1;
	s.list[TRAMP_FEXIT].prog = &p2;
	s.list[TRAMP_FENTRY].n = s.list[TRAMP_FEXIT].n = 1;
	assert_int_equal(tramp_plan(&s, &p, NULL), 0);
	assert_int_equal(p.saved, X86_REG(RAX) | X86_REG(RCX) | X86_REG(R9));
	assert_true(!tramp_plan_fills(&p, 0) && tramp_plan_fills(&p, 1));
	assert_true(!tramp_plan_fills(&p, 2) && tramp_plan_fills(&p, 3));
	assert_true(p.fill_ip && !p.fill_count);
	func_model_free(m);
}

static void test_escaping_ctx_is_whole(void **state)
{
	struct func_model *m = model("i32(i64,i64)");
	struct tramp_plan p;

	assert_int_equal(plan_one(m, ENTRY, (struct body_facts){ .ctx_escapes = true }, &p, NULL),
			 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(tramp_plan_fills(&p, i));
	assert_true(p.fill_count && p.fill_ip);
	assert_int_equal(plan_one(m, ENTRY, (struct body_facts){ .reads_any = true }, &p, NULL), 0);
	assert_true(tramp_plan_fills(&p, 1) && p.fill_count && !p.fill_ip);
	func_model_free(m);
}

static void test_long_copy_saves_its_counter(void **state)
{
	struct func_model *few = model("void({i64[8]})"), *many = model("void({i64[9]})");
	struct tramp_plan p;

	assert_int_equal(plan_one(few, EXIT, (struct body_facts){ 0 }, &p, NULL), 0);
	assert_true(!p.copy_loop && p.saved == X86_REG(RAX));
	assert_int_equal(plan_one(many, EXIT, (struct body_facts){ 0 }, &p, NULL), 0);
	assert_true(p.copy_loop && p.saved == (X86_REG(RAX) | X86_REG(RCX)));
	assert_int_equal(plan_one(many, ENTRY, (struct body_facts){ 0 }, &p, NULL), 0);
	assert_true(!p.copy_loop && p.saved == X86_REG(RAX) && !p.out_bytes);
	func_model_free(few);
	func_model_free(many);
}

static int64_t costs(const char *sig, struct body_facts entry, struct body_facts exit)
{
	struct func_model *m = model(sig);
	struct tramp_body b1 = body_with(entry), b2 = body_with(exit);
	struct tramp_prog p1 = { .body = &b1 }, p2 = { .body = &b2 };
	struct tramp_spec s = { .model = m, .tagged = true };
	struct tramp_plan p;

	s.list[TRAMP_FENTRY].prog = &p1;
	s.list[TRAMP_FEXIT].prog = &p2;
	s.list[TRAMP_FENTRY].n = s.list[TRAMP_FEXIT].n = 1;
	assert_int_equal(tramp_plan(&s, &p, NULL), 0);
	check_plan(&p, sig);
	func_model_free(m);
	return p.args - p.out;
}

/*
 * What a traced call takes of the target's stack, our return address and rbp included: 64 bytes
 * for whoever counts at entry and at exit, by one instruction or behind the guard.  What
 * programs change, or read at entry only, costs nothing more.
 */
static void test_costs_64_bytes(void **state)
{
	struct body_facts one = { .any_stack = true, .clobbers = X86_REG(RAX) };
	struct body_facts guarded = { .any_stack = true,
				      .uses_scratch = true,
				      .clobbers = X86_REG(RAX) | X86_REG(RDI) };
	struct body_facts called = { .uses_scratch = true, .clobbers = X86_CALLER_SAVED };
	struct body_facts args = called, result = called, all = called;

	args.reads[0] = 0x3f;
	result.reads[0] = 1 << 6;
	all.ctx_escapes = true;
	assert_int_equal(costs("i64(i64)", one, one), 64);
	assert_int_equal(costs("i64(i64)", guarded, guarded), 64);
	assert_int_equal(costs("i64(i64)", called, called), 64);
	assert_int_equal(costs("i64(i64,i64,i64,i64,i64,i64)", args, result), 64);
	/* 6 arguments and a result behind the tag, to be read at exit */
	assert_int_equal(costs("i64(i64,i64,i64,i64,i64,i64)", args, all), 128);
	assert_int_equal(costs("i64(i64,i64,i64,i64,i64,i64,{i64[5]})", called, called), 64);
	assert_int_equal(costs("i64(i64,i64,i64,i64,i64,i64,{i64[6]})", called, called), 128);
}

/* -- refusals ------------------------------------------------------------ */

static void refused(const char *sig, unsigned kinds, struct body_facts f, int err, const char *why)
{
	struct func_model *m = strcmp(sig, "raw") ? model(sig) : NULL;
	struct tramp_plan p = { .frame = 7 };
	struct diag d = { "" };
	int got;

	if (!m)
		assert_int_equal(func_model_raw(&m), 0);
	got = plan_one(m, kinds, f, &p, &d);
	if (got != err || !strstr(d.text, why))
		fail_msg("%s: %d \"%s\", want %d \"%s\"", sig, got, d.text, err, why);
	assert_int_equal(p.frame, 7); /* untouched */
	func_model_free(m);
}

static void test_unknown_stack(void **state)
{
	struct body_facts f = { .reads = { 1 } };
	struct func_model *m;
	struct tramp_plan p;

	refused("i32(p,...)", EXIT, f, -ENOTSUP, "--proto");
	refused("i32(p,...)", MOD, f, -ENOTSUP, "fmod_ret programs need");
	refused("i32(p,...)", ENTRY | EXIT, f, -ENOTSUP, "fexit programs need");
	refused("raw", EXIT, f, -ENOTSUP, "--btf");
	refused("raw", MOD, f, -ENOTSUP, "fmod_ret");
	m = model("i32(p,...)");
	assert_int_equal(plan_one(m, ENTRY, f, &p, NULL), 0);
	func_model_free(m);
	assert_int_equal(func_model_raw(&m), 0);
	f.reads[0] = 0x3f;
	assert_int_equal(plan_one(m, ENTRY, f, &p, NULL), 0);
	func_model_free(m);
}

static void test_results_of_fmod_ret(void **state)
{
	static const char *const fine[] = { "void(i32)", "u8()",        "f32()",           "f64()",
					    "i128()",    "{i64,f64}()", "{f32,f32,f32}()", "bool()",
					    "v128()",    "f128()" };
	static const char *const only_set[] = { "{i64[3]}()", "!{i8,i64}()", "x80()",
						"cx80()",     "v256()",      "v512()" };
	struct body_facts set = { .sets_result = true }, both = set;
	struct tramp_plan p;

	both.may_override = true;
	refused("{i64[3]}()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "caller's memory");
	refused("!{i8,i64}()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "caller's memory");
	refused("x80()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "x87");
	refused("cx80()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "x87");
	refused("v256()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "a vector of 32 bytes");
	refused("v512()", MOD | EXIT, (struct body_facts){ 0 }, -ENOTSUP,
		"use utramp_set_result()");
	refused("&{i32}()", MOD, (struct body_facts){ 0 }, -ENOTSUP, "a C++ object");
	refused("&{i32}()", MOD, set, -ENOTSUP, "nobody else can");
	refused("void(i32)", MOD, set, -ENOTSUP, "returns nothing that could be set");
	refused("{}()", MOD, set, -ENOTSUP, "returns nothing that could be set");
	refused("i32()", ENTRY, set, -EINVAL, "utramp_set_result in a fentry");
	refused("i32()", EXIT, set, -EINVAL, "utramp_set_result in a fexit");
	for (unsigned i = 0; i < ARRAY_LEN(only_set); i++) {
		struct func_model *m = model(only_set[i]);

		refused(only_set[i], MOD, both, -ENOTSUP, "bpf_override_return: the result is");
		assert_int_equal(plan_one(m, MOD, set, &p, NULL), 0);
		assert_true(p.fill_result && p.fill_override && p.first <= TRAMP_RESULT_SIZE);
		func_model_free(m);
	}
	for (unsigned i = 0; i < ARRAY_LEN(fine); i++) {
		struct func_model *m = model(fine[i]);

		assert_int_equal(plan_one(m, MOD, (struct body_facts){ 0 }, &p, NULL), 0);
		assert_false(p.call_orig);
		func_model_free(m);
	}
}

static void test_contradictions(void **state)
{
	struct body_facts f = { 0 };
	struct tramp_spec s;
	struct tramp_prog prog = { 0 };
	struct func_model *m = model("i32(i32)");
	struct tramp_plan p;

	f.may_override = true;
	refused("i32(i32)", ENTRY, f, -EINVAL, "bpf_override_return in a fentry");
	refused("i32(i32)", EXIT, f, -EINVAL, "bpf_override_return in a fexit");
	f = (struct body_facts){ .clobbers = X86_REG(RBP) };
	refused("i32(i32)", ENTRY, f, -EINVAL, "rsp or rbp");
	f = (struct body_facts){ .reads = { 1 << 3 } };
	refused("i32(i32)", ENTRY, f, -EINVAL, "reads ctx[3], but the function has 1 argument");
	f = (struct body_facts){ .reads = { 0, 0, 0, 1ull << 63 } };
	refused("i32(i32)", EXIT, f, -EINVAL, "reads ctx[255]");
	plan_spec(&s, &prog, NULL, m, ENTRY, 1);
	assert_int_equal(tramp_plan(&s, &p, NULL), -EINVAL);
	func_model_free(m);
}

/* What is read of a vector decides how much of it is stored, and the frame has room for that. */
static void test_wide_vectors(void **state)
{
	static const struct {
		const char *sig;
		unsigned reads, words;
	} rows[] = {
		{ "void(v256)", 1 << 0, 2 },     { "void(v256)", 1 << 1, 2 },
		{ "void(v256)", 1 << 2, 4 },     { "void(v512)", 1 << 1, 2 },
		{ "void(v512)", 1 << 3, 4 },     { "void(v512)", 1 << 4, 8 },
		{ "void(i32,v512)", 1 << 8, 8 }, { "void(i64,v256,i64)", 0x22, 5 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct body_facts f = { .reads = { rows[i].reads } };
		struct func_model *m = model(rows[i].sig);
		struct tramp_plan p;

		assert_int_equal(plan_one(m, ENTRY, f, &p, NULL), 0);
		if ((unsigned)(p.end - p.first) != rows[i].words)
			fail_msg("row %u: %d words", i, p.end - p.first);
		func_model_free(m);
	}
}

/* An image that stores x87 takes stack for it. */
static uint32_t looks_for(const struct func_model *m, unsigned slot)
{
	struct body_facts f = { .reads = { 1ull << slot }, .clobbers = X86_REG(RAX) };
	struct tramp_body body = body_with(f);
	struct tramp_prog prog = { .body = &body };
	struct tramp_spec s = { .model = m, .stack = { .granted = 1, .missed = 1 } };
	struct tramp_plan p;

	s.list[TRAMP_FEXIT].prog = &prog;
	s.list[TRAMP_FEXIT].n = 1;
	assert_int_equal(tramp_plan(&s, &p, NULL), 0);
	return p.need;
}

static void test_room_for_x87(void **state)
{
	struct func_model *m = model("x80(i64)");

	assert_true(looks_for(m, 1) >= looks_for(m, 0) + 512);
	func_model_free(m);
}

static void test_too_big(void **state)
{
	struct func_model *m = model("void({u8[65528]})");
	struct tramp_plan p;
	struct diag d = { "" };

	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, NULL), 0);
	check_plan(&p, "64 KiB");
	m->call.stack_bytes = TRAMP_MAX_FRAME - 8;
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, &d), -E2BIG);
	assert_non_null(strstr(d.text, "bytes of stack arguments"));
	m->call.stack_bytes = UINT32_MAX;
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, NULL), -E2BIG);
	assert_int_equal(plan_one(m, ENTRY, (struct body_facts){ 0 }, &p, NULL), 0);
	m->call.stack_bytes = 64;
	m->call.stack_align = 1u << 31;
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, NULL), -E2BIG);
	m->call.stack_align = 96;
	assert_int_equal(plan_one(m, EXIT, (struct body_facts){ 0 }, &p, NULL), -E2BIG);
	func_model_free(m);
}

/* -- text ---------------------------------------------------------------- */

static void test_format(void **state)
{
	struct func_model *m = model("i32(i64,i64)");
	struct body_facts f = { .reads = { 2 }, .reads_count = true, .clobbers = X86_REG(RBX) };
	struct tramp_plan p;
	char text[512], cut[16];
	size_t len;

	assert_int_equal(plan_one(m, ENTRY | EXIT, f, &p, NULL), 0);
	len = tramp_plan_format(&p, text, sizeof(text));
	assert_int_equal(len, strlen(text));
	assert_string_equal(text, "programs: 1 fentry, 0 fmod_ret, 1 fexit\n"
				  "original: called\n"
				  "frame 48\n"
				  "save rax at -48\n"
				  "save rbx at -16\n"
				  "ctx -32: 1 count\n"
				  "out -48: 0 bytes of stack arguments\n");
	assert_int_equal(tramp_plan_format(&p, cut, sizeof(cut)), sizeof(cut) - 1);
	assert_memory_equal(cut, text, sizeof(cut) - 1);
	assert_int_equal(tramp_plan_format(&p, NULL, 0), 0);
	assert_int_equal(plan_one(m, 0, f, &p, NULL), 0);
	tramp_plan_format(&p, text, sizeof(text));
	assert_non_null(strstr(text, "nothing to run"));
	func_model_free(m);
}

static void name_is(const struct tramp_plan *p, int32_t off, const char *want)
{
	char text[64], cut[4];

	assert_int_equal(tramp_plan_name(p, off, text, sizeof(text)), strlen(want));
	assert_string_equal(text, want);
	assert_int_equal(tramp_plan_name(p, off, cut, sizeof(cut)),
			 strlen(want) < sizeof(cut) ? strlen(want) : sizeof(cut) - 1);
	assert_int_equal(tramp_plan_name(p, off, NULL, 0), 0);
}

/* Every byte of the frame that the plan gives away has its name, and no other has. */
static void test_names(void **state)
{
	struct func_model *m = model("i64(i64,i64,i64,i64,i64,i64,u8,{i64,i64,i64})");
	struct body_facts f = { .ctx_escapes = true,
				.uses_scratch = true,
				.room = 16,
				.clobbers = X86_REG(RDI) | X86_REG(RBX) };
	struct tramp_plan p;

	assert_int_equal(plan_one(m, EXIT, f, &p, NULL), 0);
	name_is(&p, tramp_plan_home(&p, RDI), "saved rdi");
	name_is(&p, tramp_plan_home(&p, RAX) + 4, "saved rax + 4");
	name_is(&p, FRAME_OFF_RBX, "saved rbx");
	name_is(&p, FRAME_OFF_TAG, "");
	name_is(&p, p.ctx, "ctx[0]");
	name_is(&p, p.ctx + 60, "ctx[7] + 4");
	name_is(&p, p.ctx + 64, "ctx[8], the result");
	name_is(&p, p.ctx + 72, "ctx[9], the result's second word");
	name_is(&p, p.ctx - 8, "ctx[-1], the count");
	name_is(&p, p.ctx - 16, "ctx[-2], the function");
	name_is(&p, p.ctx - 24, "");
	name_is(&p, p.scratch + 4, "scratch + 4");
	name_is(&p, p.body + 15, "programs' stack + 15");
	name_is(&p, p.out, "copied stack arguments");
	name_is(&p, p.out + 15, "copied stack arguments + 15");
	name_is(&p, p.out + 32, "scratch"); /* what lies above it */
	name_is(&p, 0, "caller's rbp");
	name_is(&p, 8, "return address");
	name_is(&p, 16, "arg 6 on the stack");
	name_is(&p, 17, "stack arguments + 1");
	name_is(&p, 24, "arg 7 on the stack");
	name_is(&p, 47, "arg 7 on the stack + 23");
	name_is(&p, 48, "");
	/* by call there are two return addresses */
	((struct tramp_spec *)(uintptr_t)p.spec)->entry = TRAMP_BY_CALL;
	assert_int_equal(tramp_plan(p.spec, &p, NULL), 0);
	name_is(&p, 8, "return address into the function");
	name_is(&p, 16, "return address");
	name_is(&p, 24, "arg 6 on the stack");
	assert_int_equal(plan_one(m, 0, f, &p, NULL), 0);
	name_is(&p, 0, "");
	func_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_offsets),
		cmocka_unit_test(test_strict_alignment),
		cmocka_unit_test(test_255_slots),
		cmocka_unit_test(test_counting_program),
		cmocka_unit_test(test_facts_add_up),
		cmocka_unit_test(test_escaping_ctx_is_whole),
		cmocka_unit_test(test_long_copy_saves_its_counter),
		cmocka_unit_test(test_costs_64_bytes),
		cmocka_unit_test(test_unknown_stack),
		cmocka_unit_test(test_results_of_fmod_ret),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_wide_vectors),
		cmocka_unit_test(test_room_for_x87),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("tramp/plan", tests, NULL, NULL);
}
