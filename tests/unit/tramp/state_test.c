/*
 * state_test.c - what a trampoline leaves alone that the other tests cannot see: the upper
 * halves of vector registers, MXCSR and the x87 control word; and a shadow stack.
 *
 * The shadow stack is one that the test keeps while it steps through a call: every return must
 * go where the call before it said (SDM volume 1, chapter 17).  Entered by call, a trampoline
 * that passes the function by cannot do that, which shows that the test can fail.  And what an image
 * writes beside its call for tail calls to find.
 */
#include "harness.h"

#include "tramp/tramp.h"
#include "x86/frame.h"
#include "x86/insn.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "../skip.h"

#define CODE_SIZE 65536
#define SIG       "f64(i64,f64,i64,i64,i64,i64,i64,i64,i64)"

/* No vector register: as any program of a trampoline. */
#define PROBE __attribute__((target("general-regs-only"), noinline))

static uint8_t *code;
static uint64_t fn_go_on, fn_replace;
static unsigned ran;

static PROBE uint64_t go_on(const uint64_t *ctx, uint64_t arg)
{
	ran++;
	return 0;
}

static PROBE uint64_t replace(const uint64_t *ctx, uint64_t arg)
{
	ran++;
	return 1;
}

static PROBE uint64_t shim_enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	return 1;
}

static PROBE void shim_exit(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
}

static PROBE void shim_image(uint64_t image)
{
}

struct manner {
	const char *sig;
	enum tramp_layout layout;
	enum tramp_entry entry;
	unsigned kinds; /* one bit each */
	bool skip;      /* the fmod_ret program replaces the result */
};

/* A trampoline in code[], ready for harness_call(). */
static void build(const struct manner *x)
{
	struct tramp_shim shim = { (uint64_t)shim_enter, (uint64_t)shim_exit, (uint64_t)shim_image,
				   (uint64_t)shim_image, 0 };
	struct tramp_body keep = tramp_body_call(&fn_go_on), mod = tramp_body_call(&fn_replace);
	struct tramp_prog prog[TRAMP_KINDS];
	struct tramp_spec s = { .layout = x->layout, .entry = x->entry, .shim = &shim };
	bool by_call = x->entry == TRAMP_BY_CALL;
	struct func_model *m;
	struct tramp_plan p;
	struct x86_asm a;

	assert_int_equal(func_model_parse(x->sig, &m, NULL), 0);
	s.model = m;
	s.original = (taddr_t)(by_call ? harness_body : harness_callee);
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		bool skips = k == TRAMP_FMOD_RET && x->skip;

		prog[k] = (struct tramp_prog){ .body = skips ? &mod : &keep };
		s.list[k].prog = &prog[k];
		s.list[k].n = x->kinds >> k & 1;
	}
	assert_int_equal(tramp_plan(&s, &p, NULL), 0);
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&p, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
	harness_k = m->call.stack_bytes;
	harness_shift = 16;
	harness_runs = ran = 0;
	h_tramp = code;
	func_model_free(m);
}

static void *entry_of(const struct manner *x)
{
	return x->entry == TRAMP_BY_CALL ? (void *)harness_patched : code;
}

/* -- vector state ---------------------------------------------------------- */

static uint8_t upper[16][32], after[16][32];

/* The upper halves from memory, a call, and back; the lower ones are the harness's. */
static void call_with_upper(void *fn)
{
	__asm__ volatile(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
			 "vmovdqu 32 * \\n(%1), %%ymm\\n\n.endr\n"
			 "sub $128, %%rsp; call harness_call; add $128, %%rsp\n" /* the red zone */
			 ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
			 "vmovdqu %%ymm\\n, 32 * \\n(%2)\n.endr\n"
			 "vzeroupper"
			 : "+D"(fn)
			 : "r"(upper), "b"(after)
			 : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc",
			   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void check_upper(const struct manner *x)
{
	uint32_t mxcsr = 0x3f80, was, now; /* rounds down: not what anybody sets */
	uint16_t cw = 0x0f7f, old_cw, now_cw;

	build(x);
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(was), "=m"(old_cw));
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(cw));
	call_with_upper(entry_of(x));
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(now), "=m"(now_cw));
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(was), "m"(old_cw));
	assert_int_equal(ran, x->skip ? 3 : __builtin_popcount(x->kinds));
	assert_int_equal(harness_runs, !x->skip);
	assert_int_equal(now, mxcsr);
	assert_int_equal(now_cw, cw);
	for (unsigned i = 0; i < 16; i++)
		assert_memory_equal(&after[i][16], &upper[i][16], 16);
}

static void test_vector_state(void **state)
{
	if (!__builtin_cpu_supports("avx"))
		SKIP_TEST("no AVX here");
	for (unsigned i = 0; i < sizeof(upper); i++)
		upper[i / 32][i % 32] = (uint8_t)(i * 7 + 1);
	for (unsigned kinds = 1; kinds < 8; kinds++)
		check_upper(&(struct manner){ SIG, TRAMP_OURS, TRAMP_BY_JMP, kinds, false });
	check_upper(&(struct manner){ SIG, TRAMP_OURS, TRAMP_BY_JMP, 7, true });
}

/* -- a shadow stack -------------------------------------------------------- */

static uint64_t shadow[64];
static volatile unsigned depth, broken, returns;

static void on_step(int sig, siginfo_t *si, void *uc)
{
	const greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)g[REG_RIP], to = *(const uint64_t *)g[REG_RSP];
	struct x86_insn in;

	if (x86_decode((const void *)pc, 15, pc, &in) < 0) {
		broken++;
	} else if (in.flow == X86_FLOW_CALL || in.flow == X86_FLOW_CALL_IND) {
		if (depth < 64)
			shadow[depth++] = pc + in.len;
	} else if (in.flow == X86_FLOW_RET) {
		returns++;
		if (!depth || shadow[--depth] != to)
			broken++;
	}
}

static unsigned step_through(const struct manner *x)
{
	build(x);
	depth = broken = returns = 0;
	harness_step = 1;
	harness_call(entry_of(x));
	harness_step = 0;
	assert_int_equal(harness_runs, !x->skip);
	assert_true(returns > 1);
	return broken + depth;
}

static void test_shadow_stack(void **state)
{
	static const enum tramp_layout layouts[] = { TRAMP_OURS, TRAMP_SEED };
	const char *sig = "i64(i64,i64,i64,i64,i64,i64,i64,i64)";

	for (unsigned l = 0; l < 2; l++) {
		for (unsigned kinds = 1; kinds < 8; kinds++)
			assert_int_equal(step_through(&(struct manner){
						 sig, layouts[l], TRAMP_BY_JMP, kinds, false }),
					 0);
		assert_int_equal(
			step_through(&(struct manner){ sig, layouts[l], TRAMP_BY_JMP, 7, true }),
			0);
		/* by call, going on into the function is a return; passing it by is none */
		assert_int_equal(step_through(&(struct manner){ sig, layouts[l], TRAMP_BY_CALL,
								1 << TRAMP_FENTRY, false }),
				 0);
		assert_int_not_equal(step_through(&(struct manner){ sig, layouts[l], TRAMP_BY_CALL,
								    1 << TRAMP_FEXIT, false }),
				     0);
	}
}

/* -- what tail calls look for ------------------------------------------------ */

/* The only call in an image that is marked; returns how far above rsp it says rbp is. */
static uint64_t marked_distance(const uint8_t *frame, unsigned n)
{
	uint64_t distance = 0;
	unsigned found = 0;

	for (unsigned at = 0; at + FRAME_CALL_BYTES <= n; at++) {
		if (code[at] != 0xe8 || frame[at + 3] != FRAME_CALL_MARK)
			continue;
		found++;
		assert_int_equal(frame[at], FRAME_RBP | FRAME_TAG);
		assert_int_equal(frame[at + 4], FRAME_RBP | FRAME_TAG);
		distance = 8 * (frame[at + 1] | (uint64_t)frame[at + 2] << 8);
	}
	assert_int_equal(found, 1);
	return distance;
}

/*
 * Beside the call of the original, where no unwinder looks, stands how far above rsp rbp is then;
 * rsp is what the function finds, less the return address.
 */
static void test_distance_beside_the_call(void **state)
{
	static const char *const sig[] = { "i64(i64)", "void({u8[65528]},i64)", "void({i64[9]})" };
	struct tramp_body body = tramp_body_call(&fn_go_on);
	struct tramp_prog prog = { .body = &body };

	for (unsigned i = 0; i < ARRAY_LEN(sig); i++) {
		static uint8_t frame[CODE_SIZE];
		struct tramp_spec s = { .original = (taddr_t)harness_callee,
					.tail = (taddr_t)harness_tail,
					.tagged = true,
					.room[0] = { 0x7fff00000000, 0x7fff00000001 },
					.list[TRAMP_FEXIT] = { &prog, 1 } };
		struct func_model *m;
		struct tramp_plan p;
		struct x86_asm a;
		int n;

		assert_int_equal(func_model_parse(sig[i], &m, NULL), 0);
		s.model = m;
		assert_int_equal(tramp_plan(&s, &p, NULL), 0);
		x86_asm_init(&a, code, frame, CODE_SIZE, (uint64_t)code);
		tramp_emit(&p, &a, NULL);
		n = x86_asm_finish(&a);
		assert_true(n > 0);
		harness_k = m->call.stack_bytes;
		harness_shift = 16;
		harness_call(code);
		/* rbp lies below our caller's rsp by the return address and what it pushed */
		assert_int_equal(h_seen.gpr[4] + 8 + marked_distance(frame, (unsigned)n),
				 h_in.gpr[4] - 16);
		func_model_free(m);
	}
}

static int setup(void **state)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	fn_go_on = (uint64_t)go_on;
	fn_replace = (uint64_t)replace;
	code = harness_code(CODE_SIZE);
	return !code || sigaction(SIGTRAP, &sa, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_state),
		cmocka_unit_test(test_shadow_stack),
		cmocka_unit_test(test_distance_beside_the_call),
	};

	return cmocka_run_group_tests_name("tramp/state", tests, setup, NULL);
}
