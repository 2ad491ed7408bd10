/*
 * fuzz_test.c - random programs: the checked interpreter, that of the slab and the JIT agree on
 * the result and on memory.  Fixed seeds, UTRAMP_RUNS of
 * them; tests/fuzz/fuzz_jit.c is the same without an end.
 */
#include "randprog.h"
#include "run.h"
#include "slab_run.h"

#include <stdlib.h>
#include <string.h>

#define PROGRAMS 20000

static uint64_t mem[RANDPROG_MEM / 8];

static uint64_t mix(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint64_t v = r1 * 3 + r2 * 5 + r3 * 7 + r4 * 11 + r5 * 13;

	return v ^ v >> 29;
}

static void mem_fill(void)
{
	for (unsigned k = 0; k < RANDPROG_MEM / 8; k++)
		mem[k] = k * 0x9e3779b97f4a7c15;
}

static void dump(const struct program *p)
{
	for (uint32_t i = 0; i < p->ninsns;) {
		char text[96];
		uint32_t at = i;

		i += program_format_insn(&p->insn[i], text, sizeof(text));
		print_error("%4u %s\n", at, text);
	}
}

static void one(uint64_t seed)
{
	static struct bpf_insn insn[MAX_INSNS];
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)mix };
	struct interp_range range = { (uint64_t)(uintptr_t)mem,
				      (uint64_t)(uintptr_t)mem + sizeof(mem), true };
	struct interp_opts o = { .checked = true, .range = &range, .nranges = 1, .fuel = 10000000 };
	struct rand r = { .s = seed };
	int n = randprog_make(&r, mem, 5, insn, MAX_INSNS);
	uint64_t want = 0, got, slab, after[RANDPROG_MEM / 8];
	struct diag d = { "" };
	struct program *p = run_load(PROGRAM_PLAIN, insn, (unsigned)n);
	bool same;
	int err;

	mem_fill();
	err = interp_run(p, &env, 0, 0, &o, &want, &d);
	memcpy(after, mem, sizeof(mem));
	mem_fill();
	slab = err ? want : slab_run(p, &env, 0, 0);
	same = slab == want && (err || !memcmp(mem, after, sizeof(mem)));
	mem_fill();
	got = run_jit(p, &env)(0, 0);
	if (err || !same || got != want || memcmp(mem, after, sizeof(mem))) {
		dump(p);
		fail_msg("seed 0x%llx: interpreter %d 0x%llx %s, that of the slab 0x%llx%s, jit "
			 "0x%llx",
			 (unsigned long long)seed, err, (unsigned long long)want, d.text,
			 (unsigned long long)slab, same ? "" : " (or memory)",
			 (unsigned long long)got);
	}
	program_put(p);
}

static void test_engines_agree(void **state)
{
	const char *n = getenv("UTRAMP_RUNS");
	uint64_t programs = n ? strtoull(n, NULL, 0) : PROGRAMS;

	for (uint64_t k = 1; k <= programs; k++)
		one(k * 0x2545f4914f6cdd1d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_engines_agree) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
