/*
 * tailcall_test.c - bpf_tail_call and maps of type prog_array, in both engines.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/progarray.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE (1 << 20)
#define TAIL "call 12\n"

/* To the program at this index, with ctx in r6. */
#define GO(index) "mov r1, r6\nmap r2, 7\nmov r3, " index "\n" TAIL

static struct arena *arena;
static struct map *progs; /* fd 7 */
static struct map *data;  /* fd 8: one value of 64 bytes */
static struct engine_env env;
static uint8_t *code, *states;
static uint32_t used;
static uint64_t *count;

static int setup(void **state)
{
	if (arena_create(&arena))
		return -1;
	engine_env_native(arena, &env);
	rt_state.arena = env.arena;
	code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	states = malloc(CODE);
	return code == MAP_FAILED || !states ? -1 : 0;
}

static int teardown(void **state)
{
	progarray_clear(progs);
	map_put(progs);
	map_put(data);
	arena_destroy(arena);
	free(states);
	return 0;
}

static void make(uint32_t type, uint32_t value_size, uint32_t entries, struct map **out)
{
	struct map_attr attr = { .type = type,
				 .key_size = 4,
				 .value_size = value_size,
				 .max_entries = entries,
				 .name = "progs" };
	struct diag d = { "" };

	if (map_create(arena, &attr, out, &d))
		fail_msg("map_create: %s", d.text);
}

/* Fresh maps. */
static void world(void)
{
	progarray_clear(progs);
	map_put(progs);
	map_put(data);
	make(BPF_MAP_TYPE_PROG_ARRAY, 4, 8, &progs);
	make(BPF_MAP_TYPE_ARRAY, 64, 1, &data);
	count = shm_ptr(arena, data->shm->values, 64);
	used = 0;
}

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? progs : fd == 8 ? data : NULL;
}

static int try_load(enum program_kind kind, unsigned nslots, const char *text, struct program **out,
		    struct diag *d)
{
	static struct bpf_insn insn[MAX_INSNS];
	struct program_attr attr = { .name = "p",
				     .kind = kind,
				     .insn = insn,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = nslots };
	int n = asmtext_parse(text, insn, MAX_INSNS, d->text, sizeof(d->text));

	if (n < 0)
		fail_msg("%s", d->text);
	attr.ninsns = (uint32_t)n;
	return program_load(&attr, out, d);
}

static struct program *load(const char *text)
{
	struct diag d = { "" };
	struct program *p;

	if (try_load(PROGRAM_FENTRY, 2, text, &p, &d))
		fail_msg("%s, for:\n%s", d.text, text);
	return p;
}

static void *emit(const struct program *p,
		  void (*how)(const struct program *, const struct engine_env *, struct x86_asm *))
{
	uint8_t *at = code + used;
	struct x86_asm a;
	int n;

	x86_asm_init(&a, at, states, CODE - used, (uint64_t)(uintptr_t)at);
	how(p, &env, &a);
	n = x86_asm_finish(&a);
	if (n < 0)
		fail_msg("x86_asm_finish: %d", n);
	used += ALIGN_UP((uint32_t)n, 16u);
	return at;
}

/* As the control process does: number, code, element.  The map holds it from then on. */
static void put(uint32_t index, const char *text)
{
	struct program *p = load(text);
	struct diag d = { "" };

	if (progarray_admit(progs, p, &d))
		fail_msg("%s", d.text);
	rt_tails[p->tail] = (uint64_t)(uintptr_t)emit(p, engine_jit_tail);
	assert_int_equal(progarray_set(progs, index, p), 0);
	program_put(p);
}

static uint64_t frame[6] = { 0, 0, 0, 2, 1000, 2000 };
#define CTX ((uint64_t)(uintptr_t)(frame + 4))

/* fn(ctx), with values in the registers that a function keeps; what is in them then: kept[]. */
uint64_t call_keeping(uint64_t ctx, const void *fn, uint64_t kept[5]);
__asm__(".text\n"
	"call_keeping:\n"
	"pushq %rbx\npushq %rbp\npushq %r12\npushq %r13\npushq %r14\npushq %r15\npushq %rdx\n"
	"movl $11, %ebx\nmovl $12, %r12d\nmovl $13, %r13d\nmovl $14, %r14d\nmovl $15, %r15d\n"
	"call *%rsi\n"
	"popq %rdx\n"
	"movq %rbx, 0(%rdx)\nmovq %r12, 8(%rdx)\nmovq %r13, 16(%rdx)\nmovq %r14, 24(%rdx)\n"
	"movq %r15, 32(%rdx)\n"
	"popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbp\npopq %rbx\nret\n");

static uint64_t by_jit(const struct program *p)
{
	uint64_t kept[5], r0 = call_keeping(CTX, emit(p, engine_jit_function), kept);

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(kept[i], 11 + i);
	return r0;
}

static uint64_t by_interp(const struct program *p)
{
	struct interp_opts o = { .fuel = 1000000, .cookie = 0 };
	struct diag d = { "" };
	uint64_t r0 = 0;

	if (interp_run(p, &env, CTX, 0, &o, &r0, &d))
		fail_msg("%s", d.text);
	return r0;
}

/* r0, and what is left in count[0], in both. */
static void gives(const char *text, uint64_t want, uint64_t want_count)
{
	struct program *p = load(text);

	for (int engine = 0; engine < 2; engine++) {
		uint64_t r0;

		memset(count, 0, 64);
		r0 = engine ? by_interp(p) : by_jit(p);
		if (r0 != want || count[0] != want_count)
			fail_msg("%s: r0 %lld, count %lld, for:\n%s",
				 engine ? "interpreter" : "jit", (long long)r0, (long long)count[0],
				 text);
	}
	program_put(p);
}

#define COUNT "value r1, 8, 0\nmov r2, 1\nlock add [r1+0], r2\n"

static void test_jump(void **state)
{
	world();
	put(0, "ldxdw r0, [r1+8]\nexit\n");
	put(5, "mov r0, 55\nexit\n");
	gives("mov r6, r1\n" GO("0") "mov r0, 1\nexit\n", 2000, 0);
	gives("mov r6, r1\nstdw [r10-8], 9\nmov r7, 1\nmov r8, 2\nmov r9, 3\n" GO("5") "mov r0, 1\n"
										       "exit\n",
	      55, 0);
	/* nothing there: on behind the call; the index is a u32 */
	gives("mov r6, r1\n" GO("1") "mov r0, 1\nexit\n", 1, 0);
	gives("mov r6, r1\n" GO("8") "mov r0, 1\nexit\n", 1, 0);
	gives("mov r6, r1\n" GO("-1") "mov r0, 1\nexit\n", 1, 0);
	gives("mov r6, r1\nmap r2, 7\nlddw r3, 0x100000005\n" TAIL "mov r0, 1\nexit\n", 55, 0);
	/* registers are what they were, but r0 to r5 */
	gives("mov r6, r1\nmov r7, 7\nstdw [r10-16], 100\n" GO(
		      "2") "ldxdw r0, [r10-16]\n"
			   "add r0, r7\nldxdw r1, [r6+0]\nadd r0, r1\nexit\n",
	      1107, 0);
}

static void test_changed(void **state)
{
	const char *go = "mov r6, r1\n" GO("3") "mov r0, 1\nexit\n";
	uint32_t key = 3, id = 0;

	world();
	gives(go, 1, 0);
	put(3, "mov r0, 33\nexit\n");
	gives(go, 33, 0);
	assert_int_equal(map_lookup(progs, &key, &id, 1), 0);
	assert_int_equal(id, progarray_get(progs, 3)->id);
	put(3, "mov r0, 44\nexit\n");
	gives(go, 44, 0);
	assert_int_equal(map_delete(progs, &key), 0);
	gives(go, 1, 0);
	assert_int_equal(map_delete(progs, &key), -ENOENT);
	assert_int_equal(map_lookup(progs, &key, &id, 1), -ENOENT);
	key = 8;
	assert_int_equal(map_delete(progs, &key), -E2BIG);
	assert_int_equal(map_lookup(progs, &key, &id, 1), -ENOENT);
	/* numbers are of no use without code: a process that has not got it */
	put(3, "mov r0, 33\nexit\n");
	rt_tails[progarray_get(progs, 3)->tail] = 0;
	{
		struct program *p = load(go);

		assert_int_equal(by_jit(p), 1);
		program_put(p);
	}
}

/* 33 times, then on behind the call. */
static void test_limit(void **state)
{
	world();
	put(0, "mov r6, r1\n" COUNT GO("0") "mov r0, 77\nexit\n");
	gives("mov r6, r1\n" GO("0") "mov r0, 1\nexit\n", 77, 33);
	/* a call that finds nothing is none */
	put(1, "mov r6, r1\n" GO("4") COUNT GO("1") "mov r0, 78\nexit\n");
	gives("mov r6, r1\n" GO("4") GO("1") "mov r0, 1\nexit\n", 78, 33);
	/* each run of the program begins anew */
	gives("mov r6, r1\n" GO("0") "mov r0, 1\nexit\n", 77, 33);
}

/* A function's frame is replaced, not its caller's: there it goes on. */
static void test_in_function(void **state)
{
	world();
	put(0,
	    "mov r6, 1\nmov r7, 2\nmov r8, 3\nmov r9, 4\nstdw [r10-8], 0\nldxdw r0, [r1+0]\nexit\n");
	gives("mov r6, r1\nmov r7, 7\nstdw [r10-8], 8\ncall local f\nldxdw r1, [r10-8]\n"
	      "add r0, r1\nadd r0, r7\nldxdw r1, [r6+8]\nadd r0, r1\nexit\n"
	      "f: mov r6, r1\nmov r7, 0\nmov r8, 0\nstdw [r10-8], 5\n" GO("0") "mov r0, 1\nexit\n",
	      1000 + 8 + 7 + 2000, 0);
	/* the count is one for all: 33 in the first call, none in the second */
	put(1, "mov r6, r1\n" COUNT GO("1") "mov r0, 5\nexit\n");
	gives("mov r6, r1\ncall local f\nmov r7, r0\nmov r1, r6\ncall local f\nadd r0, r7\nexit\n"
	      "f: mov r6, r1\n" GO("1") "mov r0, 100\nexit\n",
	      105, 33);
	/* programs that call functions that jump: a tree that the count ends */
	put(2, "mov r6, r1\n" COUNT "mov r1, r6\ncall local f\nmov r7, r0\nmov r1, r6\n"
	       "call local f\nadd r0, r7\nexit\n"
	       "f: mov r6, r1\n" GO("2") "mov r0, 1\nexit\n");
	gives("mov r6, r1\n" GO("2") "mov r0, 0\nexit\n", 34, 33);
}

/* 34 frames that hold 200 bytes each: more than is granted, so some calls do nothing. */
static void test_stack_ends_it(void **state)
{
	struct program *p;
	uint64_t jit;

	world();
	put(0, "mov r6, r1\nstdw [r10-200], 0\n" COUNT "mov r1, r6\ncall local f\nadd r0, 1\nexit\n"
	       "f: mov r6, r1\n" GO("0") "mov r0, 0\nexit\n");
	p = load("mov r6, r1\n" GO("0") "mov r0, 0\nexit\n");
	memset(count, 0, 64);
	jit = by_jit(p);
	assert_int_equal(jit, count[0]);
	assert_in_range(jit, 20, 33);
	memset(count, 0, 64);
	jit = by_interp(p);
	assert_int_equal(jit, count[0]);
	assert_in_range(jit, 20, 33);
	program_put(p);
}

/* What the first program's attachment has is what the others get. */
static void test_hit(void **state)
{
	static const uint64_t ret, rbp;
	struct interp_opts o = { .cookie = 0x1234, .ret = &ret, .frame = &rbp };
	struct program *p;
	struct diag d = { "" };
	uint64_t r0 = 0;

	world();
	put(0, "call 174\nexit\n");
	p = load("mov r6, r1\n" GO("0") "mov r0, 1\nexit\n");
	assert_int_equal(interp_run(p, &env, CTX, 0, &o, &r0, &d), 0);
	assert_int_equal(r0, 0x1234);
	program_put(p);
	/* no trampoline: bpf_get_stack() is told so, with ret 0 */
	put(1, "mov r2, r10\nadd r2, -8\nmov r3, 8\nmov r4, 0\ncall 67\nexit\n");
	gives("mov r6, r1\n" GO("1") "mov r0, 1\nexit\n", (uint64_t)-EINVAL, 0);
	gives("mov r6, r1\n" GO("0") "mov r0, 1\nexit\n", 0, 0);
}

static void refused(const char *text, int err, const char *why)
{
	struct diag d = { "" };
	struct program *p = NULL;
	int got = try_load(PROGRAM_FENTRY, 2, text, &p, &d);

	program_put(got ? NULL : p);
	if (got != err || !strstr(d.text, why))
		fail_msg("%d '%s', want %d '%s', for:\n%s", got, d.text, err, why, text);
}

static void test_checks(void **state)
{
	world();
	refused("mov r6, r1\nmov r1, r6\nmap r2, 8\nmov r3, 0\n" TAIL "mov r0, 0\nexit\n", -EACCES,
		"r2 is not a map of type prog_array");
	refused("mov r2, 0\nmov r3, 0\n" TAIL "mov r0, 0\nexit\n", -EACCES, "r2 is not a map");
	refused("mov r1, r10\nmap r2, 7\nmov r3, 0\n" TAIL "mov r0, 0\nexit\n", -EACCES,
		"r1 is not ctx");
	refused("map r2, 7\nmov r3, 0\n" TAIL "exit\n", -EACCES, "r0 is read, but was never set");
	refused("map r2, 7\n" TAIL "mov r0, 0\nexit\n", -EACCES, "r3 is read");
	refused("map r1, 7\nstw [r10-4], 0\nmov r2, r10\nadd r2, -4\ncall 1\nexit\n", -EACCES,
		"(call bpf_map_lookup_elem#1): a prog_array is for bpf_tail_call() only");
	refused("value r1, 7, 0\nmov r0, 0\nexit\n", -ENOTSUP, "which is not global data");
	refused("mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\nexit\n"
		"f: mov r6, r2\n" GO("0") "mov r0, 0\nexit\n",
		-ENOTSUP, "tail calls in callbacks are not supported: return 1");
	refused("stdw [r10-256], 0\ncall local f\nexit\nf: mov r6, r1\n" GO(
			"0") "mov r0, 0\nexit\n",
		-EACCES, "has 256 bytes of its callers' on the stack, less than 256 are possible");
	refused("stdw [r10-248], 0\ncall local f\nexit\nf: mov r6, r1\n" GO(
			"0") "mov r0, 0\nexit\n",
		0, "");
}

static void test_facts(void **state)
{
	struct program *p = load("map r2, 7\nmov r3, 0\n" TAIL "mov r0, 0\nexit\n");

	assert_true(p->tails && p->facts.ctx_escapes && p->facts.reads_any &&
		    p->facts.reads_count && p->facts.reads_ip);
	assert_false(p->facts.may_override || p->facts.session_cookie);
	assert_true(p->facts.stack_bytes > 16384);
	program_put(p);
}

static int admit(enum program_kind kind, unsigned nslots, const char *text, struct diag *d)
{
	struct program *p;
	int err;

	if (try_load(kind, nslots, text, &p, d))
		fail_msg("%s", d->text);
	err = progarray_admit(progs, p, d);
	program_put(p);
	return err;
}

/* The first that uses the map owns it: kind of program, and of function. */
static void test_owner(void **state)
{
	const char *nop = "mov r0, 0\nexit\n",
		   *go = "map r2, 7\nmov r3, 0\n" TAIL "mov r0, 0\nexit\n";
	struct diag d = { "" };
	struct program *p;

	world();
	p = load(go);
	program_put(p);
	assert_int_equal(admit(PROGRAM_FENTRY, 2, nop, &d), 0);
	assert_int_equal(admit(PROGRAM_FEXIT, 2, nop, &d), -EINVAL);
	assert_string_equal(d.text,
			    "program p cannot use map progs: its programs are of another kind");
	assert_int_equal(admit(PROGRAM_FENTRY, 3, nop, &d), -EINVAL);
	assert_non_null(strstr(d.text, "for functions with other arguments"));
	assert_int_equal(try_load(PROGRAM_FEXIT, 2, go, &p, &d), -EINVAL);
	assert_int_equal(try_load(PROGRAM_FENTRY, 1, go, &p, &d), -EINVAL);

	world();
	assert_int_equal(admit(PROGRAM_FEXIT, 2, nop, &d), 0);
	assert_int_equal(try_load(PROGRAM_FENTRY, 2, go, &p, &d), -EINVAL);
	assert_int_equal(admit(PROGRAM_FEXIT, 2,
			       "mov r1, 1\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\nmov r0, 0\n"
			       "exit\nf: mov r1, r2\ncall 174\nmov r0, 0\nexit\n",
			       &d),
			 -ENOTSUP);
	assert_non_null(strstr(d.text, "asks for its cookie or its caller in a callback"));
}

static void test_map(void **state)
{
	static const struct {
		struct map_attr attr;
		int err;
	} bad[] = {
		{ { BPF_MAP_TYPE_PROG_ARRAY, 8, 4, 1, 0, "m", 0, 0, false }, -EINVAL },
		{ { BPF_MAP_TYPE_PROG_ARRAY, 4, 8, 1, 0, "m", 0, 0, false }, -EINVAL },
		{ { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 0, 0, "m", 0, 0, false }, -EINVAL },
		{ { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, BPF_F_RDONLY_PROG, "m", 0, 0, false },
		  -EINVAL },
		{ { BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, BPF_F_MMAPABLE, "m", 0, 0, false }, -EINVAL },
	};
	uint32_t key = 0, value = 0, next;
	struct diag d = { "" };
	struct program *p;
	struct map *m;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(map_create(arena, &bad[i].attr, &m, &d), bad[i].err);
	world();
	assert_int_equal(map_update(progs, &key, &value, 0, 1), -ENOTSUP);
	assert_int_equal(map_next_key(progs, NULL, &next), 0);
	assert_int_equal(next, 0);
	/* references: what is in the map lives, what is taken out does not */
	p = load("mov r0, 0\nexit\n");
	assert_int_equal(progarray_admit(progs, p, &d), 0);
	assert_int_equal(progarray_set(progs, 8, p), -E2BIG);
	assert_int_equal(progarray_set(progs, 0, p), 0);
	assert_int_equal(progarray_set(progs, 1, p), 0);
	assert_int_equal(p->refs, 3);
	progarray_clear(progs);
	assert_int_equal(p->refs, 1);
	assert_int_equal(((uint64_t *)progs->values)[0], 0);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jump),          cmocka_unit_test(test_changed),
		cmocka_unit_test(test_limit),         cmocka_unit_test(test_in_function),
		cmocka_unit_test(test_stack_ends_it), cmocka_unit_test(test_hit),
		cmocka_unit_test(test_checks),        cmocka_unit_test(test_facts),
		cmocka_unit_test(test_owner),         cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
