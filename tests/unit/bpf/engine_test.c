/*
 * engine_test.c - engine.h: programs with maps and helpers, errors of the interpreter,
 * frames and their states, bodies and the recursion guard.
 */
#include "run.h"
#include "slab_run.h"

#include "bpf/insn.h"
#include "rt/rt.h"
#include "x86/frame.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct engine_env no_env;

/* -- frames ---------------------------------------------------------------------- */

static void test_stack_of_512_bytes(void **state)
{
	char text[8192] = "mov r0, 0\n", *at = text + strlen(text);
	struct program *p;

	for (int off = -512; off < 0; off += 8)
		at += sprintf(at, "stdw [r10%d], %d\n", off, -off);
	for (int off = -512; off < 0; off += 8)
		at += sprintf(at, "ldxdw r1, [r10%d]\nadd r0, r1\n", off);
	sprintf(at, "exit\n");
	p = run_load_text(PROGRAM_PLAIN, text);
	assert_int_equal(p->stack_depth, 512);
	assert_int_equal(run_both(p, &no_env, NULL, 0), 8 * 64 * 65 / 2);
	program_put(p);
}

/* Leaves of the call tree that need nothing get no frame: 4 bytes of code for r0 = r1. */
static void test_leaf_has_no_frame(void **state)
{
	struct program *p = run_load_text(PROGRAM_PLAIN, "mov r0, r1\nexit\n");
	const uint8_t *code = (const uint8_t *)(uintptr_t)run_jit(p, &no_env);

	assert_int_equal(code[3], 0xc3);
	program_put(p);
}

static void test_frame_states(void **state)
{
	struct program *p = run_load_text(PROGRAM_PLAIN, "mov r6, 1\nmov r9, 2\nstxdw [r10-8], r6\n"
							 "mov r0, r6\nexit\n");
	uint8_t *st;
	struct x86_asm a;
	const uint8_t *code;

	run_asm(&a);
	x86_frame(&a, FRAME_RBP | FRAME_TAG); /* the trampoline's, to be found again */
	engine_jit_function(p, &no_env, &a);
	assert_int_equal(a.frame_state, FRAME_RBP | FRAME_TAG);
	code = run_asm_finish(&a, &st);
	assert_int_equal(code[0], 0x55); /* push rbp */
	assert_int_equal(st[0], FRAME_CFA(0));
	assert_int_equal(st[1], FRAME_CFA_RBP(1)); /* mov rbp, rsp */
	assert_int_equal(st[4], FRAME_RBP);        /* sub rsp, 64 */
	assert_int_equal(code[7], 64);
	assert_int_equal(st[8], FRAME_RBP); /* mov [rbp-16], rbx */
	assert_int_equal(st[12], FRAME_RBP | FRAME_RBX);
	assert_int_equal(st[16], FRAME_RBP | FRAME_RBX | FRAME_R14);
	assert_int_equal(code[a.len - 2], 0xc9); /* leave; ret */
	assert_int_equal(st[a.len - 2], FRAME_RBP | FRAME_RBX | FRAME_R14);
	assert_int_equal(code[a.len - 1], 0xc3);
	assert_int_equal(st[a.len - 1], FRAME_CFA(0));
	program_put(p);
}

static uint64_t seen_args[5];
static bool aligned;

static uint64_t take_args(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t frame = (uint64_t)(uintptr_t)__builtin_frame_address(0);

	seen_args[0] = a, seen_args[1] = b, seen_args[2] = c, seen_args[3] = d, seen_args[4] = e;
	aligned = frame % 16 == 0;
	return a + b + c + d + e;
}

static void test_helper_arguments_and_alignment(void **state)
{
	struct engine_env env = { .helper[77] = (uint64_t)(uintptr_t)take_args };
	char text[256];

	for (int stack = 0; stack <= 40; stack += 8) {
		struct program *p;

		sprintf(text,
			"mov r6, 6\nmov r1, 1\nmov r2, -2\nmov r3, 3\nmov r4, -4\nmov r5, 5\n"
			"stdw [r10-%d], 0\ncall 77\nadd r0, r6\nexit\n",
			stack + 8);
		p = run_load_text(PROGRAM_PLAIN, text);
		assert_int_equal(run_jit(p, &env)(0, 0), 9);
		assert_int_equal(seen_args[0], 1);
		assert_int_equal(seen_args[1], -2);
		assert_int_equal(seen_args[2], 3);
		assert_int_equal(seen_args[3], -4);
		assert_int_equal(seen_args[4], 5);
		assert_true(aligned);
		assert_int_equal(run_interp(p, &env, 0, 0), 9);
		program_put(p);
	}
}

/* The native helper is out of a rel32's reach of mmap()ed code; one beside it is not. */
static void test_helper_near(void **state)
{
	struct program *p = run_load_text(PROGRAM_PLAIN, "mov r1, 40\ncall 9\nadd r0, 1\nexit\n");
	struct engine_env env = { 0 };
	struct x86_asm a;
	uint8_t *code;
	uint32_t at;

	run_asm(&a);
	env.helper[9] = x86_pc(&a);
	x86_lea(&a, RAX, X86_MEM(RDI, 1));
	x86_ret(&a);
	at = a.len;
	engine_jit_function(p, &env, &a);
	code = run_asm_finish(&a, NULL);
	assert_int_equal(((jit_fn)(uintptr_t)(code + at))(0, 0), 42);
	program_put(p);
}

static void test_jit_without_helper_fails(void **state)
{
	struct program *p = run_load_text(PROGRAM_PLAIN, "call 9\nexit\n");
	uint8_t buf[64];
	struct x86_asm a;

	x86_asm_init(&a, buf, NULL, sizeof(buf), 0);
	engine_jit_function(p, &no_env, &a);
	assert_int_equal(x86_asm_finish(&a), -ENOTSUP);
	program_put(p);
}

static void test_jit_buffer_full(void **state)
{
	struct program *p = run_load_text(PROGRAM_PLAIN, "lddw r0, 0x1122334455667788\nexit\n");
	uint8_t buf[8];
	struct x86_asm a;

	x86_asm_init(&a, buf, NULL, sizeof(buf), 0);
	engine_jit_function(p, &no_env, &a);
	assert_int_equal(x86_asm_finish(&a), -ENOSPC);
	program_put(p);
}

/* -- the interpreter's errors ------------------------------------------------------- */

static int interp_error(const char *text, void *mem, size_t len, struct diag *d)
{
	struct interp_opts o = { .checked = true, .fuel = 1000 };
	struct program *p = run_load_text(PROGRAM_PLAIN, text);
	uint64_t r0 = 77;
	int err = interp_run(p, &no_env, (uint64_t)(uintptr_t)mem, len, &o, &r0, d);

	if (err)
		assert_int_equal(r0, 77);
	program_put(p);
	return err;
}

static void test_interp_errors(void **state)
{
	uint64_t mem[2] = { 1, 2 };
	struct diag d = { "" };

	assert_int_equal(interp_error("ldxdw r0, [r1+8]\nexit\n", mem, 16, &d), 0);
	assert_int_equal(interp_error("ldxb r0, [r1+16]\nexit\n", mem, 16, &d), -EFAULT);
	assert_non_null(strstr(d.text, "insn 0: load of 1 bytes"));
	assert_int_equal(interp_error("ldxdw r0, [r1+9]\nexit\n", mem, 16, &d), -EFAULT);
	assert_int_equal(interp_error("stb [r1-1], 0\nexit\n", mem, 16, &d), -EFAULT);
	assert_non_null(strstr(d.text, "store of 1 bytes"));
	assert_int_equal(interp_error("mov r2, 1\nlock add [r1+4], r2\nexit\n", mem, 16, &d),
			 -EFAULT);
	assert_non_null(strstr(d.text, "unaligned"));
	assert_int_equal(interp_error("mov r0, 0\nldxb r0, [r0+0]\nexit\n", mem, 16, &d), -EFAULT);
	assert_int_equal(interp_error("again: ja again\n", mem, 16, &d), -ELOOP);
	assert_non_null(strstr(d.text, "fuel"));
	assert_int_equal(interp_error("call 9\nexit\n", mem, 16, &d), -ENOTSUP);
	assert_int_equal(interp_error("mov r4, 0\nmov r3, r10\nadd r3, r4\nldxb r0, [r3+0]\nexit\n",
				      mem, 16, NULL),
			 -EFAULT);
}

static void test_interp_ranges(void **state)
{
	static uint64_t ro = 5, rw = 6;
	struct interp_range range[2] = {
		{ (uint64_t)(uintptr_t)&ro, (uint64_t)(uintptr_t)(&ro + 1), false },
		{ (uint64_t)(uintptr_t)&rw, (uint64_t)(uintptr_t)(&rw + 1), true },
	};
	struct interp_opts o = { .checked = true, .range = range, .nranges = 2 };
	char text[256];

	for (int k = 0; k < 4; k++) {
		struct program *p;
		uint64_t r0 = 0;

		sprintf(text, "lddw r1, %p\n%s\nmov r0, 1\nexit\n", k & 1 ? &rw : &ro,
			k & 2 ? "stb [r1+0], 9" : "ldxdw r2, [r1+0]");
		p = run_load_text(PROGRAM_PLAIN, text);
		assert_int_equal(interp_run(p, &no_env, 0, 0, &o, &r0, NULL), k == 2 ? -EFAULT : 0);
		program_put(p);
	}
	assert_int_equal(ro, 5);
	assert_int_equal(rw & 0xff, 9);
}

/* -- maps ------------------------------------------------------------------------------ */

static struct map *the_map;

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? the_map : NULL;
}

static void map_make(struct arena *arena, uint32_t type, uint32_t value_size, uint32_t entries)
{
	struct map_attr attr = { .type = type,
				 .key_size = 4,
				 .value_size = value_size,
				 .max_entries = entries,
				 .name = "data" };
	struct diag d = { "" };

	if (map_create(arena, &attr, &the_map, &d))
		fail_msg("map_create: %s", d.text);
}

static int load_with_map(const char *text, struct arena *arena, struct program **p, struct diag *d)
{
	struct bpf_insn insn[64];
	struct program_attr attr = { .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = 4 };
	int n = asmtext_parse(text, insn, 64, d->text, sizeof(d->text));

	assert_true(n > 0);
	attr.ninsns = (uint32_t)n;
	return program_load(&attr, p, d);
}

static void test_maps(void **state)
{
	struct engine_env env;
	struct arena *arena;
	struct program *p;
	struct diag d = { "" };
	uint64_t *value;

	assert_int_equal(arena_create(&arena), 0);
	engine_env_native(arena, &env);
	assert_int_equal(env.arena, (uint64_t)(uintptr_t)arena->hdr);
	assert_int_equal(env.guard_slow, 0);
	rt_state.arena = env.arena;
	map_make(arena, BPF_MAP_TYPE_ARRAY, 16, 1);
	value = shm_ptr(arena, the_map->shm->values, 16);

	assert_int_equal(load_with_map("value r1, 7, 8\nldxdw r0, [r1+0]\nadd r0, 1\n"
				       "stxdw [r1+0], r0\nexit\n",
				       arena, &p, &d),
			 0);
	assert_int_equal(p->nmaps, 1);
	assert_int_not_equal(p->stats, 0);
	value[1] = 41;
	assert_int_equal(run_jit(p, &env)(0, 0), 42);
	assert_int_equal(run_interp(p, &env, 0, 0), 43);
	program_put(p);
	assert_int_equal(the_map->refs, 1);

	assert_int_equal(load_with_map("stw [r10-4], 0\nmov r2, r10\nadd r2, -4\nmap r1, 7\n"
				       "call 1\njeq r0, 0, end\nldxdw r0, [r0+8]\nend: exit\n",
				       arena, &p, &d),
			 0);
	assert_int_equal(run_jit(p, &env)(0, 0), 43);
	assert_int_equal(run_interp(p, &env, 0, 0), 43);
	program_put(p);

	assert_int_equal(load_with_map("map r1, 8\nexit\n", arena, &p, &d), -EACCES);
	assert_non_null(strstr(d.text, "descriptor 8"));
	assert_int_equal(load_with_map("value r1, 7, 16\nexit\n", arena, &p, &d), -EACCES);
	map_put(the_map);
	map_make(arena, BPF_MAP_TYPE_ARRAY, 16, 2);
	assert_int_equal(load_with_map("value r1, 7, 0\nexit\n", arena, &p, &d), -ENOTSUP);
	assert_int_equal(the_map->refs, 1);
	map_put(the_map);
	arena_destroy(arena);
}

/* -- bodies, in a trampoline's stead ------------------------------------------------------ */

/*
 * uint64_t f(const uint64_t ctx[6]): copies ctx[-2 .. 3] into its frame, runs the body once,
 * returns r0, or -77 when the body was skipped.
 */
#define FRAME_BYTES 1024
#define CTX_OFF     (-128)
#define SCRATCH_OFF (-200)
#define ROOM_OFF    (-800)

static jit_fn make_frame(const struct tramp_body *b, unsigned kind, uint64_t cookie)
{
	struct tramp_env t = { .ctx = CTX_OFF,
			       .cookie = cookie,
			       .kind = kind,
			       .scratch = SCRATCH_OFF,
			       .room = ROOM_OFF };
	struct x86_asm a;
	x86_label end;

	run_asm(&a);
	t.entry = x86_label_new(&a);
	t.skip = x86_label_new(&a);
	end = x86_label_new(&a);
	for (unsigned c = 0; b->emit_cold && c < BODY_COLD; c++)
		t.cold[c] = x86_label_new(&a);
	x86_push(&a, RBP);
	x86_mov_rr(&a, RBP, RSP);
	x86_alu_ri(&a, X86_SUB, X86_Q, RSP, FRAME_BYTES);
	for (int k = -2; k < 4; k++) {
		x86_load(&a, X86_Q, RAX, X86_MEM(RDI, 8 * k));
		x86_store(&a, X86_Q, X86_MEM(RBP, CTX_OFF + 8 * k), RAX);
	}
	run_keep(&a, ROOM_OFF - 200, false);
	b->emit(&a, &t, b->self);
	x86_jmp(&a, end);
	x86_bind(&a, t.skip);
	x86_mov_ri(&a, RAX, (uint64_t)-77);
	x86_bind(&a, end);
	run_keep(&a, ROOM_OFF - 200, true);
	x86_leave(&a);
	x86_ret(&a);
	if (b->emit_cold)
		b->emit_cold(&a, &t, b->self);
	if (b->emit_rest)
		b->emit_rest(&a, &t, b->self);
	return (jit_fn)(uintptr_t)run_asm_finish(&a, NULL);
}

/* In front of ctx[0]: address of the function, number of slots. */
static uint64_t ctx_words[8] = { 0xf00d, 3, 10, 20, 30, 40 };
#define CTX ((uint64_t)(uintptr_t)(ctx_words + 2))

/* Compiled and interpreted. */
static uint64_t run_body(enum program_kind kind, const char *text, uint64_t cookie)
{
	struct interp_opts o = { .checked = true, .cookie = cookie };
	struct program *p = run_load_text(kind, text);
	uint64_t got, want = 0;
	struct engine_body *b;
	struct engine_env env;
	struct diag d = { "" };

	engine_env_native(NULL, &env);
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	got = make_frame(engine_body(b), kind, cookie)(CTX, 0);
	if (interp_run(p, &env, CTX, 0, &o, &want, &d))
		fail_msg("%s", d.text);
	assert_int_equal(got, want);
	engine_body_free(b);
	engine_body_free(NULL);
	env.interp = slab_symbol("interp_enter");
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	assert_int_equal(engine_body(b)->facts.clobbers, X86_CALLER_SAVED);
	assert_int_equal(make_frame(engine_body(b), kind, cookie)(CTX, 0), want);
	engine_body_free(b);
	program_put(p);
	return got;
}

static void test_body_context(void **state)
{
	const char *arg = "stdw [r10-8], 0\nmov r2, 2\nmov r3, r10\nadd r3, -8\ncall 183\n"
			  "ldxdw r1, [r10-8]\nadd r0, r1\nexit\n";
	const char *arg3 = "mov r2, 3\nmov r3, r10\nadd r3, -8\ncall 183\nexit\n";
	const char *ret = "stdw [r10-8], 0\nmov r2, r10\nadd r2, -8\ncall 184\n"
			  "ldxdw r1, [r10-8]\nadd r0, r1\nexit\n";

	assert_int_equal(run_body(PROGRAM_FENTRY, "ldxdw r0, [r1+8]\nexit\n", 0), 20);
	assert_int_equal(run_body(PROGRAM_FENTRY, "call 174\nexit\n", 0xabcdef0123), 0xabcdef0123);
	assert_int_equal(run_body(PROGRAM_FENTRY, "call 173\nexit\n", 0), 0xf00d);
	assert_int_equal(run_body(PROGRAM_FEXIT, "call 185\nexit\n", 0), 3);
	assert_int_equal(run_body(PROGRAM_FENTRY, arg, 0), 30);
	assert_int_equal(run_body(PROGRAM_FEXIT, arg3, 0), -EINVAL);
	assert_int_equal(run_body(PROGRAM_FEXIT, ret, 0), 40);
	assert_int_equal(run_body(PROGRAM_FMOD_RET, ret, 0), 40);
	assert_int_equal(run_body(PROGRAM_FENTRY, ret, 0), -EOPNOTSUPP);
}

static void test_body_needs_its_helpers(void **state)
{
	struct program *p = run_load_text(PROGRAM_FENTRY, "call 14\nexit\n");
	struct engine_env env = { 0 };
	struct engine_body *b;

	assert_int_equal(engine_body_new(p, &env, &b), -ENOTSUP);
	env.helper[14] = 1;
	env.guard_slow = 1;
	assert_int_equal(engine_body_new(p, &env, &b), -EINVAL); /* no statistics */
	program_put(p);
}

static void test_body_clobbers(void **state)
{
	struct program *leaf = run_load_text(PROGRAM_FENTRY, "mov r3, 1\nmov r0, 0\nexit\n");
	struct program *caller = run_load_text(PROGRAM_FENTRY, "call 5\nmov r0, 0\nexit\n");
	struct engine_body *b;
	struct engine_env env;

	engine_env_native(NULL, &env);
	assert_int_equal(engine_body_new(leaf, &env, &b), 0);
	assert_int_equal(engine_body(b)->facts.clobbers,
			 X86_REG(RAX) | X86_REG(RDI) | X86_REG(RDX));
	engine_body_free(b);
	assert_int_equal(engine_body_new(caller, &env, &b), 0);
	assert_int_equal(engine_body(b)->facts.clobbers, X86_CALLER_SAVED);
	engine_body_free(b);
	program_put(leaf);
	program_put(caller);
}

/* -- the recursion guard -------------------------------------------------------------------- */

static struct program *guarded;
static jit_fn guarded_fn;
static unsigned nested, runs;

static uint64_t call_again(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	runs++;
	if (nested) {
		nested--;
		return guarded_fn(CTX, 0);
	}
	return 5;
}

static void guard_world(struct arena *arena, struct engine_env *env)
{
	rt_state.arena = (uint64_t)(uintptr_t)arena->hdr;
	rt_state.threads = (uint64_t)(uintptr_t)mmap(NULL, SHM_MAX_THREADS * RT_THREAD_SIZE,
						     PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rt_state.tls_off = rt_tls_offset();
	engine_env_native(arena, env);
	env->guard_slow = (uint64_t)(uintptr_t)rt_guard_slow;
	env->first = (uint64_t)(uintptr_t)rt_first;
	env->tls_off = rt_state.tls_off;
	env->helper[BPF_FUNC_ktime_get_ns] = (uint64_t)(uintptr_t)call_again;
}

static void test_guard(void **state)
{
	struct bpf_insn insn[] = { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
				   INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 100),
				   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	struct program_attr attr = { .kind = PROGRAM_FENTRY, .insn = insn, .ninsns = 3 };
	struct shm_prog *stats;
	struct engine_body *b;
	struct engine_env env;
	struct rt_thread *t;
	struct arena *arena;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	attr.arena = arena;
	assert_int_equal(program_load(&attr, &guarded, NULL), 0);
	stats = shm_ptr(arena, guarded->stats, sizeof(*stats));
	assert_int_equal(engine_body_new(guarded, &env, &b), 0);
	assert_int_equal(engine_body(b)->facts.clobbers, X86_CALLER_SAVED);
	guarded_fn = make_frame(engine_body(b), 0, 0);

	/* the thread registers itself at its first hit */
	assert_int_equal(guarded_fn(CTX, 0), 105);
	t = rt_thread_self();
	assert_non_null(t);
	assert_int_equal(t->depth, 0);
	assert_int_equal(guarded_fn(CTX, 0), 105);
	assert_int_equal(stats->missed, 0);

	/* itself once more: skipped, counted, and the outer one goes on */
	nested = 1, runs = 0;
	assert_int_equal(guarded_fn(CTX, 0), (uint64_t)-77 + 100);
	assert_int_equal(runs, 1);
	assert_int_equal(stats->missed, 1);
	assert_int_equal(t->depth, 0);

	/* another program runs above us: we run, and leave it there */
	t->depth = 1;
	t->running[0] = (struct rt_running){ 999999, UINT64_MAX };
	assert_int_equal(guarded_fn(CTX, 0), 105);
	assert_int_equal(t->depth, 1);

	/* we, left behind by siglongjmp: its frame lies below */
	t->running[0] = (struct rt_running){ guarded->id, 16 };
	assert_int_equal(guarded_fn(CTX, 0), 105);
	assert_int_equal(t->depth, 0);

	/* a block wiped by fork */
	t->magic = 0;
	assert_int_equal(guarded_fn(CTX, 0), 105);
	assert_int_equal(rt_thread_self()->depth, 0);
	assert_int_equal(stats->missed, 1);

	engine_body_free(b);
	program_put(guarded);
	arena_destroy(arena);
}

/* -- the same on two threads ------------------------------------------------------------------ */

static void *run_guarded(void *arg)
{
	*(uint64_t *)arg = guarded_fn(CTX, 0);
	return NULL;
}

/* While it runs here, it runs on another thread, too. */
static uint64_t call_elsewhere(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint64_t r0 = 0;
	pthread_t t;

	if (!nested)
		return 5;
	nested = 0;
	pthread_create(&t, NULL, run_guarded, &r0);
	pthread_join(t, NULL);
	return r0;
}

static void test_guard_is_per_thread(void **state)
{
	struct bpf_insn insn[] = { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
				   INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 100),
				   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	struct program_attr attr = { .kind = PROGRAM_FENTRY, .insn = insn, .ninsns = 3 };
	struct shm_prog *stats;
	struct engine_body *b;
	struct engine_env env;
	struct arena *arena;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	env.helper[BPF_FUNC_ktime_get_ns] = (uint64_t)(uintptr_t)call_elsewhere;
	__asm__ volatile("movq $0, %%fs:(%0)" : : "r"((int64_t)env.tls_off) : "memory");
	attr.arena = arena;
	assert_int_equal(program_load(&attr, &guarded, NULL), 0);
	stats = shm_ptr(arena, guarded->stats, sizeof(*stats));
	assert_int_equal(engine_body_new(guarded, &env, &b), 0);
	guarded_fn = make_frame(engine_body(b), 0, 0);
	nested = 1;
	assert_int_equal(guarded_fn(CTX, 0), 205);
	assert_int_equal(stats->missed, 0);
	assert_int_equal(rt_thread_self()->depth, 0);

	engine_body_free(b);
	program_put(guarded);
	arena_destroy(arena);
}

/* One that may run inside itself does, on a registered thread; nothing is missed. */
static void test_reentrant(void **state)
{
	struct bpf_insn insn[] = { INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
				   INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 100),
				   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	struct program_attr attr = {
		.kind = PROGRAM_FENTRY, .insn = insn, .ninsns = 3, .reentrant = true
	};
	struct shm_prog *stats;
	struct engine_body *b;
	struct engine_env env;
	struct arena *arena;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	__asm__ volatile("movq $0, %%fs:(%0)" : : "r"((int64_t)env.tls_off) : "memory");
	attr.arena = arena;
	assert_int_equal(program_load(&attr, &guarded, NULL), 0);
	stats = shm_ptr(arena, guarded->stats, sizeof(*stats));
	assert_int_equal(engine_body_new(guarded, &env, &b), 0);
	guarded_fn = make_frame(engine_body(b), 0, 0);
	nested = 3, runs = 0;
	assert_int_equal(guarded_fn(CTX, 0), 405);
	assert_int_equal(runs, 4);
	assert_int_equal(rt_thread_self()->depth, 0);

	/* a block wiped by fork */
	rt_thread_self()->magic = 0;
	assert_int_equal(guarded_fn(CTX, 0), 105);
	assert_int_equal(rt_thread_self()->magic, RT_THREAD_MAGIC);
	assert_int_equal(stats->missed, 0);

	engine_body_free(b);
	program_put(guarded);
	arena_destroy(arena);
}

/* -- lookups in line ------------------------------------------------------------------------- */

#define LOOKUP "ldxdw r2, [r1+0]\nstxw [r10-4], r2\nmov r2, r10\nadd r2, -4\nmap r1, 7\n"

/* r0 of a body for ctx[0] = index. */
static uint64_t look_up(const struct engine_body *b, uint32_t index)
{
	uint64_t words[6] = { 0, 1, index };

	return make_frame(engine_body(b), 0, 0)((uint64_t)(uintptr_t)(words + 2), 0);
}

static void check_lookups(struct arena *arena, const struct engine_env *env, uint32_t type,
			  uint32_t value_size, uint32_t entries)
{
	uint32_t index[] = { 0, 1, entries - 1, entries, entries + 1, INT32_MAX, UINT32_MAX };
	struct diag d = { "" };
	struct engine_body *b;
	struct program *p;

	map_make(arena, type, value_size, entries);
	assert_int_equal(load_with_map(LOOKUP "call 1\nexit\n", arena, &p, &d), 0);
	assert_int_equal(engine_body_new(p, env, &b), 0);
	for (unsigned k = 0; k < ARRAY_LEN(index); k++) {
		uint64_t want = rt_map_lookup_elem(the_map->shm, &index[k]);

		assert_int_equal(look_up(b, index[k]), want);
		assert_int_equal(!want, index[k] >= entries);
	}
	engine_body_free(b);
	program_put(p);
	map_put(the_map);
}

static uint64_t not_called(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return 0xbad;
}

static void test_lookup_in_line(void **state)
{
	static const uint32_t size[] = { 1, 8, 12, 16, 40, 64, 1000 }, count[] = { 1, 3, 100 };
	struct engine_env env;
	struct arena *arena;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	rt_thread_self();
	env.helper[1] = (uint64_t)(uintptr_t)not_called;
	for (unsigned s = 0; s < ARRAY_LEN(size); s++)
		for (unsigned c = 0; c < ARRAY_LEN(count); c++) {
			check_lookups(arena, &env, BPF_MAP_TYPE_ARRAY, size[s], count[c]);
			check_lookups(arena, &env, BPF_MAP_TYPE_PERCPU_ARRAY, size[s], count[c]);
		}
	arena_destroy(arena);
}

/* Where r1 may be another map, or the thread may have no block, the helper is called. */
static void test_lookup_called(void **state)
{
	static const char *const text[] = {
		LOOKUP "mov r1, r1\ncall 1\nexit\n",
		LOOKUP "jeq r2, 0, +0\ncall 1\nexit\n",
		LOOKUP "call 1\nmov r1, 0\nmov r2, 0\ncall 1\nexit\n",
	};
	struct engine_env env;
	struct diag d = { "" };
	struct engine_body *b;
	struct arena *arena;
	struct program *p;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	env.helper[1] = (uint64_t)(uintptr_t)not_called;
	map_make(arena, BPF_MAP_TYPE_ARRAY, 8, 4);
	for (unsigned k = 0; k < ARRAY_LEN(text); k++) {
		assert_int_equal(load_with_map(text[k], arena, &p, &d), 0);
		assert_int_equal(engine_body_new(p, &env, &b), 0);
		assert_int_equal(look_up(b, 1), 0xbad);
		engine_body_free(b);
		program_put(p);
	}
	map_put(the_map);

	map_make(arena, BPF_MAP_TYPE_PERCPU_ARRAY, 8, 4);
	env.guard_slow = 0;
	assert_int_equal(load_with_map(LOOKUP "call 1\nexit\n", arena, &p, &d), 0);
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	assert_int_equal(look_up(b, 1), 0xbad);
	engine_body_free(b);
	program_put(p);
	map_put(the_map);
	arena_destroy(arena);
}

/* A thread that finds no slot runs no program. */
static void test_guard_without_slot(void **state)
{
	struct bpf_insn insn[] = { INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
				   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	struct program_attr attr = { .kind = PROGRAM_FMOD_RET, .insn = insn, .ninsns = 2 };
	struct engine_body *b;
	struct engine_env env;
	struct program *p;
	struct arena *arena;
	struct x86_asm a;
	uint8_t *none;

	assert_int_equal(arena_create(&arena), 0);
	guard_world(arena, &env);
	none = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	assert_true(none != MAP_FAILED);
	x86_asm_init(&a, none, NULL, 4096, (uint64_t)(uintptr_t)none);
	x86_mov_ri(&a, RAX, 0);
	x86_ret(&a);
	assert_true(x86_asm_finish(&a) > 0);
	env.first = (uint64_t)(uintptr_t)none;
	__asm__ volatile("movq $0, %%fs:(%0)" : : "r"((int64_t)env.tls_off) : "memory");
	attr.arena = arena;
	for (int reentrant = 0; reentrant < 2; reentrant++) {
		attr.reentrant = reentrant;
		assert_int_equal(program_load(&attr, &p, NULL), 0);
		assert_int_equal(engine_body_new(p, &env, &b), 0);
		assert_int_equal(make_frame(engine_body(b), 0, 0)(CTX, 0), -77);
		engine_body_free(b);
		program_put(p);
	}
	munmap(none, 4096);
	arena_destroy(arena);
}

/* What a program's own code keeps where; see bpf/jit.h. */
static void test_frame_names(void **state)
{
	static const struct {
		int32_t off;
		const char *name;
	} rows[] = { { -8, "" },
		     { -16, "saved rbx" },
		     { -24, "saved r12" },
		     { -32, "saved r13" },
		     { -40, "saved r14" },
		     { -48, "r10" },
		     { -49, "r10 - 1" },
		     { -560, "r10 - 512" },
		     { 0, "" },
		     { 8, "" } };
	char text[32], cut[4];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].name);

		assert_int_equal(engine_frame_name(rows[i].off, text, sizeof(text)), n);
		assert_string_equal(text, rows[i].name);
		assert_int_equal(engine_frame_name(rows[i].off, cut, sizeof(cut)), n < 4 ? n : 3);
		assert_int_equal(engine_frame_name(rows[i].off, NULL, 0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_names),
		cmocka_unit_test(test_stack_of_512_bytes),
		cmocka_unit_test(test_leaf_has_no_frame),
		cmocka_unit_test(test_frame_states),
		cmocka_unit_test(test_helper_arguments_and_alignment),
		cmocka_unit_test(test_helper_near),
		cmocka_unit_test(test_jit_without_helper_fails),
		cmocka_unit_test(test_jit_buffer_full),
		cmocka_unit_test(test_interp_errors),
		cmocka_unit_test(test_interp_ranges),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_body_context),
		cmocka_unit_test(test_body_needs_its_helpers),
		cmocka_unit_test(test_body_clobbers),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_guard_is_per_thread),
		cmocka_unit_test(test_reentrant),
		cmocka_unit_test(test_lookup_in_line),
		cmocka_unit_test(test_lookup_called),
		cmocka_unit_test(test_guard_without_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
