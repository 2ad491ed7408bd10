/*
 * clang_test.c - C programs compiled by clang for eBPF v1, v2 and v3 give in both engines
 * what the same source gives compiled for this machine.
 */
#include "clang_progs.h"
#include "run.h"
#include "clang/progs.h"

#include <string.h>

typedef uint64_t (*native_fn)(uint8_t *mem, uint64_t len);

#define DECLARE(n) uint64_t native_##n(uint8_t *mem, uint64_t len);
DECLARE(0)
DECLARE(1)
DECLARE(2)
DECLARE(3)
DECLARE(4)
DECLARE(5)
DECLARE(6)
DECLARE(7)
DECLARE(8)
DECLARE(9)

static const native_fn native[NPROGS] = { native_0, native_1, native_2, native_3, native_4,
					  native_5, native_6, native_7, native_8, native_9 };

static uint8_t mem[MEM_BYTES] __attribute__((aligned(8)));
static uint8_t after[MEM_BYTES];

static void fill(unsigned seed)
{
	uint32_t v = seed * 2654435761u + 1;

	for (unsigned k = 0; k < MEM_BYTES; k++) {
		v = v * 1664525 + 1013904223;
		mem[k] = (uint8_t)(v >> 24);
	}
}

static void one(const struct clang_prog *c, unsigned seed, uint64_t len)
{
	static const struct engine_env no_env;
	struct interp_opts checked = { .checked = true };
	static struct bpf_insn insn[MAX_INSNS];
	uint64_t want, got = 0;
	struct diag d = { "" };
	struct program *p;

	assert_true(c->ninsns <= MAX_INSNS);
	memcpy(insn, c->text, 8 * (size_t)c->ninsns);
	p = run_load(PROGRAM_PLAIN, insn, c->ninsns);
	fill(seed);
	want = native[c->number](mem, len);
	memcpy(after, mem, sizeof(mem));
	fill(seed);
	got = run_both(p, &no_env, mem, len);
	if (got != want)
		fail_msg("program %u %s seed %u: 0x%llx, natively 0x%llx", c->number, c->cpu, seed,
			 (unsigned long long)got, (unsigned long long)want);
	assert_memory_equal(mem, after, sizeof(mem));
	fill(seed);
	if (interp_run(p, &no_env, (uint64_t)(uintptr_t)mem, len, &checked, &got, &d))
		fail_msg("program %u %s, checked: %s", c->number, c->cpu, d.text);
	assert_int_equal(got, want);
	program_put(p);
}

/* What compilers make passes the checks without conformance's licence. */
static void test_strictly(void **state)
{
	static struct bpf_insn insn[MAX_INSNS];

	for (unsigned k = 0; k < clang_nprogs; k++) {
		struct program_attr attr = { .kind = PROGRAM_PLAIN,
					     .insn = insn,
					     .ninsns = clang_progs[k].ninsns,
					     .nslots = PROGRAM_NO_CTX };
		struct diag d = { "" };
		struct program *p;

		memcpy(insn, clang_progs[k].text, 8 * (size_t)attr.ninsns);
		if (program_load(&attr, &p, &d))
			fail_msg("program %u %s: %s", clang_progs[k].number, clang_progs[k].cpu,
				 d.text);
		program_put(p);
	}
}

static void test_as_native(void **state)
{
	assert_int_equal(clang_nprogs, 3 * NPROGS);
	for (unsigned k = 0; k < clang_nprogs; k++)
		for (unsigned seed = 0; seed < 20; seed++)
			one(&clang_progs[k], seed, seed < 2 ? 8 * seed : MEM_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_strictly),
					    cmocka_unit_test(test_as_native) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
