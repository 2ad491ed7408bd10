/*
 * room_test.c - what images do first, run: all 64 combinations of the status flags reach the
 * original, with and without frame; images that take much stack pass on where it is not there.
 */
#include "tramp/tramp.h"

#include "x86/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define CODE   65536
#define STATUS 0x8d5ul /* CF PF AF ZF SF OF: SDM vol. 1, 3.4.3.1 */

/* rax: the flags it was called with; rdx: rsp. */
void original(void);
__asm__(".text\n.type original, @function\noriginal:\n"
	"	pushf\n	pop %rax\n	mov %rsp, %rdx\n	ret\n");

static uint64_t ran;

static uint64_t program(const uint64_t *ctx, uint64_t arg)
{
	ran++;
	return 0;
}

static void emit_count(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	x86_mov_ri64(a, RAX, (uintptr_t)&ran);
	x86_alu_ri(a, X86_XOR, X86_D, RCX, -1);
	x86_inc_m(a, X86_Q, X86_MEM(RAX, 0));
}

static const struct tramp_body bare = {
	.facts = { .any_stack = true, .no_frame = true, .clobbers = X86_REG(RAX) | X86_REG(RCX) },
	.emit = emit_count,
};

static uint8_t *code;
static struct tramp_plan plan;
static struct func_model *model;
static uint64_t missed;
static __thread uint64_t stack_lo;

static void emit(struct tramp_spec *s)
{
	struct x86_asm a;

	s->model = model;
	s->original = s->func = (taddr_t)original;
	assert_int_equal(tramp_plan(s, &plan, NULL), 0);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)code);
	tramp_emit(&plan, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
}

static int setup(void **state)
{
	void *near = (void *)(((uintptr_t)original - (64u << 20)) & ~4095ul);

	code = mmap(near, CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	return code == MAP_FAILED ? -1 : 0;
}

struct seen {
	uint64_t flags, rsp, entry_rsp, regs;
};

/* With all that a call may pass, and other flags. */
static struct seen run(uint64_t flags)
{
	struct seen s = { .entry_rsp = 0 };
	uint64_t rdi = 1, rsi = 2, rcx = 3;
	register uint64_t r8 __asm__("r8") = 4;
	register uint64_t r9 __asm__("r9") = 5;
	register uint64_t r10 __asm__("r10") = 6;
	register uint64_t r11 __asm__("r11") = 7;

	__asm__ volatile("	mov %%rsp, %%rbx\n"
			 "	sub $128, %%rsp\n"
			 "	and $-16, %%rsp\n"
			 "	push %%rax\n"
			 "	popf\n"
			 "	call *%[fn]\n"
			 "	mov %%rbx, %%rsp\n"
			 : "=a"(s.flags), "=d"(s.rsp), "+D"(rdi), "+S"(rsi), "+c"(rcx), "+r"(r8),
			   "+r"(r9), "+r"(r10), "+r"(r11)
			 : [fn] "r"(code), "0"(0x202 | flags)
			 : "rbx", "memory", "cc");
	s.regs = rdi | rsi << 4 | rcx << 8 | r8 << 12 | r9 << 16 | r10 << 20 | r11 << 24;
	s.flags &= STATUS;
	return s;
}

static uint64_t combination(unsigned i)
{
	static const unsigned bit[] = { 0, 2, 4, 6, 7, 11 };
	uint64_t f = 0;

	for (unsigned k = 0; k < ARRAY_LEN(bit); k++)
		f |= (uint64_t)(i >> k & 1) << bit[k];
	return f;
}

static unsigned kept_of_64(void)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < 64; i++) {
		struct seen s = run(combination(i));

		kept += s.flags == combination(i);
		assert_int_equal(s.regs, 0x7654321);
	}
	return kept;
}

static void flags_are_kept(void **state)
{
	uint64_t call = (uint64_t)program;
	struct tramp_body body = tramp_body_call(&call);
	struct tramp_prog progs[2] = { { .body = &bare }, { .body = &body } };

	assert_int_equal(func_model_raw(&model), 0);
	for (int framed = 0; framed < 2; framed++) {
		for (unsigned n = 1; n <= 2; n++) {
			struct tramp_spec s = { .keep_flags = true, .tagged = n == 2 };

			if (!framed && n == 2)
				continue;
			s.list[TRAMP_FENTRY].prog = framed && n == 1 ? &progs[1] : progs;
			s.list[TRAMP_FENTRY].n = n;
			ran = 0;
			emit(&s);
			assert_int_equal(plan.frameless, !framed);
			assert_int_equal(kept_of_64(), 64);
			assert_int_equal(ran, 64 * n);
			s.keep_flags = false; /* and this is what does it */
			emit(&s);
			assert_true(kept_of_64() < 64);
		}
	}
	func_model_free(model);
}

/* Both are called: nobody who is called by its type looks at flags. */
static void not_where_the_original_is_called(void **state)
{
	struct tramp_prog prog = { .body = &bare };
	struct tramp_spec s = { .keep_flags = true };
	uint8_t with[512], without[512];

	assert_int_equal(func_model_parse("u64(u64)", &model, NULL), 0);
	s.list[TRAMP_FEXIT].prog = &prog;
	s.list[TRAMP_FEXIT].n = 1;
	emit(&s);
	memcpy(with, code, sizeof(with));
	s.keep_flags = false;
	emit(&s);
	memcpy(without, code, sizeof(without));
	assert_memory_equal(with, without, sizeof(with));
	func_model_free(model);
}

/* -- room -------------------------------------------------------------------------------- */

static int32_t lo_off(void)
{
	uintptr_t fs;

	__asm__("mov %%fs:0, %0" : "=r"(fs));
	return (int32_t)((uintptr_t)&stack_lo - fs);
}

static struct tramp_spec roomy_spec(const struct tramp_prog *prog, bool flags)
{
	struct tramp_spec s = { .keep_flags = flags,
				.stack = { .granted = 2048,
					   .left = 4096,
					   .lo = lo_off(),
					   .missed = (uint64_t)&missed } };

	s.list[TRAMP_FENTRY].prog = prog;
	s.list[TRAMP_FENTRY].n = 1;
	return s;
}

/* Does the program run when the stack ends so far below the caller's rsp? */
static bool runs_with(int64_t below)
{
	uint64_t before = ran, passed = missed, flags = combination(0x2a);
	struct seen s;

	s = run(flags);
	ran = before;
	missed = passed;
	stack_lo = s.rsp - (uint64_t)below;
	s = run(flags);
	stack_lo = 0;
	assert_int_equal(s.regs, 0x7654321);
	if (plan.keep_flags)
		assert_int_equal(s.flags, flags);
	assert_int_equal(ran - before + (missed - passed), 1);
	return ran != before;
}

static void looks_for_room(void **state)
{
	struct tramp_body big = bare;
	struct tramp_prog prog = { .body = &big };

	assert_int_equal(func_model_raw(&model), 0);
	for (int flags = 0; flags < 2; flags++) {
		struct tramp_spec s = roomy_spec(&prog, flags);
		int64_t need;

		big.facts.stack_bytes = 1024;
		emit(&s);
		assert_int_equal(plan.need, 0); /* the slot has seen to it */
		big.facts.stack_bytes = 9000;
		emit(&s);
		assert_true(plan.need >= 9000 && plan.need < 9000 + 256);
		need = (int64_t)plan.need + 4096 + (flags ? 16 : 8); /* what it pushes to look */
		assert_true(runs_with(need));
		assert_true(runs_with(need + 100000));
		assert_false(runs_with(need - 1));
		assert_false(runs_with(100));
		assert_true(runs_with(-100)); /* another stack, below */
		s.stack.missed = 0;
		emit(&s);
		assert_int_equal(plan.need, 0);
	}
	func_model_free(model);
}

/* Stack arguments that are copied count, too. */
static void counts_copied_arguments(void **state)
{
	struct tramp_prog prog = { .body = &bare };
	struct tramp_spec s = roomy_spec(NULL, false);
	uint32_t plain;

	s.list[TRAMP_FENTRY].n = 0;
	s.list[TRAMP_FEXIT].prog = &prog;
	s.list[TRAMP_FEXIT].n = 1;
	s.stack.granted = 1;
	assert_int_equal(func_model_parse("u64(u64)", &model, NULL), 0);
	emit(&s);
	plain = plan.need;
	func_model_free(model);
	assert_int_equal(func_model_parse("u64({u8[8000]})", &model, NULL), 0);
	emit(&s);
	assert_true(plan.out_bytes >= 8000);
	assert_true(plain > 0 && plan.need >= 8000 && plan.need > plain);
	func_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_kept),
		cmocka_unit_test(not_where_the_original_is_called),
		cmocka_unit_test(looks_for_room),
		cmocka_unit_test(counts_copied_arguments),
	};

	return cmocka_run_group_tests_name("tramp/room", tests, setup, NULL);
}
