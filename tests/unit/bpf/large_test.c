/*
 * large_test.c - programs as large as they may be, through everything, and jumps that are longer
 * than 16 bits of offset or a byte of displacement.
 */
#include "run.h"

#include "bpf/insn.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CODE (32u << 20)

static const struct engine_env no_env;

/* JIT code of p, in memory of its own. */
static uint64_t by_jit(const struct program *p)
{
	uint8_t *code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		*states = malloc(CODE);
	struct x86_asm a;
	uint64_t r0;

	assert_true(code != MAP_FAILED && states);
	x86_asm_init(&a, code, states, CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(p, &no_env, &a);
	assert_true(x86_asm_finish(&a) > 0);
	r0 = ((jit_fn)(uintptr_t)code)(0, 0);
	munmap(code, CODE);
	free(states);
	return r0;
}

static void both(struct bpf_insn *insn, uint32_t n, uint64_t want)
{
	struct program *p;

	insn[0] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	insn[n - 1] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	p = run_load(PROGRAM_PLAIN, insn, n);
	assert_int_equal(run_interp(p, &no_env, 0, 0), want);
	assert_int_equal(by_jit(p), want);
	program_put(p);
}

/* Every second one is a jump over the next, taken or not. */
static void test_a_million(void **state)
{
	uint32_t n = PROGRAM_MAX_INSNS, ran = 0;
	struct bpf_insn *insn = calloc(n, sizeof(*insn));

	assert_non_null(insn);
	for (uint32_t i = 1; i < n - 1; i++) {
		bool jump = i % 2 && i + 2 < n, taken = i % 3 == 0;

		insn[i] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1);
		if (jump)
			insn[i] = INSN(BPF_JMP | (taken ? BPF_JGE : BPF_JSLT) | BPF_K, 0, 0, 1, 0);
		else if (i % 2 == 0 && (i - 1) % 3)
			ran++;
		else if (i % 2)
			ran++;
	}
	both(insn, n, ran);
	free(insn);
}

/* gotol to the end and back: over a million instructions; offsets of the most that 16 bits hold. */
static void test_far(void **state)
{
	uint32_t n = PROGRAM_MAX_INSNS;
	struct bpf_insn *insn = calloc(n, sizeof(*insn));

	assert_non_null(insn);
	for (uint32_t i = 0; i < n; i++) /* what is jumped over spoils the result */
		insn[i] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1 << 20);
	insn[1] = INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, n - 4 - 2);
	insn[n - 4] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 5);
	insn[n - 3] = INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, -(int)(n - 3 - 1));
	insn[2] = INSN(BPF_JMP | BPF_JA, 0, 0, 32767, 0);
	insn[2 + 32768] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 7);
	insn[2 + 32769] = INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, -32768, 12);
	insn[2 + 32770] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	insn[2 + 2] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 100);
	insn[2 + 3] = INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, n - 2 - 6);
	insn[n - 2] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1000);
	both(insn, n, 1112);
	free(insn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_million),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
