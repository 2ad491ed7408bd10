/* gen/tally.h: the programs, run by both engines on maps of their own. */
#include "rig.h"

#include "gen/tally.h"

#define COOKIE 6 /* ctx - 8 * this */
#define RUNS   10

enum { CALLS_FD = 21, STACKS_FD, SCRATCH_FD };

static struct rig rig;
static struct map *calls, *stacks, *scratch;

static struct map *make(uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	struct map_attr at = {
		.type = type, .key_size = key, .value_size = value, .max_entries = n
	};
	struct diag d = { "" };
	struct map *m = NULL;

	if (map_create(rig.arena, &at, &m, &d))
		fail_msg("%s", d.text);
	return m;
}

static struct map *by_fd(void *arg, int fd)
{
	return fd == CALLS_FD   ? calls :
	       fd == STACKS_FD  ? stacks :
	       fd == SCRATCH_FD ? scratch :
				  NULL;
}

static struct gen_tally tally(enum gen_tally_kind kind)
{
	return (struct gen_tally){ .kind = kind,
				   .index = 2,
				   .func = 77,
				   .depth = 4,
				   .calls_fd = CALLS_FD,
				   .stacks_fd = STACKS_FD,
				   .scratch_fd = SCRATCH_FD };
}

static struct program *load(const struct gen_tally *t, enum program_kind kind, bool own)
{
	struct program_attr attr = { .name = "tally",
				     .kind = kind,
				     .arena = rig.arena,
				     .map_by_fd = by_fd,
				     .nslots = 2,
				     .reentrant = true,
				     .own_counters = own };
	struct program *p = NULL;
	struct gen_prog gp;
	struct diag d = { "" };

	assert_int_equal(gen_tally_program(t, &gp, &d), 0);
	attr.insn = gp.insn;
	attr.ninsns = gp.n;
	if (program_load(&attr, &p, &d))
		fail_msg("%s", d.text);
	free(gp.insn);
	return p;
}

/* Both engines, one after the other; ctx[-COOKIE ... 1] around p. */
static void run(struct program *p, uint64_t *ctx, bool jit)
{
	if (jit)
		rig_jit(&rig, p)((uint64_t)(uintptr_t)ctx, 0);
	else
		rig_interp(&rig, p, ctx);
}

static uint64_t counted(uint32_t index)
{
	uint64_t n = 0;

	assert_int_equal(map_lookup(calls, &index, &n, 1), 0);
	return n;
}

static void test_count(void **state)
{
	struct gen_tally t = tally(GEN_TALLY_COUNT);
	uint64_t ctx[2] = { 0 };

	calls = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4);
	for (int own = 0; own < 2; own++) {
		struct program *p = load(&t, PROGRAM_FENTRY, own);

		for (int i = 0; i < RUNS; i++)
			run(p, ctx, i % 2);
		assert_true(counted(2) == (own + 1u) * RUNS);
		program_put(p);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_true(i == 2 || counted(i) == 0);
	map_put(calls);
}

/* Is there a locked instruction (SDM vol. 2A 2.1.1: prefix F0) that adds rdi to [rax]? */
static bool has_lock(const struct program *p)
{
	static const uint8_t lock_add[] = { 0xf0, 0x48, 0x01, 0x38 };
	const uint8_t *code = (const uint8_t *)(uintptr_t)rig_jit(&rig, p);

	return memmem(code, 512, lock_add, sizeof(lock_add)) != NULL;
}

static void test_lock(void **state)
{
	struct gen_tally t = tally(GEN_TALLY_COUNT);

	calls = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4);
	for (int own = 1; own >= 0; own--) {
		struct program *p = load(&t, PROGRAM_FENTRY, own);

		assert_int_equal(has_lock(p), !own);
		program_put(p);
	}
	map_put(calls);
}

static void read_latency(struct gen_tally_latency *out)
{
	uint32_t index = 2;

	assert_int_equal(map_lookup(calls, &index, out, 1), 0);
}

/* One call that took ns, as the exit program sees it. */
static void leave(struct program *p, uint64_t *ctx, uint64_t ns, bool jit)
{
	ctx[-1] = 2 | COOKIE << 8 | 1ull << 63;
	ctx[-COOKIE] = rt_ktime_get_ns() - ns;
	run(p, ctx, jit);
}

/* Durations far longer than a test can take: each is in the middle of its bucket. */
static void test_latency(void **state)
{
	struct gen_tally t = tally(GEN_TALLY_LATENCY);
	uint64_t room[COOKIE + 4] = { 0 }, *ctx = room + COOKIE, sum = 0;
	struct gen_tally_latency l;
	struct program *p;

	calls = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(l), 4);
	p = load(&t, PROGRAM_FSESSION, true);
	for (int jit = 0; jit < 2; jit++) {
		ctx[-1] = 2 | COOKIE << 8;
		ctx[-COOKIE] = 0;
		run(p, ctx, jit);
		assert_true(ctx[-COOKIE] > 0 && ctx[-COOKIE] <= rt_ktime_get_ns());
		for (unsigned bit = 36; bit < 60; bit++) {
			leave(p, ctx, 3ull << (bit - 1), jit);
			sum += 3ull << (bit - 1);
		}
		/* the entry program did not run */
		ctx[-COOKIE] = 0;
		run(p, ctx, jit);
	}
	read_latency(&l);
	assert_true(l.entered == 2 && l.passed_over == 0);
	for (unsigned i = 0; i < GEN_TALLY_BUCKETS; i++)
		assert_true(l.bucket[i] == (i < 36 ? 0 : i < GEN_TALLY_BUCKETS - 1 ? 2 : 2 * 13));
	assert_true(l.sum_ns >= sum && l.sum_ns < sum + (1ull << 36));
	assert_true(l.most_ns >= 3ull << 58 && l.most_ns < (3ull << 58) + (1ull << 35));
	assert_true(~l.least_not >= 3ull << 35 && ~l.least_not < 1ull << 37);
	program_put(p);
	map_put(calls);
}

static void test_short(void **state)
{
	struct gen_tally t = tally(GEN_TALLY_LATENCY);
	uint64_t room[COOKIE + 4] = { 0 }, *ctx = room + COOKIE, n = 0;
	struct gen_tally_latency l;
	struct program *p;

	calls = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(l), 4);
	p = load(&t, PROGRAM_FSESSION, true);
	for (int i = 0; i < 2 * RUNS; i++)
		leave(p, ctx, 0, i % 2);
	read_latency(&l);
	for (unsigned i = 0; i < GEN_TALLY_BUCKETS; i++) {
		n += l.bucket[i];
		/* the least and the most are in the first bucket and the last that has any */
		if (l.bucket[i] && n == l.bucket[i])
			assert_true(~l.least_not < 2ull << i && (!i || ~l.least_not >= 1ull << i));
		if (l.bucket[i] && n == 2 * RUNS)
			assert_true(l.most_ns < 2ull << i && (!i || l.most_ns >= 1ull << i));
	}
	assert_true(n == 2 * RUNS);
	program_put(p);
	map_put(calls);
}

static void test_depth(void **state)
{
	static const unsigned depth[] = { 1, 16, 60, 61, 127 };
	struct gen_tally t = tally(GEN_TALLY_STACK);
	struct gen_prog gp;
	struct diag d = { "" };

	for (size_t i = 0; i < sizeof(depth) / sizeof(depth[0]); i++) {
		t.depth = depth[i];
		calls = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4);
		scratch = make(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8 + 8 * t.depth, 4);
		stacks = make(BPF_MAP_TYPE_HASH, 8 + 8 * t.depth, 8, 16);
		assert_int_equal(gen_tally_uses_scratch(&t), t.depth > 60);
		program_put(load(&t, PROGRAM_FENTRY, false));
		map_put(calls);
		map_put(scratch);
		map_put(stacks);
	}
	t.depth = 0;
	assert_int_equal(gen_tally_program(&t, &gp, &d), -EINVAL);
	t.depth = 128;
	assert_int_equal(gen_tally_program(&t, &gp, &d), -EINVAL);
	assert_non_null(strstr(d.text, "128 frames"));
}

static int setup(void **state)
{
	static const struct gen_trace_opts opts = { 0 };

	rig_init(&rig, &opts, 4096);
	return 0;
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),   cmocka_unit_test(test_lock),
		cmocka_unit_test(test_latency), cmocka_unit_test(test_short),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
