/*
 * interp_test.c - interp.h: the image, and the interpreter as the target has it.  That it does
 * what the one of this process does is everywhere: run_both() asks it, too.
 */
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "run.h"
#include "slab_run.h"

/* -- the body that a trampoline calls ------------------------------------------------- */

/* f(ctx), with the cookie; valid until the next. */
static jit_fn body(const struct program *p, struct engine_env *env, uint64_t cookie)
{
	struct tramp_env t = { .ctx = -64, .ret = 8, .cookie = cookie };
	struct x86_asm a;

	env->interp = slab_symbol("interp_enter");
	run_asm(&a);
	t.entry = x86_label_new(&a);
	interp_emit(p, env, &t, &a);
	return (jit_fn)(uintptr_t)run_asm_finish(&a, NULL);
}

static uint64_t deepest;

/* r1 as r10 was in the first function: how far below are we, return address and rbp excepted? */
static uint64_t measure(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	deepest = r1 - (uint64_t)(uintptr_t)__builtin_frame_address(0) - 16;
	return 1;
}

/* What the room check counts on is what is used, the program's own stack beside it. */
static void test_stack(void **state)
{
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)measure };
	struct program *p = run_load_text(PROGRAM_PLAIN, "mov r1, r10\ncall 5\nexit\n");
	struct program *deep =
		run_load_text(PROGRAM_PLAIN, "mov r1, r10\nstdw [r10-400], 0\ncall local f\nexit\n"
					     "f:\nstdw [r10-64], 0\ncall 5\nexit\n");
	uint64_t shallow;

	p->stack_depth = 0; /* where r10 goes cannot be followed into the helper */
	assert_int_equal(body(p, &env, 0)(0, 0), 1);
	shallow = deepest;
	print_message("# the interpreter takes %llu bytes\n", (unsigned long long)shallow);
	assert_in_range(shallow, INTERP_STACK / 2, INTERP_STACK);
	assert_int_equal(body(deep, &env, 0)(0, 0), 1);
	assert_int_equal(deepest, shallow + interp_room(deep->stack_depth, INTERP_MAX_CALLS));
	assert_true(interp_stack_bytes(deep) > deepest + 1024);
	program_put(p);
	program_put(deep);
}

/* A function that a helper calls: what the helper and the machine take in between. */
static void test_stack_of_callbacks(void **state)
{
	struct engine_env env;
	struct program *p =
		run_load_text(PROGRAM_PLAIN,
			      "mov r1, 1\nfunc r2, f\nmov r3, r10\nmov r4, 0\ncall 181\nexit\n"
			      "f:\nmov r1, r2\ncall 5\nmov r0, 0\nexit\n");
	uint64_t own;

	engine_env_native(NULL, &env);
	env.helper[5] = (uint64_t)(uintptr_t)measure;
	assert_int_equal(body(p, &env, 0)(0, 0), 1);
	own = deepest - interp_room(p->stack_depth, interp_frames(p));
	print_message("# in a callback it takes %llu bytes\n", (unsigned long long)own);
	assert_in_range(own, INTERP_STACK / 2, INTERP_STACK + INTERP_CALLBACK);
	assert_true(interp_stack_bytes(p) > deepest + 1024);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_stack_of_callbacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
