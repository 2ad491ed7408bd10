/*
 * callback_test.c - functions of the program that helpers run: bpf_loop, bpf_for_each_map_elem;
 * and may_goto, which bounds a loop in the program itself.
 */
#include "run.h"

#include "bpf/insn.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOP "call 181\n"
#define EACH "call 164\n"

static struct arena *arena;
static struct map *map;
static struct engine_env env;

static int setup(void **state)
{
	if (arena_create(&arena))
		return -1;
	engine_env_native(arena, &env);
	rt_state.arena = env.arena;
	return 0;
}

static int teardown(void **state)
{
	map_put(map);
	arena_destroy(arena);
	return 0;
}

static void make_map(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t entries)
{
	struct map_attr attr = { .type = type,
				 .key_size = key_size,
				 .value_size = value_size,
				 .max_entries = entries,
				 .name = "data" };
	struct diag d = { "" };

	map_put(map);
	map = NULL;
	if (map_create(arena, &attr, &map, &d))
		fail_msg("map_create: %s", d.text);
}

static void set(uint64_t key, uint64_t value)
{
	uint64_t values[SHM_MAX_THREADS] = { value };

	assert_int_equal(map_update(map, &key, values, 0, 1), 0);
}

static uint64_t get(uint64_t key)
{
	uint64_t value = 0;

	return map_lookup(map, &key, &value, 1) ? UINT64_MAX : value;
}

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? map : NULL;
}

static struct program *load(const char *text)
{
	static struct bpf_insn insn[MAX_INSNS];
	struct program_attr attr = { .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = PROGRAM_NO_CTX };
	struct diag d = { "" };
	struct program *p;
	int n = asmtext_parse(text, insn, MAX_INSNS, d.text, sizeof(d.text));

	if (n < 0)
		fail_msg("%s", d.text);
	attr.ninsns = (uint32_t)n;
	if (program_load(&attr, &p, &d))
		fail_msg("%s, for:\n%s", d.text, text);
	return p;
}

/* The context of a function with no arguments. */
static uint64_t frame[6];

static int interpret(const struct program *p, uint64_t fuel, uint64_t *r0, struct diag *d)
{
	struct interp_opts o = { .checked = true, .fuel = fuel };

	return interp_run(p, &env, (uint64_t)(uintptr_t)(frame + 2), 0, &o, r0, d);
}

static uint64_t by_interp(const char *text)
{
	struct program *p = load(text);
	struct diag d = { "" };
	uint64_t r0 = 0;

	if (interpret(p, 0, &r0, &d))
		fail_msg("%s, for:\n%s", d.text, text);
	program_put(p);
	return r0;
}

static uint64_t by_jit(const char *text)
{
	struct program *p = load(text);
	uint64_t r0 = run_jit(p, &env)((uint64_t)(uintptr_t)(frame + 2), 0);

	program_put(p);
	return r0;
}

/* For programs that leave everything as it was. */
static void gives(const char *text, uint64_t want)
{
	uint64_t jit = by_jit(text), interp = by_interp(text);

	if (jit != want || interp != want)
		fail_msg("want %lld, jit %lld, interpreter %lld, for:\n%s", (long long)want,
			 (long long)jit, (long long)interp, text);
}

static void refused(const char *text, int err, const char *why)
{
	int got;
	const char *said = run_refused(PROGRAM_FENTRY, text, &got);

	if (got != err || !strstr(said, why))
		fail_msg("%d '%s', want %d '%s', for:\n%s", got, said, err, why, text);
}

/* -- bpf_loop -------------------------------------------------------------------------- */

/* Adds the index to the word that its second argument points to. */
#define ADDS "adds: ldxdw r3, [r2+0]\nadd r3, r1\nstxdw [r2+0], r3\nmov r0, 0\nexit\n"

/* flags in r4; then the sum, a million times, and the helper's result. */
#define LOOP_OF(n, flags, fn) \
	"stdw [r10-8], 0\nmov r1, " n "\nfunc r2, " fn "\nmov r3, r10\nadd r3, -8\nmov r4, " flags \
	"\n" LOOP "ldxdw r1, [r10-8]\nmul r1, 1000000\nadd r0, r1\nexit\n"

static void test_loop(void **state)
{
	gives(LOOP_OF("10", "0", "adds") ADDS, 45000010);
	gives(LOOP_OF("1", "0", "adds") ADDS, 1);
	gives(LOOP_OF("0", "0", "adds") ADDS, 0);
	gives(LOOP_OF("10", "1", "adds") ADDS, (uint64_t)-EINVAL);
	gives(LOOP_OF("0x800001", "0", "adds") ADDS, (uint64_t)-E2BIG);
	gives(LOOP_OF("0x800001", "1", "adds") ADDS, (uint64_t)-EINVAL);
	gives(LOOP_OF("-1", "0", "adds") ADDS, (uint64_t)-E2BIG);
	/* the number of loops is a u32 */
	gives("lddw r1, 0x100000003\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
	      "exit\nf: mov r0, 0\nexit\n",
	      3);
	/* it ends with the call that returns 1, which is counted */
	gives("mov r1, 100\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
	      "exit\nf: mov r0, 1\njeq r1, 6, +1\nmov r0, 0\nexit\n",
	      7);
}

static void test_most_loops(void **state)
{
	const char *text = "mov r1, 0x800000\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
			   "exit\nf: mov r0, 0\nexit\n";

	assert_int_equal(by_jit(text), 0x800000);
}

/* r6-r9 and the stack of whoever calls, and of every function in between. */
static void test_nested(void **state)
{
	gives("mov r6, 1\nmov r7, 20\nmov r8, 300\nmov r9, 4000\nstdw [r10-8], 0\n"
	      "mov r1, 5\nfunc r2, outer\nmov r3, r10\nadd r3, -8\nmov r4, 0\n" LOOP
	      "ldxdw r0, [r10-8]\nmul r0, 10000\nadd r0, r6\nadd r0, r7\nadd r0, r8\nadd r0, r9\n"
	      "exit\n"
	      "outer: mov r6, r2\nmov r7, r1\nstdw [r10-16], 0\nmov r1, 4\nfunc r2, inner\n"
	      "mov r3, r10\nadd r3, -16\nmov r4, 0\n" LOOP "ldxdw r1, [r10-16]\nadd r1, r7\n"
	      "ldxdw r2, [r6+0]\nadd r2, r1\nstxdw [r6+0], r2\nmov r0, 0\nexit\n"
	      "inner: mov r9, r2\nmov r8, r1\nmov r6, 0\nmov r7, 0\nmov r1, r8\ncall local twice\n"
	      "ldxdw r1, [r9+0]\nadd r1, r0\nstxdw [r9+0], r1\nmov r0, 0\nexit\n"
	      "twice: mov r0, r1\nadd r0, r1\nexit\n",
	      /* 5 * (2 * 6) + 10 */
	      70 * 10000 + 4321);
}

static void test_function_is_chosen(void **state)
{
	/* by a branch, and handed to a function */
	gives("mov r1, 10\nfunc r2, one\njeq r1, 10, +2\nfunc r2, two\nmov r1, 9\nmov r3, 0\n"
	      "mov r4, 0\n" LOOP "exit\none: mov r0, 1\nexit\ntwo: mov r0, 0\nexit\n",
	      1);
	gives("func r1, f\ncall local run\nexit\n"
	      "run: mov r2, r1\nmov r1, 3\nmov r3, 0\nmov r4, 0\n" LOOP "exit\n"
	      "f: mov r0, 0\nexit\n",
	      3);
}

static bool aligned;

static uint64_t look(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	aligned = (uint64_t)(uintptr_t)__builtin_frame_address(0) % 16 == 0;
	return 5;
}

static void test_stack_is_aligned(void **state)
{
	char text[256];

	env.helper[BPF_FUNC_ktime_get_ns] = (uint64_t)(uintptr_t)look;
	for (int off = -8; off > -40; off -= 8) {
		aligned = false;
		sprintf(text,
			"mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
			"exit\nf: stdw [r10%d], 0\ncall 5\nmov r0, 0\nexit\n",
			off);
		assert_int_equal(by_jit(text), 1);
		assert_true(aligned);
	}
	engine_env_native(arena, &env);
}

/* -- bpf_for_each_map_elem --------------------------------------------------------------- */

/* The sum of 1000 * key + value of the elements up to the one with value 77, then the count. */
#define SUM(ld_key) \
	"stdw [r10-8], 0\nmap r1, 7\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\n" EACH \
	"ldxdw r1, [r10-8]\nmul r1, 100\nadd r0, r1\nexit\n" \
	"f: " ld_key " r1, [r2+0]\nldxdw r2, [r3+0]\nmul r1, 1000\nadd r1, r2\nldxdw r3, [r4+0]\n" \
	"add r3, r1\nstxdw [r4+0], r3\nmov r0, 0\njne r2, 77, +1\nmov r0, 1\nexit\n"

static void test_each_array(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY };

	for (unsigned t = 0; t < 2; t++) {
		make_map(types[t], 4, 8, 5);
		for (unsigned i = 0; i < 5; i++)
			set(i, i + 1);
		gives(SUM("ldxw"), 1001505);
		set(2, 77);
		gives(SUM("ldxw"), (3000 + 1 + 2 + 77) * 100 + 3);
	}
}

static void test_each_hash(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_PERCPU_HASH };

	for (unsigned t = 0; t < 2; t++) {
		uint64_t sum = 0;

		make_map(types[t], 8, 8, 200);
		gives(SUM("ldxdw"), 0);
		for (unsigned i = 1; i <= 150; i++) {
			set(i, i + 100);
			sum += 1000 * i + i + 100;
		}
		gives(SUM("ldxdw"), sum * 100 + 150);
		for (uint64_t i = 1; i < 150; i++)
			assert_int_equal(map_delete(map, &i), 0);
		gives(SUM("ldxdw"), (150000 + 250) * 100 + 1);
	}
}

/* Writes through the value's address, then looks its own key up again. */
static void test_each_changes(void **state)
{
	const char *text = "map r1, 7\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" EACH "exit\n"
			   "f: ldxdw r4, [r3+0]\nadd r4, 1\nstxdw [r3+0], r4\nmov r6, r4\n"
			   "call 1\njeq r0, 0, no\nldxdw r1, [r0+0]\njne r1, r6, no\n"
			   "mov r0, 0\nexit\nno: mov r0, 1\nexit\n";

	make_map(BPF_MAP_TYPE_HASH, 4, 8, 64);
	for (unsigned i = 0; i < 50; i++)
		set(i, 2 * i);
	assert_int_equal(by_jit(text), 50);
	assert_int_equal(by_interp(text), 50);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(get(i), 2 * i + 2);
}

/* As the kernel permits: each is shown, and deleted meanwhile. */
static void test_each_deletes(void **state)
{
	const char *text = "map r1, 7\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" EACH "exit\n"
			   "f: call 3\nexit\n";

	make_map(BPF_MAP_TYPE_HASH, 4, 8, 64);
	for (int engine = 0; engine < 2; engine++) {
		uint32_t key;

		for (unsigned i = 0; i < 64; i++)
			set(i, i);
		assert_int_equal(engine ? by_jit(text) : by_interp(text), 64);
		assert_int_equal(map_next_key(map, NULL, &key), -ENOENT);
	}
}

/* Others are deleted: what is gone is not shown any more. */
static void test_each_deletes_others(void **state)
{
	const char *text = "map r1, 7\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" EACH "exit\n"
			   "f: mov r6, r1\nldxw r7, [r2+0]\nmov r8, 0\n"
			   "again: jeq r8, r7, next\nstxw [r10-4], r8\nmov r1, r6\nmov r2, r10\n"
			   "add r2, -4\ncall 3\nnext: add r8, 1\njne r8, 8, again\n"
			   "mov r0, 0\nexit\n";

	make_map(BPF_MAP_TYPE_HASH, 4, 8, 8);
	for (int engine = 0; engine < 2; engine++) {
		for (unsigned i = 0; i < 8; i++)
			set(i, i);
		assert_int_equal(engine ? by_jit(text) : by_interp(text), 1);
	}
}

static void test_each_refuses(void **state)
{
	const char *text = "map r1, 7\nfunc r2, f\nmov r3, 0\nmov r4, 1\n" EACH "exit\n"
			   "f: mov r0, 0\nexit\n";
	const char *ring = "map r1, 7\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" EACH "exit\n"
			   "f: mov r0, 0\nexit\n";
	struct diag d = { "" };
	struct program *p;
	uint64_t r0;

	make_map(BPF_MAP_TYPE_HASH, 4, 8, 8);
	gives(text, (uint64_t)-EINVAL);
	make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 8);
	gives(text, (uint64_t)-EINVAL);
	make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	assert_int_equal(by_jit(ring), (uint64_t)-EOPNOTSUPP);
	p = load(ring);
	assert_int_equal(interpret(p, 0, &r0, &d), -EFAULT);
	assert_string_equal(d.text, "insn 6: r1 is map data, which is a ring buffer");
	program_put(p);
}

/* -- what is checked ----------------------------------------------------------------------- */

static void test_checks(void **state)
{
	char text[512];

	refused("mov r1, 1\nmov r2, 5\nmov r3, 0\nmov r4, 0\n" LOOP "exit\n", -EACCES,
		"insn 4 (call bpf_loop#181): r2 is not the address of a function");
	refused("mov r1, 1\nfunc r2, f\nadd r2, 8\nmov r3, 0\nmov r4, 0\n" LOOP
		"exit\nf: mov r0, 0\nexit\n",
		-EACCES, "r2 is not the address of a function");
	refused("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "exit\nf: exit\n", -EACCES,
		"r0 is read, but was never set");
	refused("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "exit\nf: mov r0, r3\nexit\n",
		-EACCES, "r3 is read, but was never set");
	refused("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "exit\nf: mov r0, r6\nexit\n",
		-EACCES, "r6 is read, but was never set");
	refused("func r2, f\nldxdw r0, [r2+0]\nexit\nf: mov r0, 0\nexit\n", -EACCES,
		"a function's code is no memory");
	refused("func r2, 500\nmov r0, 0\nexit\n", -EACCES, "the address of 501, which is no");
	refused("func r2, 1\nmov r0, 0\nexit\n", -EACCES, "ends without exit");
	/* functions that run themselves */
	refused("mov r0, 0\nexit\nf: func r2, f\nmov r1, 1\nmov r3, 0\nmov r4, 0\n" LOOP "exit\n",
		-EACCES, "");
	refused("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "exit\n"
		"f: mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "mov r0, 0\nexit\n",
		-EACCES, "calls nest deeper than 8 functions, or recurse");
	/* 512 bytes in calls, 1024 with callbacks */
	sprintf(text,
		"stdw [r10-%d], 0\nmov r1, 1\n%s\nmov r3, 0\nmov r4, 0\n%sexit\n"
		"f: stdw [r10-%d], 0\nmov r0, 0\nexit\n",
		256, "call local f", "", 264);
	refused(text, -EACCES, "the stack of nested calls is 520 bytes, the limit is 512");
	sprintf(text,
		"stdw [r10-%d], 0\nmov r1, 1\n%s\nmov r3, 0\nmov r4, 0\n%sexit\n"
		"f: stdw [r10-%d], 0\nmov r0, 0\nexit\n",
		512, "func r2, f", LOOP, 512);
	gives(text, 1);
	sprintf(text,
		"stdw [r10-512], 0\nmov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
		"exit\nf: stdw [r10-504], 0\nmov r1, 1\nfunc r2, g\nmov r3, 0\nmov r4, 0\n" LOOP
		"mov r0, 0\nexit\ng: stdw [r10-16], 0\nmov r0, 0\nexit\n");
	refused(text, -EACCES,
		"the stack of nested calls and callbacks is 1032 bytes, the limit is 1024");
}

static void test_facts(void **state)
{
	/* ctx that goes through memory may be read whole */
	struct program *p = load("stxdw [r10-8], r1\nmov r1, 1\nfunc r2, f\nmov r3, r10\n"
				 "add r3, -8\nmov r4, 0\n" LOOP "exit\n"
				 "f: ldxdw r1, [r2+0]\nldxdw r0, [r1+8]\nmov r0, 0\nexit\n");

	assert_true(p->facts.ctx_escapes && p->facts.reads_any);
	assert_int_equal(p->sub[0].stack, 512); /* the callback may go anywhere in it */
	assert_int_equal(p->sub[1].stack, 0);
	assert_true(p->sub[1].callback && !p->sub[0].callback);
	assert_true(p->facts.stack_bytes >= 8 + 2 * 64 + 1024);
	program_put(p);
	/* ctx handed on */
	p = load("mov r3, r1\nmov r1, 1\nfunc r2, f\nmov r4, 0\n" LOOP "exit\n"
		 "f: ldxdw r0, [r2+8]\nmov r0, 0\nexit\n");
	assert_true(p->facts.ctx_escapes);
	program_put(p);
	/* and not */
	p = load("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "exit\n"
		 "f: mov r0, 0\nexit\n");
	assert_false(p->facts.ctx_escapes || p->facts.reads_any);
	program_put(p);
}

/* What goes wrong in a callback ends the run, and is told of the callback. */
static void test_interpreter(void **state)
{
	struct program *p = load("mov r1, 10\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP
				 "exit\nf: mov r0, 0\nldxdw r1, [r0+0]\nexit\n");
	struct diag d = { "" };
	uint64_t r0;

	assert_int_equal(interpret(p, 0, &r0, &d), -EFAULT);
	assert_string_equal(d.text,
			    "insn 8: load of 8 bytes at 0x0 by a number, which is no pointer");
	assert_int_equal(interpret(p, 6, &r0, &d), -ELOOP);
	assert_string_equal(d.text, "insn 8: out of fuel");
	program_put(p);
}

/* -- may_goto ------------------------------------------------------------------------------- */

static void test_may_goto(void **state)
{
	/* as often as the kernel lets it pass */
	gives("mov r0, 0\nagain: may_goto end\nadd r0, 1\nja again\nend: exit\n", 0x800000);
	/* one that leads back, spent at last */
	gives("mov r6, 0\nmov r0, 0\nagain: add r0, 1\nmov r1, r0\nmay_goto end\n"
	      "jlt r1, 100, again\nend: exit\n",
	      100);
	/* once spent, it stays so */
	gives("mov r0, 0\na: may_goto b\nadd r0, 1\nja a\nb: may_goto c\nadd r0, 100\nc: exit\n",
	      0x800000);
	/* each call of a function has its own, and so has a callback */
	gives("mov r6, 0\nmay_goto +0\ncall local f\nmov r6, r0\ncall local f\nadd r0, r6\nexit\n"
	      "f: mov r0, 0\nagain: may_goto end\nadd r0, 1\nja again\nend: exit\n",
	      0x1000000);
	gives("mov r1, 3\nfunc r2, f\nmov r3, 0\nmov r4, 0\n" LOOP "mov r6, r0\nmov r0, 0\n"
	      "more: may_goto done\nadd r0, 1\njlt r0, 100, more\ndone: add r0, r6\nexit\n"
	      "f: mov r2, 0\nagain: may_goto end\nadd r2, 1\nja again\n"
	      "end: mov r0, 0\njeq r2, 0x800000, +1\nmov r0, 1\nexit\n",
	      103);
}

static void test_may_goto_and_stack(void **state)
{
	/* its slot is none of the program's 512 bytes, nor of its saved registers */
	gives("mov r6, 1\nmov r7, 2\nmov r8, 3\nmov r9, 4\nstdw [r10-8], 5\nstdw [r10-512], 6\n"
	      "mov r0, 0\nagain: may_goto end\nadd r0, 1\njlt r0, 10, again\n"
	      "end: add r0, r6\nadd r0, r7\nadd r0, r8\nadd r0, r9\nldxdw r1, [r10-8]\n"
	      "add r0, r1\nldxdw r1, [r10-512]\nadd r0, r1\nexit\n",
	      31);
	refused("may_goto +5\nmov r0, 0\nexit\n", -EACCES, "leaves the function");
	refused("jne r0, 0, +0\nmay_goto +0\nmov r0, 0\nexit\n", -EACCES, "r0 is read");
	refused("may_goto +0\nexit\n", -EACCES, "r0 is read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_most_loops),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_function_is_chosen),
		cmocka_unit_test(test_stack_is_aligned),
		cmocka_unit_test(test_each_array),
		cmocka_unit_test(test_each_hash),
		cmocka_unit_test(test_each_changes),
		cmocka_unit_test(test_each_deletes),
		cmocka_unit_test(test_each_deletes_others),
		cmocka_unit_test(test_each_refuses),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_may_goto),
		cmocka_unit_test(test_may_goto_and_stack),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
