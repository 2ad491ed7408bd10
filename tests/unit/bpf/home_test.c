/*
 * home_test.c - what programs load from ctx without ctx is what is in ctx.
 *
 * A function of arguments of every width and place is called with garbage in all bytes that do not
 * count.  One program stores each slot as 8 bytes and as the lower 4; it runs as it is, and with loads
 * of single bytes beside it, which only memory can give.  Both must store the same, at entry and at
 * exit, in line and called.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/jit.h"
#include "rt/rt.h"
#include "shm/arena.h"
#include "tramp/tramp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOTS 14 /* 12 arguments, one of two slots; the result */
#define CODE  65536

static struct arena *arena;
static struct map *map;
static struct engine_env env;
static uint8_t *value, *code;

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? map : NULL;
}

static int setup(void **state)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = 4,
				 .value_size = 16 * SLOTS,
				 .max_entries = 1,
				 .name = "data" };

	if (arena_create(&arena) || map_create(arena, &attr, &map, NULL))
		return -1;
	engine_env_native(arena, &env);
	rt_state.arena = (uint64_t)(uintptr_t)arena->hdr;
	rt_state.threads = (uint64_t)(uintptr_t)mmap(NULL, SHM_MAX_THREADS * RT_THREAD_SIZE,
						     PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rt_state.tls_off = rt_tls_offset();
	env.guard_slow = (uint64_t)(uintptr_t)rt_guard_slow;
	env.first = (uint64_t)(uintptr_t)rt_first;
	env.tls_off = rt_state.tls_off;
	value = shm_ptr(arena, map->shm->values, 16 * SLOTS);
	for (uintptr_t d = 16 << 20; !code && d < 1u << 30; d += 16 << 20) {
		void *p = mmap((void *)(((uintptr_t)setup & ~4095ul) - d), CODE,
			       PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		code = p == MAP_FAILED ? NULL : p;
	}
	return code ? 0 : -1;
}

static int teardown(void **state)
{
	map_put(map);
	arena_destroy(arena);
	return 0;
}

/* -- the function ---------------------------------------------------------------------------- */

static const char signature[] = "i32(i64, i32, u32, i8, u16, i64, i32, u32, i64, i8, i32, u64)";

typedef uint64_t function(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			  uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

__attribute__((noinline)) static uint64_t original(uint64_t a, uint64_t b, uint64_t c, uint64_t d,
						   uint64_t e, uint64_t f, uint64_t g, uint64_t h,
						   uint64_t i, uint64_t j, uint64_t k, uint64_t l)
{
	uint64_t sum = a ^ b << 1 ^ c << 2 ^ d << 3 ^ e << 4 ^ f << 5 ^ g << 6 ^ h << 7 ^ i << 8 ^
		       j << 9 ^ k << 10 ^ l << 11;

	__asm__ volatile("" : "+r"(sum));
	return sum;
}

static uint64_t call_with(function *f, uint64_t seed)
{
	uint64_t v[12];

	for (unsigned i = 0; i < 12; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		v[i] = seed ^ seed >> 32;
	}
	return f(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]);
}

/* -- the programs ------------------------------------------------------------------------------ */

struct how {
	bool at_exit, called, in_memory, narrow;
	unsigned first, n; /* slots */
	unsigned counted;  /* calls, of a program whose runs are counted */
	struct program_runs runs;
};

static struct program *build(const struct how *h)
{
	char text[8192], line[128], err[128];
	struct bpf_insn insn[512];
	struct program_attr attr = { .kind = h->at_exit ? PROGRAM_FEXIT : PROGRAM_FENTRY,
				     .insn = insn,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = 12 };
	struct diag d = { "" };
	struct program *p;
	int n;

	snprintf(text, sizeof(text), "value r2, 7, 0\n%s", h->called ? "mov r6, r1\n" : "");
	for (unsigned i = h->first; i < h->first + h->n; i++) {
		snprintf(line, sizeof(line), "ldx%s r3, [r%u+%u]\nstxdw [r2+%u], r3\n",
			 h->narrow ? "w" : "dw", h->called ? 6u : 1u, 8 * i, 8 * i);
		strcat(text, line);
		if (h->in_memory) {
			snprintf(line, sizeof(line), "ldxb r3, [r1+%u]\n", 8 * i);
			strcat(text, line);
		}
	}
	strcat(text, "mov r0, 0\nexit\n");
	n = asmtext_parse(text, insn, 512, err, sizeof(err));
	if (n < 0)
		fail_msg("%s", err);
	attr.ninsns = (uint32_t)n;
	if (program_load(&attr, &p, &d))
		fail_msg("%s", d.text);
	return p;
}

static uint32_t filled(const struct tramp_plan *plan)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		n += tramp_plan_fills(plan, i);
	return n;
}

/* What it stored; *words: how many slots of ctx the trampoline writes. */
static void run_program(struct how *h, uint64_t seed, uint8_t *out, uint32_t *words)
{
	struct program *p = build(h);
	struct tramp_prog prog = { 0 };
	struct tramp_spec s = { .func = (taddr_t)original, .original = (taddr_t)original };
	struct func_model *m;
	struct engine_body *b;
	struct tramp_plan plan;
	struct x86_asm a;
	struct diag d = { "" };

	assert_int_equal(func_model_parse(signature, &m, &d), 0);
	if (h->counted)
		assert_int_equal(program_count_runs(p, arena, &d), 0);
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	prog.body = engine_body(b);
	s.model = m;
	s.list[h->at_exit ? TRAMP_FEXIT : TRAMP_FENTRY].prog = &prog;
	s.list[h->at_exit ? TRAMP_FEXIT : TRAMP_FENTRY].n = 1;
	if (tramp_plan(&s, &plan, &d))
		fail_msg("%s", d.text);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)(uintptr_t)code);
	tramp_emit(&plan, &a, NULL);
	assert_true(x86_asm_finish(&a) > 0);
	memset(value, 0xee, 16 * SLOTS);
	assert_int_equal(call_with((function *)(uintptr_t)code, seed), call_with(original, seed));
	for (unsigned i = 1; i < h->counted; i++)
		call_with((function *)(uintptr_t)code, seed);
	h->runs = program_runs(p, arena);
	memcpy(out, value, 16 * SLOTS);
	*words = filled(&plan);
	engine_body_free(b);
	program_put(p);
	func_model_free(m);
}

static void compare(struct how h, uint64_t seed)
{
	uint8_t is[16 * SLOTS], want[16 * SLOTS];
	uint32_t words, all;

	h.in_memory = false;
	run_program(&h, seed, is, &words);
	h.in_memory = true;
	run_program(&h, seed, want, &all);
	assert_int_equal(all, h.n);
	assert_true(words < all || h.n == 1);
	for (unsigned i = 0; i < 8 * SLOTS; i++) {
		if (is[i] != want[i])
			fail_msg("%s%s%s: slot %u byte %u is 0x%02x, in ctx 0x%02x",
				 h.at_exit ? "exit" : "entry", h.called ? ", called" : "",
				 h.narrow ? ", 4 bytes" : "", i / 8, i % 8, is[i], want[i]);
	}
}

static void test_all(void **state)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		struct how h = { .at_exit = bits & 1, .called = bits & 2, .narrow = bits & 4 };

		for (uint64_t seed = 1; seed < 20; seed++) {
			h.first = 0;
			h.n = h.at_exit ? 13 : 12;
			compare(h, seed);
			h.n = 1; /* others stay in their registers, unsaved */
			for (h.first = 0; h.first < (h.at_exit ? 13u : 12u); h.first++)
				compare(h, seed);
		}
	}
}

/* Which slots need no ctx: those of 4 bytes or 8, at exit what lies on the stack and the result. */
static void test_which(void **state)
{
	static const struct {
		bool at_exit;
		uint32_t words;
	} rows[] = {
		{ false, 3 }, /* i8, u16, i8 */
		{ true, 7 },  /* six registers; i8 on the stack */
	};
	uint8_t out[16 * SLOTS];
	uint32_t words;

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct how h = { .at_exit = rows[i].at_exit, .n = rows[i].at_exit ? 13 : 12 };

		run_program(&h, 1, out, &words);
		assert_int_equal(words, rows[i].words);
	}
}

/* A program that needs ctx itself gets all of it. */
static void test_escapes(void **state)
{
	static const char *const texts[] = {
		"ldxdw r3, [r1+0]\nmov r4, r1\nmul r4, 2\nmov r0, 0\nexit\n",
		"ldxdw r3, [r1+0]\nldxw r4, [r1+4]\nmov r0, 0\nexit\n",
		"ldxdw r3, [r1+0]\nldxh r4, [r1+0]\nmov r0, 0\nexit\n",
		"ldxdw r3, [r1+4]\nmov r0, 0\nexit\n",
	};

	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		struct bpf_insn insn[16];
		struct program_attr attr = {
			.kind = PROGRAM_FENTRY, .insn = insn, .arena = arena, .nslots = 12
		};
		struct diag d = { "" };
		struct program *p;
		char err[128];
		int n = asmtext_parse(texts[i], insn, 16, err, sizeof(err));

		assert_true(n > 0);
		attr.ninsns = (uint32_t)n;
		if (program_load(&attr, &p, &d))
			fail_msg("%s", d.text);
		assert_int_equal(p->facts.direct[0] & 1, 0);
		program_put(p);
	}
}

/* Counted and timed: the same values, the same results; one run each. */
static void test_timed(void **state)
{
	struct how h = { .at_exit = true, .n = 13 };
	uint8_t want[16 * SLOTS], is[16 * SLOTS];
	struct program_runs runs;
	uint32_t words;

	run_program(&h, 5, want, &words);
	env.run_end = (uint64_t)(uintptr_t)rt_run_end;
	for (unsigned i = 1; i <= 3; i++) {
		h.counted = i;
		run_program(&h, 5, is, &words);
		assert_memory_equal(is, want, sizeof(is));
		runs = h.runs;
		assert_int_equal(runs.count, i);
		assert_true(runs.ns > 0);
	}
	env.run_end = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all),
					    cmocka_unit_test(test_timed),
					    cmocka_unit_test(test_which),
					    cmocka_unit_test(test_escapes) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
