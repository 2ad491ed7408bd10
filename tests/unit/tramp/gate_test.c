/*
 * gate_test.c - the gate before exit programs: open it runs them, closed it passes them by.
 */
#include "tramp/tramp.h"

#include "x86/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define CODE 4096

static int exits;
static uint64_t forced;

static long original(long a)
{
	return a + 1;
}

static uint64_t at_exit(const uint64_t *ctx, uint64_t arg)
{
	exits++;
	return 0;
}

static uint64_t modify(const uint64_t *ctx, uint64_t arg)
{
	return forced;
}

struct image {
	uint8_t *code;
	struct tramp_marks marks;
};

/* fmod_ret and fexit on i64(i64), near the test's own code so that rel32 reaches. */
static void build(struct image *im, bool with_exit)
{
	static uint64_t exit_fn, mod_fn;
	struct tramp_body exit_body, mod_body;
	struct tramp_prog exit_prog = { .body = &exit_body }, mod_prog = { .body = &mod_body };
	struct func_model *m;
	struct tramp_spec spec = { .original = (taddr_t)original, .func = (taddr_t)original };
	struct tramp_plan plan;
	struct x86_asm a;
	void *near = (void *)(((uintptr_t)original - (64u << 20)) & ~(uintptr_t)(CODE - 1));

	exit_fn = (uint64_t)at_exit;
	mod_fn = (uint64_t)modify;
	exit_body = tramp_body_call(&exit_fn);
	mod_body = tramp_body_call(&mod_fn);
	assert_int_equal(func_model_parse("i64(i64)", &m, NULL), 0);
	spec.model = m;
	spec.list[TRAMP_FEXIT].prog = &exit_prog;
	spec.list[TRAMP_FEXIT].n = with_exit;
	spec.list[TRAMP_FMOD_RET].prog = &mod_prog;
	spec.list[TRAMP_FMOD_RET].n = 1;
	im->code = mmap(near, CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	assert_ptr_not_equal(im->code, MAP_FAILED);
	assert_int_equal(tramp_plan(&spec, &plan, NULL), 0);
	x86_asm_init(&a, im->code, NULL, CODE, (uint64_t)im->code);
	tramp_emit(&plan, &a, &im->marks);
	assert_true(x86_asm_finish(&a) > 0);
	func_model_free(m);
}

static void close_gate(const struct image *im)
{
	struct x86_asm a;

	x86_asm_init(&a, im->code + im->marks.exit_nop, NULL, 5,
		     (uint64_t)im->code + im->marks.exit_nop);
	x86_jmp_pc(&a, (uint64_t)im->code + im->marks.exit_skip);
	assert_int_equal(x86_asm_finish(&a), 5);
}

static long call(const struct image *im, long a)
{
	return ((long (*)(long))im->code)(a);
}

static void gate(void **state)
{
	struct image im;

	(void)state;
	build(&im, true);
	assert_int_not_equal(im.marks.exit_nop, 0);
	assert_true(im.marks.exit_skip > im.marks.exit_nop);
	assert_memory_equal(im.code + im.marks.exit_nop, "\x0f\x1f\x44\x00\x00", 5);

	exits = 0;
	forced = 0;
	assert_int_equal(call(&im, 41), 42);
	assert_int_equal(exits, 1);
	forced = 7;
	assert_int_equal(call(&im, 41), 7);
	assert_int_equal(exits, 2);

	close_gate(&im);
	assert_int_equal(call(&im, 41), 7); /* skipped functions come by the gate as well */
	forced = 0;
	assert_int_equal(call(&im, 41), 42);
	assert_int_equal(exits, 2);
	munmap(im.code, CODE);
}

static void no_exit_no_gate(void **state)
{
	struct image im;

	(void)state;
	build(&im, false);
	assert_int_equal(im.marks.exit_nop, 0);
	assert_int_equal(im.marks.exit_skip, 0);
	munmap(im.code, CODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gate),
		cmocka_unit_test(no_exit_no_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
