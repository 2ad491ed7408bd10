/*
 * session_test.c - fsession programs: ctx[-1], session cookies, both phases; plan and code.
 *
 * A program here is a C function behind a body with code of its own, so that the code is
 * there once and called from two places, as the JIT's is.
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

#define CODE_SIZE (512 * 1024)
#define MAX_PROGS 260
#define FUNC      0x401000

/* -- programs -------------------------------------------------------------------------- */

struct call {
	uint64_t prog, word, ip, cookie, result, arg0;
};

static struct call calls[4 * MAX_PROGS];
static unsigned ncalls;
static uint8_t *code;
static unsigned written; /* bodies' own code */

struct script {
	uint64_t number;
	uint64_t fn;
	bool cookie;     /* asks for one: else the index is another program's */
	bool skip_entry; /* leave without a result, as the recursion guard does */
};

static uint64_t *cookie_of(uint64_t *ctx)
{
	uint64_t index = ctx[-1] >> TRAMP_COOKIE_SHIFT & 0xff;

	return index ? ctx - index : NULL;
}

/* Logs, and leaves in its cookie what only this call of this program can have left. */
static uint64_t session(uint64_t *ctx, const struct script *s)
{
	uint64_t *cookie = s->cookie ? cookie_of(ctx) : NULL;
	struct call *c = &calls[ncalls++];

	*c = (struct call){ s->number,           ctx[-1], ctx[-2], cookie ? *cookie : 0,
			    ctx[ctx[-1] & 0xff], ctx[0] };
	if (cookie && !(ctx[-1] & TRAMP_IS_RETURN))
		*cookie = s->number << 32 | (uint32_t)ctx[0];
	return 0x7777; /* nobody cares */
}

static void script_emit(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct script *s = self;

	x86_lea(a, RDI, X86_MEM(RBP, env->ctx));
	x86_call(a, env->entry);
	if (s->skip_entry && env->kind == TRAMP_FENTRY)
		x86_jmp(a, env->skip);
}

static void script_rest(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct script *s = self;

	written++;
	x86_bind(a, env->entry);
	x86_push(a, RBP);
	x86_mov_ri(a, RSI, (uint64_t)s);
	x86_call_far(a, s->fn, RAX);
	x86_pop(a, RBP);
	x86_ret(a);
}

static struct tramp_body script_body(const struct script *s)
{
	struct tramp_body b = { .emit = script_emit, .emit_rest = script_rest, .self = s };

	b.facts.reads_any = b.facts.reads_count = b.facts.reads_ip = true;
	b.facts.session_cookie = s->cookie;
	b.facts.clobbers = X86_CALLER_SAVED;
	return b;
}

/* -- a trampoline ------------------------------------------------------------------------ */

struct rig {
	struct func_model *m;
	struct tramp_spec spec;
	struct tramp_plan plan;
	struct script script[MAX_PROGS];
	struct tramp_body body[MAX_PROGS];
	struct tramp_prog prog[TRAMP_KINDS][MAX_PROGS];
	unsigned n;
};

static struct rig *rig_new(const char *sig)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct diag d = { "" };

	assert_non_null(r);
	if (func_model_parse(sig, &r->m, &d) < 0)
		fail_msg("%s: %s", sig, d.text);
	r->spec = (struct tramp_spec){ .model = r->m,
				       .func = FUNC,
				       .original = (taddr_t)harness_callee };
	for (unsigned k = 0; k < TRAMP_KINDS; k++)
		r->spec.list[k].prog = r->prog[k];
	return r;
}

static void rig_free(struct rig *r)
{
	func_model_free(r->m);
	free(r);
}

static void put(struct rig *r, unsigned kind, unsigned i, bool in_session)
{
	r->prog[kind][r->spec.list[kind].n++] =
		(struct tramp_prog){ .body = &r->body[i], .session = in_session };
}

/* Program number i + 1; session: in both lists, else in that of kind. */
static struct script *add(struct rig *r, unsigned kind, bool in_session, bool cookie)
{
	unsigned i = r->n++;

	r->script[i] =
		(struct script){ .number = i + 1, .fn = (uint64_t)session, .cookie = cookie };
	r->body[i] = script_body(&r->script[i]);
	put(r, in_session ? TRAMP_FENTRY : kind, i, in_session);
	if (in_session)
		put(r, TRAMP_FEXIT, i, true);
	return &r->script[i];
}

/* What the kernel's layout calls around a program. */
static unsigned entered, left;

static uint64_t enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	entered++;
	return 1;
}

static void leave_it(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
	left++;
}

static void image(uint64_t at)
{
}

static void in_seed_layout(struct rig *r)
{
	static struct tramp_shim shim;

	shim = (struct tramp_shim){ (uint64_t)enter, (uint64_t)leave_it, (uint64_t)image,
				    (uint64_t)image, 0 };
	r->spec.layout = TRAMP_SEED;
	r->spec.shim = &shim;
}

static void make(struct rig *r)
{
	struct diag d = { "" };
	struct x86_asm a;

	if (tramp_plan(&r->spec, &r->plan, &d) < 0)
		fail_msg("plan: %s", d.text);
	written = ncalls = entered = left = 0;
	memset(calls, 0, sizeof(calls));
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&r->plan, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
}

static void run(struct rig *r)
{
	uint64_t s = 77;

	make(r);
	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(&s);
		h_set.gpr[i] = rnd(&s);
	}
	harness_k = r->m->call.stack_bytes;
	for (unsigned i = 0; i < harness_k; i++)
		harness_stack[i] = (uint8_t)rnd(&s);
	harness_runs = 0;
	harness_call(code);
}

static void check_call(unsigned i, uint64_t prog, uint64_t word, uint64_t cookie, uint64_t result)
{
	const struct call *c = &calls[i];

	if (c->prog != prog || c->word != word || c->cookie != cookie || c->result != result ||
	    c->ip != FUNC || c->arg0 != h_in.gpr[7])
		fail_msg("call %u: program %lu word %lx cookie %lx result %lx ip %lx, want %lu %lx "
			 "%lx %lx",
			 i, c->prog, c->word, c->cookie, c->result, c->ip, prog, word, cookie,
			 result);
}

#define RET TRAMP_IS_RETURN

/* -- cases --------------------------------------------------------------------------------- */

/* 1: cookie, 2: plain fentry, 3: session without, 4: cookie, 5: plain fexit. */
static void words_and_cookies(bool in_seed)
{
	struct rig *r = rig_new("i64(i64,i64,i64)");
	uint64_t low, left1, left4, first = 3, second = first + 1;

	if (in_seed)
		in_seed_layout(r);
	add(r, 0, true, true);
	add(r, TRAMP_FENTRY, false, false);
	add(r, 0, true, false);
	add(r, 0, true, true);
	add(r, TRAMP_FEXIT, false, false);
	run(r);
	low = (uint32_t)h_in.gpr[7];
	left1 = 1ull << 32 | low, left4 = 4ull << 32 | low;
	assert_int_equal(ncalls, 8);
	assert_int_equal(harness_runs, 1);
	assert_int_equal(written, 5); /* a session's code is there once */
	check_call(0, 1, 3 | first << 8, 0, 0);
	assert_int_equal(calls[1].prog, 2);
	assert_int_equal(calls[1].word & (RET | 0xff), 3);
	assert_int_equal(calls[2].prog, 3);
	assert_int_equal(calls[2].word & (RET | 0xff), 3);
	check_call(3, 4, 3 | second << 8, 0, 0);
	check_call(4, 1, RET | 3 | first << 8, left1, h_set.gpr[0]);
	assert_int_equal(calls[5].prog, 3);
	assert_int_equal(calls[5].word & (RET | 0xff), RET | 3);
	check_call(6, 4, RET | 3 | second << 8, left4, h_set.gpr[0]);
	assert_int_equal(calls[7].prog, 5);
	assert_int_equal(calls[7].word & (RET | 0xff), RET | 3);
	assert_int_equal(h_out.gpr[0], h_set.gpr[0]);
	assert_true(in_seed || h_out.gpr[11] == h_set.gpr[11]);
	assert_int_equal(entered, in_seed ? 8 : 0);
	assert_int_equal(left, entered);
	ncalls = 0;
	harness_call(code); /* where the last call's cookies were */
	assert_int_equal(calls[0].cookie, 0);
	assert_int_equal(calls[3].cookie, 0);
	rig_free(r);
}

static void test_words_and_cookies(void **state)
{
	words_and_cookies(false);
}

/* The kernel's frame has them below the address, from 7.0 on. */
static void test_seed_layout(void **state)
{
	words_and_cookies(true);
}

/* No cookie anywhere: the word is written once for each phase. */
static void test_session_without_cookie(void **state)
{
	struct rig *r = rig_new("i64(i64)");

	add(r, 0, true, false);
	run(r);
	assert_int_equal(ncalls, 2);
	check_call(0, 1, 1, 0, 0);
	check_call(1, 1, RET | 1, 0, h_set.gpr[0]);
	rig_free(r);
}

/* Cookies are zero at every entry, whatever the stack held. */
static void test_cookies_begin_at_zero(void **state)
{
	struct rig *r = rig_new("i64(i64)");

	add(r, 0, true, true);
	run(r);
	for (unsigned i = 0; i < 3; i++) {
		ncalls = 0;
		harness_call(code);
		assert_int_equal(calls[0].cookie, 0);
		assert_int_equal(calls[1].cookie, 1ull << 32 | (uint32_t)h_in.gpr[7]);
	}
	rig_free(r);
}

/* The guard passes an entry over: the exit runs all the same, with its cookie at zero. */
static void test_exit_runs_without_entry(void **state)
{
	struct rig *r = rig_new("i64(i64)");

	add(r, 0, true, true)->skip_entry = true;
	add(r, 0, true, true);
	run(r);
	assert_int_equal(ncalls, 4);
	assert_int_equal(calls[2].word, RET | 1 | 3 << 8);
	assert_int_equal(calls[3].word, RET | 1 | 4 << 8);
	rig_free(r);
}

static uint64_t deny(uint64_t *ctx, const struct script *s)
{
	session(ctx, s);
	return (uint64_t)-22;
}

/* fmod_ret skips the function: the exit phase is one, and sees the value. */
static void test_skipped_function(void **state)
{
	struct rig *r = rig_new("i64(i64)");

	add(r, 0, true, true);
	add(r, TRAMP_FMOD_RET, false, false)->fn = (uint64_t)deny;
	run(r);
	assert_int_equal(ncalls, 3);
	assert_int_equal(harness_runs, 0);
	check_call(0, 1, 1 | 3 << 8, 0, 0);
	assert_int_equal(calls[1].word & (RET | 0xff), 1);
	check_call(2, 1, RET | 1 | 3 << 8, 1ull << 32 | (uint32_t)h_in.gpr[7], (uint64_t)-22);
	assert_int_equal(h_out.gpr[0], (uint64_t)-22);
	rig_free(r);
}

static uint64_t (*traced)(uint64_t);

static uint64_t down(uint64_t n)
{
	return n ? n + traced(n - 1) : 0;
}

/* The traced function calls itself: each call has a cookie of its own. */
static void test_recursive_function(void **state)
{
	struct rig *r = rig_new("u64(u64)");

	add(r, 0, true, true);
	r->spec.original = (taddr_t)down;
	make(r);
	traced = (uint64_t(*)(uint64_t))(uintptr_t)code;
	assert_int_equal(traced(50), 1275);
	assert_int_equal(ncalls, 102);
	for (uint64_t i = 0; i <= 50; i++) {
		assert_int_equal(calls[i].arg0, 50 - i);
		assert_int_equal(calls[i].cookie, 0);
		assert_int_equal(calls[101 - i].arg0, 50 - i);
		assert_int_equal(calls[101 - i].cookie, 1ull << 32 | (50 - i));
		assert_int_equal(calls[101 - i].result, (50 - i) * (51 - i) / 2);
	}
	rig_free(r);
}

static jmp_buf out;

static uint64_t leave(uint64_t n)
{
	if (!n)
		longjmp(out, 1);
	return traced(n - 1);
}

/* Calls left by longjmp() have no exit; those that come after know nothing of them. */
static void test_left_by_longjmp(void **state)
{
	struct rig *r = rig_new("u64(u64)");

	add(r, 0, true, true);
	r->spec.original = (taddr_t)leave;
	make(r);
	traced = (uint64_t(*)(uint64_t))(uintptr_t)code;
	for (volatile int i = 0; i < 3; i++) {
		ncalls = 0;
		if (!setjmp(out))
			traced(5);
		assert_int_equal(ncalls, 6);
		for (unsigned k = 0; k < 6; k++)
			assert_int_equal(calls[k].cookie, 0);
	}
	rig_free(r);
}

static void test_255_slots(void **state)
{
	char sig[2048] = "i64(i64";
	struct rig *r;

	for (unsigned i = 1; i < 255; i++)
		strcat(sig, ",i64");
	strcat(sig, ")");
	r = rig_new(sig);
	add(r, 0, true, true);
	add(r, 0, true, true);
	run(r);
	assert_int_equal(ncalls, 4);
	check_call(0, 1, 255 | 3 << 8, 0, 0);
	check_call(1, 2, 255 | 4 << 8, 0, 0);
	check_call(2, 1, RET | 255 | 3 << 8, 1ull << 32 | (uint32_t)h_in.gpr[7], h_set.gpr[0]);
	check_call(3, 2, RET | 255 | 4 << 8, 2ull << 32 | (uint32_t)h_in.gpr[7], h_set.gpr[0]);
	assert_memory_equal(harness_stack_seen, harness_stack, harness_k);
	rig_free(r);
}

/* As many as an index of 8 bits can name; one more is refused. */
static void test_many_cookies(void **state)
{
	struct rig *r = rig_new("i64(i64,i64,i64,i64,i64,i64,i64,i64)");
	struct diag d = { "" };

	for (unsigned i = 0; i < TRAMP_MAX_COOKIES; i++)
		add(r, 0, true, true);
	add(r, 0, true, false);
	run(r);
	assert_int_equal(ncalls, 2 * (TRAMP_MAX_COOKIES + 1));
	for (unsigned i = 0; i < TRAMP_MAX_COOKIES; i++)
		check_call(TRAMP_MAX_COOKIES + 1 + i, i + 1, RET | 8 | (uint64_t)(3 + i) << 8,
			   (uint64_t)(i + 1) << 32 | (uint32_t)h_in.gpr[7], h_set.gpr[0]);
	assert_memory_equal(harness_stack_seen, harness_stack, harness_k);
	add(r, 0, true, true);
	assert_int_equal(tramp_plan(&r->spec, &r->plan, &d), -E2BIG);
	assert_string_equal(d.text, "251 fsession programs with a session cookie on one function, "
				    "the limit is 250");
	rig_free(r);
}

static void refused(struct rig *r, const char *why)
{
	struct diag d = { "" };

	assert_int_equal(tramp_plan(&r->spec, &r->plan, &d), -EINVAL);
	if (!strstr(d.text, why))
		fail_msg("'%s', want '%s'", d.text, why);
	rig_free(r);
}

static void test_contradictions(void **state)
{
	struct rig *r = rig_new("i64(i64)");

	add(r, TRAMP_FENTRY, false, true);
	refused(r, "bpf_session_cookie in a fentry program");
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		r = rig_new("i64(i64)");
		add(r, k, false, false);
		r->prog[k][0].session = true;
		refused(r, "once each");
	}
	r = rig_new("i64(i64)");
	add(r, 0, true, false);
	put(r, TRAMP_FEXIT, 0, true);
	refused(r, "once each");
}

static void test_unknown_stack(void **state)
{
	struct rig *r = rig_new("i64(i64)");
	struct diag d = { "" };

	func_model_free(r->m);
	assert_int_equal(func_model_raw(&r->m), 0);
	r->spec.model = r->m;
	add(r, 0, true, false);
	assert_int_equal(tramp_plan(&r->spec, &r->plan, &d), -ENOTSUP);
	rig_free(r);
}

/*
 * Entered by a tail call inside an open call, a session has an entry and no exit; its cookie is there,
 * zero, and nobody else's.
 */
static void test_tail_call(void **state)
{
	struct rig *r = rig_new("i64(i64)");
	taddr_t ret = (taddr_t)harness_returned;

	add(r, 0, true, true);
	add(r, TRAMP_FEXIT, false, false);
	add(r, 0, true, true);
	r->spec.tagged = true;
	r->spec.tail = (taddr_t)harness_tail;
	r->spec.room[0].lo = ret - 64;
	r->spec.room[0].hi = ret + 64;
	harness_shares = 1;
	run(r);
	assert_int_equal(harness_runs, 1);
	assert_int_equal(ncalls, 2);
	check_call(0, 1, TRAMP_IS_TAIL | 1 | 3 << 8, 0, 0);
	check_call(1, 3, TRAMP_IS_TAIL | 1 | 4 << 8, 0, 0);
	assert_int_equal(written, 3); /* the code is that of other calls */
	harness_shares = 0;
	ncalls = 0;
	harness_call(code);
	assert_int_equal(ncalls, 5);
	check_call(0, 1, 1 | 3 << 8, 0, 0);
	check_call(2, 1, RET | 1 | 3 << 8, 1ull << 32 | (uint32_t)h_in.gpr[7], h_set.gpr[0]);
	rig_free(r);
}

/* Entered by call the stack arguments lie a word higher; cookies do not mind. */
static void test_plan_by_call(void **state)
{
	struct rig *r = rig_new("i64(i64)");
	struct tramp_plan by_jmp;

	add(r, 0, true, true);
	make(r);
	by_jmp = r->plan;
	r->spec.entry = TRAMP_BY_CALL;
	make(r);
	assert_int_equal(r->plan.cookies, 1);
	assert_int_equal(r->plan.ctx, by_jmp.ctx);
	assert_int_equal(tramp_plan_cookie(&r->plan, &r->prog[TRAMP_FENTRY][0]), 3);
	assert_true(r->plan.out <= r->plan.ctx - 8 * 3);
	rig_free(r);
}

static void test_format(void **state)
{
	struct rig *r = rig_new("i64(i64)");
	char text[512];

	add(r, 0, true, true);
	add(r, TRAMP_FEXIT, false, false);
	add(r, 0, true, true);
	make(r);
	tramp_plan_format(&r->plan, text, sizeof(text));
	assert_non_null(strstr(text, "programs: 0 fentry, 0 fmod_ret, 1 fexit, 2 fsession\n"));
	assert_non_null(strstr(text, "ctx -24: 0 1 2 count ip\n"
				     "session cookie 3 at -48\n"
				     "session cookie 4 at -56\n"));
	rig_free(r);
}

static int setup(void **state)
{
	code = harness_code(CODE_SIZE);
	return !code;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_and_cookies),
		cmocka_unit_test(test_session_without_cookie),
		cmocka_unit_test(test_cookies_begin_at_zero),
		cmocka_unit_test(test_exit_runs_without_entry),
		cmocka_unit_test(test_skipped_function),
		cmocka_unit_test(test_recursive_function),
		cmocka_unit_test(test_left_by_longjmp),
		cmocka_unit_test(test_255_slots),
		cmocka_unit_test(test_many_cookies),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_unknown_stack),
		cmocka_unit_test(test_seed_layout),
		cmocka_unit_test(test_plan_by_call),
		cmocka_unit_test(test_tail_call),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests_name("tramp/session", tests, setup, NULL);
}
