/*
 * inline_test.c - programs that stand at their call site: which do, what they change, that
 * they do what the interpreter does, and that only those go without a guard of which an
 * interruption cannot see a half.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/jit.h"
#include "rt/rt.h"
#include "shm/arena.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CTX_OFF     (-128)
#define SCRATCH_OFF (-200)
#define AFTER_OFF   (-400) /* rax .. r15 behind the body */
#define KEEP_OFF    (-600) /* rbx, r12 .. r14, which bodies may change */
#define ROOM_OFF    (-1200)
#define FRAME_BYTES 1536
#define VALUE_BYTES 64

static struct arena *arena;
static struct map *map;
static struct engine_env env;
static uint8_t *value;
static uint64_t after[16];

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? map : NULL;
}

static int setup(void **state)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = 4,
				 .value_size = VALUE_BYTES,
				 .max_entries = 1,
				 .name = "data" };

	if (arena_create(&arena) || map_create(arena, &attr, &map, NULL))
		return -1;
	rt_state.arena = (uint64_t)(uintptr_t)arena->hdr;
	rt_state.threads = (uint64_t)(uintptr_t)mmap(NULL, SHM_MAX_THREADS * RT_THREAD_SIZE,
						     PROT_READ | PROT_WRITE,
						     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rt_state.tls_off = rt_tls_offset();
	engine_env_native(arena, &env);
	env.guard_slow = (uint64_t)(uintptr_t)rt_guard_slow;
	env.first = (uint64_t)(uintptr_t)rt_first;
	env.tls_off = rt_state.tls_off;
	value = shm_ptr(arena, map->shm->values, VALUE_BYTES);
	return 0;
}

static int teardown(void **state)
{
	map_put(map);
	arena_destroy(arena);
	return 0;
}

static struct program *load(enum program_kind kind, const struct bpf_insn *insn, unsigned n)
{
	struct program_attr attr = { .kind = kind,
				     .insn = insn,
				     .ninsns = n,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = 3 };
	struct program *p;
	struct diag d = { "" };

	if (program_load(&attr, &p, &d))
		fail_msg("%s", d.text);
	return p;
}

static struct program *load_text(enum program_kind kind, const char *text)
{
	struct bpf_insn insn[128];
	char err[128];
	int n = asmtext_parse(text, insn, 128, err, sizeof(err));

	if (n < 0)
		fail_msg("%s", err);
	return load(kind, insn, (unsigned)n);
}

/* -- which, and what they change ----------------------------------------------------------- */

#define COUNT "value r1, 7, 8\nldxdw r2, [r1+0]\nadd r2, 1\nstxdw [r1+0], r2\n"
#define EXIT  "mov r0, 0\nexit\n"
#define DI    X86_REG(RDI)
#define SI    X86_REG(RSI)
#define DX    X86_REG(RDX)
#define AX    X86_REG(RAX)

static const struct which {
	const char *text;
	bool in_line, one_step;
	x86_regset clobbers; /* guard's included */
	enum program_kind kind;
} rows[] = {
	{ EXIT, true, true, 0, PROGRAM_FENTRY },
	{ COUNT EXIT, true, true, DI, PROGRAM_FENTRY },
	{ COUNT EXIT, true, true, DI, PROGRAM_FEXIT },
	{ COUNT EXIT, true, false, AX | DI, PROGRAM_FMOD_RET },
	{ COUNT EXIT, false, false, AX | DI | SI, PROGRAM_FSESSION },
	/* the sum is read again: three instructions */
	{ COUNT "stxdw [r1+8], r2\n" EXIT, true, false, AX | DI | SI, PROGRAM_FENTRY },
	{ COUNT "mov r0, r2\nexit\n", true, false, AX | DI | SI, PROGRAM_FEXIT },
	/* somebody jumps into their middle, or behind them where it is read */
	{ "mov r2, 0\nvalue r1, 7, 8\njeq r2, 1, in\nldxdw r2, [r1+0]\n"
	  "in: add r2, 1\nstxdw [r1+0], r2\n" EXIT,
	  true, false, AX | DI | SI, PROGRAM_FENTRY },
	{ "mov r0, 0\n" COUNT "jeq r0, 0, +1\nstxdw [r1+8], r2\n" EXIT, true, false, AX | DI | SI,
	  PROGRAM_FENTRY },
	/* not the same word */
	{ "value r1, 7, 8\nldxdw r2, [r1+0]\nadd r2, 1\nstxdw [r1+8], r2\n" EXIT, true, false,
	  AX | DI | SI, PROGRAM_FENTRY },
	{ "value r1, 7, 8\nldxdw r2, [r1+0]\nadd r2, 1\nstxw [r1+0], r2\n" EXIT, true, false,
	  AX | DI | SI, PROGRAM_FENTRY },
	{ "value r1, 7, 8\nldxdw r2, [r1+0]\nadd32 r2, 1\nstxdw [r1+0], r2\n" EXIT, true, false,
	  AX | DI | SI, PROGRAM_FENTRY },
	{ "value r1, 7, 8\nldxdw r1, [r1+0]\nadd r1, 1\nstxdw [r1+0], r1\n" EXIT, true, false,
	  AX | DI, PROGRAM_FENTRY },
	{ "value r1, 7, 8\nldxw r2, [r1+0]\nadd32 r2, 1\nstxw [r1+0], r2\n" EXIT, true, true, DI,
	  PROGRAM_FENTRY },
	/* two words; an argument is no word of the map's */
	{ COUNT COUNT EXIT, true, false, AX | DI, PROGRAM_FENTRY },
	{ "ldxdw r2, [r1+8]\nvalue r1, 7, 0\nstxdw [r1+0], r2\n" EXIT, true, true, DI | SI,
	  PROGRAM_FENTRY },
	{ "ldxdw r2, [r1+8]\njne r2, 5, +5\n" COUNT EXIT, true, true, DI | SI, PROGRAM_FENTRY },
	{ "value r1, 7, 0\nldxdw r2, [r1+8]\nstxdw [r1+0], r2\n" EXIT, true, false, AX | DI | SI,
	  PROGRAM_FENTRY },
	{ "mov r3, r1\nldxdw r2, [r3+8]\nvalue r1, 7, 0\nstxdw [r1+0], r2\n" EXIT, true, false,
	  AX | DI | SI | DX, PROGRAM_FENTRY },
	/* one of the hardware, or a loop around it */
	{ "value r1, 7, 0\nmov r2, 1\nlock add [r1+0], r2\n" EXIT, true, true,
	  DI | SI | JIT_SCRATCH, PROGRAM_FENTRY },
	{ "value r1, 7, 0\nmov r2, 1\nlock fetch_xor [r1+0], r2\n" EXIT, true, false,
	  AX | DI | SI | JIT_SCRATCH, PROGRAM_FENTRY },
	{ "mov r2, 3\nvalue r1, 7, 0\nl: stxdw [r1+0], r2\nsub r2, 1\njne r2, 0, l\n" EXIT, true,
	  false, AX | DI | SI, PROGRAM_FENTRY },
	/* what the trampoline keeps, its frame's stack */
	{ "mov r6, 1\n" EXIT, true, true, 0, PROGRAM_FENTRY },
	{ "ldxdw r6, [r1+8]\nvalue r1, 7, 0\nstxdw [r1+0], r6\n" EXIT, true, true,
	  DI | X86_REG(RBX), PROGRAM_FENTRY },
	{ "stdw [r10-8], 1\n" EXIT, true, true, 0, PROGRAM_FENTRY },
	{ "stxdw [r10-8], r10\n" EXIT, true, true, JIT_SCRATCH, PROGRAM_FENTRY },
	{ "mov r2, r10\nadd r2, -8\nstdw [r2+0], 1\n" EXIT, true, true, SI, PROGRAM_FENTRY },
	{ "mov r2, 8\nsub r2, r10\njeq r2, 1, +1\nstdw [r10-8], 1\n" EXIT, true, true,
	  DI | SI | JIT_SCRATCH, PROGRAM_FENTRY },
	/* calls: in line themselves, or not */
	{ "call 14\nexit\n", true, false, AX | DI, PROGRAM_FENTRY },
	{ "stw [r10-4], 0\nmov r2, r10\nadd r2, -4\nmap r1, 7\ncall 1\nexit\n", true, false,
	  AX | DI | SI | X86_REG(R11), PROGRAM_FENTRY },
	{ "stw [r10-4], 0\nmov r2, r10\nadd r2, -4\nmap r1, 7\njeq r2, 0, +0\ncall 1\nexit\n", true,
	  false, X86_CALLER_SAVED, PROGRAM_FENTRY },
	{ "call 5\nexit\n", true, false, X86_CALLER_SAVED, PROGRAM_FENTRY },
	{ "call local f\nexit\nf: mov r0, 0\nexit\n", false, false, X86_CALLER_SAVED,
	  PROGRAM_FENTRY },
};

static void test_which(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = load_text(rows[i].kind, rows[i].text);
		const struct tramp_body *t;
		struct engine_body *b;

		assert_int_equal(engine_body_new(p, &env, &b), 0);
		t = engine_body(b);
		if (!t->emit_rest != rows[i].in_line || !t->emit_cold != rows[i].one_step ||
		    t->facts.clobbers != rows[i].clobbers ||
		    t->facts.any_stack != (rows[i].in_line && rows[i].clobbers != X86_CALLER_SAVED))
			fail_msg("%zu: in line %d, one step %d, clobbers %#x\n%s", i, !t->emit_rest,
				 !t->emit_cold, t->facts.clobbers, rows[i].text);
		assert_int_equal(t->facts.no_frame,
				 rows[i].one_step && !p->sub[0].stack &&
					 !jit_inline_wants_ctx(p, p->facts.direct));
		engine_body_free(b);
		program_put(p);
	}
}

/* Longer ones are called. */
static void test_length(void **state)
{
	struct bpf_insn insn[JIT_INLINE_MAX_INSNS + 2];

	for (unsigned n = JIT_INLINE_MAX_INSNS - 1; n <= JIT_INLINE_MAX_INSNS + 2; n++) {
		struct program *p;

		for (unsigned i = 0; i < n - 1; i++)
			insn[i] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, i);
		insn[n - 1] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		p = load(PROGRAM_FENTRY, insn, n);
		assert_int_equal(jit_may_inline(p), n <= JIT_INLINE_MAX_INSNS);
		program_put(p);
	}
}

/* -- what they do ---------------------------------------------------------------------------- */

/* What a body may change. */
#define CHANGED \
	((x86_regset)(X86_CALLER_SAVED | X86_REG(RBX) | X86_REG(R12) | X86_REG(R13) | X86_REG(R14)))

static uint64_t before(unsigned r)
{
	return 0x1122334455667700ull + r;
}

/* uint64_t f(const uint64_t *ctx): all registers but rsp, rbp and rdi are before() at first. */
static uint64_t run_body(const struct tramp_body *b, const uint64_t *ctx)
{
	static const uint8_t kept[] = { RBX, R12, R13, R14 };
	struct tramp_env t = { .ctx = CTX_OFF, .scratch = SCRATCH_OFF, .room = ROOM_OFF };
	struct x86_asm a;

	run_asm(&a);
	t.entry = x86_label_new(&a);
	t.skip = x86_label_new(&a);
	for (unsigned c = 0; b->emit_cold && c < BODY_COLD; c++)
		t.cold[c] = x86_label_new(&a);
	x86_push(&a, RBP);
	x86_mov_rr(&a, RBP, RSP);
	x86_alu_ri(&a, X86_SUB, X86_Q, RSP, FRAME_BYTES);
	for (int k = -2; k < 4; k++) {
		x86_load(&a, X86_Q, RAX, X86_MEM(RDI, 8 * k));
		x86_store(&a, X86_Q, X86_MEM(RBP, CTX_OFF + 8 * k), RAX);
	}
	for (int k = 0; k < 4; k++)
		x86_store(&a, X86_Q, X86_MEM(RBP, KEEP_OFF + 8 * k), (enum x86_gpr)kept[k]);
	for (unsigned r = RAX; r <= R14; r++) {
		if (CHANGED & X86_REG(r))
			x86_mov_ri(&a, (enum x86_gpr)r, before(r));
	}
	b->emit(&a, &t, b->self);
	x86_bind(&a, t.skip);
	for (unsigned r = RAX; r <= R15; r++)
		x86_store(&a, X86_Q, X86_MEM(RBP, AFTER_OFF + 8 * (int32_t)r), (enum x86_gpr)r);
	x86_mov_ri(&a, RCX, (uint64_t)(uintptr_t)after);
	for (int r = R15; r >= RAX; r--) {
		x86_load(&a, X86_Q, RAX, X86_MEM(RBP, AFTER_OFF + 8 * r));
		x86_store(&a, X86_Q, X86_MEM(RCX, 8 * r), RAX);
	}
	for (int k = 0; k < 4; k++)
		x86_load(&a, X86_Q, (enum x86_gpr)kept[k], X86_MEM(RBP, KEEP_OFF + 8 * k));
	x86_leave(&a);
	x86_ret(&a);
	if (b->emit_cold)
		b->emit_cold(&a, &t, b->self);
	if (b->emit_rest)
		b->emit_rest(&a, &t, b->self);
	return ((jit_fn)(uintptr_t)run_asm_finish(&a, NULL))((uint64_t)(uintptr_t)ctx, 0);
}

static void check_registers(const struct tramp_body *b)
{
	for (unsigned r = RAX; r <= R14; r++) {
		if (CHANGED & (x86_regset)~b->facts.clobbers & X86_REG(r) && after[r] != before(r))
			fail_msg("register %u is changed, and not said so", r);
	}
}

/* In both engines, from the same memory: the same memory, and for fmod_ret the same r0. */
static void check_run(struct program *p)
{
	static const uint64_t words[6] = { 0xf00d, 3, 11, 22, UINT64_MAX };
	uint8_t was[VALUE_BYTES], want[VALUE_BYTES];
	struct engine_body *b;
	uint64_t r0, got;

	memcpy(was, value, VALUE_BYTES);
	r0 = run_interp(p, &env, (uint64_t)(uintptr_t)(words + 2), 0);
	memcpy(want, value, VALUE_BYTES);
	memcpy(value, was, VALUE_BYTES);
	assert_int_equal(engine_body_new(p, &env, &b), 0);
	got = run_body(engine_body(b), words + 2);
	assert_memory_equal(value, want, VALUE_BYTES);
	if (p->kind == PROGRAM_FMOD_RET)
		assert_int_equal(got, r0);
	check_registers(engine_body(b));
	engine_body_free(b);
}

static uint64_t seed = 0x51ede5;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

#define BASE 3 /* the value's address; r1 is ctx */

static unsigned a_register(void)
{
	static const uint8_t reg[] = { 0, 2, 4, 5, 6, 7, 8, 9 };

	return reg[rnd(8)];
}

/* One to three instructions; jumps lead over `left` at most. */
static unsigned random_insns(struct bpf_insn *i, unsigned left)
{
	unsigned size = rnd(2) ? BPF_DW : BPF_W, off = 8 * rnd(VALUE_BYTES / 8);
	unsigned alu = (rnd(4) ? BPF_ALU64 : BPF_ALU) | BPF_ADD | BPF_K, r = a_register();
	static const uint8_t op[] = { BPF_ADD, BPF_XOR, BPF_LSH, BPF_DIV, BPF_MUL, BPF_MOV };

	switch (rnd(11)) {
	case 9: /* its stack, 8 to 64 bytes, written first */
		i[0] = INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, r, -8 * (int)(1 + rnd(8)), 0);
		return 1;
	case 10:
		i[0] = INSN(BPF_LDX | BPF_MEM | BPF_DW, r, BPF_REG_10, -8 * (int)(1 + rnd(8)), 0);
		return 1;
	case 0:
		i[0] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, rnd(1000));
		return 1;
	case 1:
		i[0] = INSN(BPF_ALU64 | op[rnd(6)] | BPF_X, r, a_register(), 0, 0);
		return 1;
	case 2:
		i[0] = INSN(BPF_LDX | BPF_MEM | size, r, BASE, off, 0);
		return 1;
	case 3:
		i[0] = INSN(BPF_STX | BPF_MEM | size, BASE, r, off, 0);
		return 1;
	case 4:
		i[0] = INSN(BPF_ST | BPF_MEM | size, BASE, 0, off, rnd(1000));
		return 1;
	case 5:
		i[0] = INSN(BPF_LDX | BPF_MEM | BPF_DW, r, BPF_REG_1, 8 * rnd(3), 0);
		return 1;
	case 6:
		i[0] = INSN(BPF_JMP | BPF_JGT | BPF_K, r, 0, rnd(left), rnd(1000));
		return 1;
	default:
		i[0] = INSN(BPF_LDX | BPF_MEM | size, r, BASE, off, 0);
		i[1] = INSN(alu, r, 0, 0, (int)rnd(1000) - 500);
		i[2] = INSN(BPF_STX | BPF_MEM | size, BASE, r, off, 0);
		return left > 4 ? 3 : 0;
	}
}

static void test_random(void **state)
{
	unsigned fused = 0, dropped = 0;

	for (unsigned k = 0; k < 3000; k++) {
		struct bpf_insn insn[80];
		unsigned n = 0, len = 22 + rnd(JIT_INLINE_MAX_INSNS - 26);
		struct program *p;

		for (unsigned r = 0; r < 8; r++)
			insn[n++] = INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0,
					 -8 * (int)(r + 1), rnd(100));
		for (unsigned r = 0; r < 10; r++) {
			if (r != BASE && r != 1)
				insn[n++] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, rnd(100));
		}
		insn[n++] = INSN(BPF_LD | BPF_IMM | BPF_DW, BASE, BPF_PSEUDO_MAP_VALUE, 0, 7);
		insn[n++] = INSN(0, 0, 0, 0, 0);
		while (n < len)
			n += random_insns(insn + n, len - n);
		insn[n++] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		p = load(k % 2 ? PROGRAM_FMOD_RET : PROGRAM_FENTRY, insn, n);
		assert_true(jit_may_inline(p));
		for (unsigned i = 0; i < p->ninsns; i++) {
			if (insn_is_lddw(&p->insn[i])) {
				i++;
				continue;
			}
			fused += jit_inline_fuses(p, i);
			dropped += jit_inline_drops(p, i, NULL);
		}
		for (unsigned i = 0; i < VALUE_BYTES; i++)
			value[i] = (uint8_t)rnd(256);
		check_run(p);
		program_put(p);
	}
	assert_true(fused > 500 && dropped > 500);
}

static int clock_in_line(int clock, struct timespec *t)
{
	*t = (struct timespec){ 1, 5 };
	return 0;
}

static uint64_t clock_called(void)
{
	return 4242;
}

/* A long program has one copy for each function: the clock's call is not in it. */
static void test_clock(void **state)
{
	static const uint64_t words[6] = { 0, 0, 1 };
	struct engine_env was = env;

	env.clock_gettime = (uint64_t)(uintptr_t)clock_in_line;
	env.helper[BPF_FUNC_ktime_get_ns] = (uint64_t)(uintptr_t)clock_called;
	for (unsigned n = JIT_INLINE_MAX_INSNS; n <= JIT_INLINE_MAX_INSNS + 1; n++) {
		struct bpf_insn insn[JIT_INLINE_MAX_INSNS + 1];
		struct engine_body *b;
		struct program *p;

		for (unsigned i = 0; i < n - 2; i++)
			insn[i] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, i);
		insn[n - 2] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns);
		insn[n - 1] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
		p = load(PROGRAM_FMOD_RET, insn, n);
		assert_int_equal(engine_body_new(p, &env, &b), 0);
		assert_int_equal(run_body(engine_body(b), words + 2),
				 n > JIT_INLINE_MAX_INSNS ? 4242 : 1000000005);
		engine_body_free(b);
		program_put(p);
	}
	env = was;
}

static _Thread_local int32_t told_cpu[3]; /* a word of 8 bytes may be read at [1] */

static uint64_t cpu_called(void)
{
	return 4242;
}

/* The processor's number where libc keeps it, where nobody does, and by a call where nothing is known. */
static void test_cpu(void **state)
{
	static const uint64_t words[6] = { 0, 0, 1 };
	static const struct {
		int32_t told;
		bool known, low; /* low: some processor's number */
	} row[] = { { 5, true, false }, { 0, true, false }, { 8191, true, false },
		    { -1, true, true }, { -2, true, true }, { 5, false, false } };
	struct program *p = load_text(PROGRAM_FMOD_RET, "call 8\nexit\n");
	struct engine_env was = env;
	uintptr_t tp;

	__asm__("movq %%fs:0, %0" : "=r"(tp));
	told_cpu[2] = -1;
	env.helper[BPF_FUNC_get_smp_processor_id] = (uint64_t)(uintptr_t)cpu_called;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct engine_body *b;
		uint64_t got;

		told_cpu[1] = row[i].told;
		env.rseq_cpu = row[i].known ? (int32_t)((uintptr_t)&told_cpu[1] - tp) : 0;
		assert_int_equal(engine_body_new(p, &env, &b), 0);
		got = run_body(engine_body(b), words + 2);
		check_registers(engine_body(b));
		if (row[i].low)
			assert_true(got < (uint64_t)sysconf(_SC_NPROCESSORS_CONF));
		else
			assert_int_equal(got, row[i].known ? row[i].told : 4242);
		engine_body_free(b);
	}
	env = was;
	program_put(p);
}

/* A program in line behind the guard's cold ways: first hit, and above another program. */
static void test_cold(void **state)
{
	struct program *p = load_text(PROGRAM_FMOD_RET, COUNT "mov r0, 9\nexit\n");
	struct shm_prog *stats = shm_ptr(arena, p->stats, sizeof(*stats));
	static const uint64_t words[6] = { 0, 0, 1 };
	uint64_t *n = (uint64_t *)(void *)value + 1;
	struct engine_body *b;
	struct rt_thread *t;

	assert_int_equal(engine_body_new(p, &env, &b), 0);
	__asm__ volatile("movq $0, %%fs:(%0)" : : "r"((int64_t)env.tls_off) : "memory");
	*n = 0;
	assert_int_equal(run_body(engine_body(b), words + 2), 9);
	check_registers(engine_body(b));
	t = rt_thread_self();
	t->depth = 1;
	t->running[0] = (struct rt_running){ 999999, UINT64_MAX };
	assert_int_equal(run_body(engine_body(b), words + 2), 9);
	check_registers(engine_body(b));
	assert_int_equal(t->depth, 1);
	assert_int_equal(*n, 2);
	/* it runs already */
	t->running[0].prog = p->id;
	run_body(engine_body(b), words + 2);
	check_registers(engine_body(b));
	assert_int_equal(*n, 2);
	assert_int_equal(stats->missed, 1);
	t->depth = 0;
	engine_body_free(b);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which), cmocka_unit_test(test_length),
		cmocka_unit_test(test_clock), cmocka_unit_test(test_random),
		cmocka_unit_test(test_cpu),   cmocka_unit_test(test_cold),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
