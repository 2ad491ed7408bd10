/*
 * same_test.c [PROGRAMS [FIRST]] - other words (same.h) say the same, and hide nothing from the kernel.
 *
 * A program and what same.h makes of it run side by side: wherever an instruction of the first begins, all registers
 * that it names hold the same in both, and in the end so do the maps.  First instructions one by one, at the edges of
 * what they work on, then programs of gen.h.
 *
 * Three programs stand for those of random_test.c that the ways are for; each has a twin that differs in one
 * instruction and is not safe.  We refuse it, and this kernel, if bpf(2) is allowed, refuses it in all words.
 */
#include "bpf/check.h"
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "bpf/verify.h"

#include "gen.h"
#include "kernel.h"
#include "same.h"
#include "world.h"

#include "../unit/bpf/asmtext.h"
#include "../unit/bpf/randprog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt/rt.h"

#define STACK \
	((PROGRAM_MAX_CALLS + 1) * \
	 PROGRAM_MAX_STACK) /* and as much above it, which helpers may read */
#define STEPS 100000        /* of one run; what takes longer is not compared */

static struct engine_env env;
static uint8_t *arena_was;
static size_t arena_bytes; /* of maps: programs get some, too, when they are loaded */
static unsigned failures;

/* One run, or the second of two: each step is compared with the first one's. */
struct trace {
	struct interp_watch watch;
	uint64_t step[STEPS];
	unsigned n;
	bool again;
	uint32_t regs; /* bits: which are compared */
	const int *
		origin; /* by instruction: that of the first program which begins here, or -1; NULL: itself */
};

static uint64_t mix(uint64_t h, uint64_t word)
{
	return (h ^ word) * 0x9e3779b97f4a7c15 ^ h >> 29;
}

/* The address of a function is another one in each image: the instruction it begins with stands for it. */
static uint64_t value_of(const struct trace *t, const struct interp *m, unsigned r)
{
	uint64_t off = m->r[r] - (uint64_t)(uintptr_t)m->p->insn, at = off / sizeof(*m->p->insn);

	if (at >= m->p->ninsns)
		return m->r[r];
	return t->origin ? (uint64_t)t->origin[at] : at;
}

static int before(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
	struct trace *t = (struct trace *)w;
	int at = t->origin ? t->origin[m->at] : (int)m->at;
	uint64_t h = mix(m->depth, (uint64_t)at);

	if (at < 0)
		return 0;
	for (unsigned r = 0; r <= INSN_FP; r++)
		if (t->regs >> r & 1)
			h = mix(h, value_of(t, m, r));
	if (t->n == STEPS)
		return -ELOOP;
	if (t->again && t->step[t->n] != h)
		return -EBADMSG;
	t->step[t->n++] = h;
	return 0;
}

static void after(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
}

static struct program *parse(const struct bpf_insn *insn, int n, struct diag *d)
{
	struct program_attr attr = world_attr(insn, n);
	struct program *p = NULL;

	return program_load(&attr, &p, d) ? NULL : p;
}

/*
 * 0: it ended.  -ENODATA: not to be had without the verifier, who knows that what reads a register that was never set
 * does not run.  Stacks are at the same places in each run, whatever functions need.
 */
static int run(const struct bpf_insn *insn, int n, const uint64_t *ctx, struct trace *t)
{
	static uint8_t stack[STACK + STACK] __attribute__((aligned(16)));
	static struct interp_frame frame[INTERP_FRAMES];
	struct interp m = { .frame = frame, .watch = &t->watch };
	struct diag d = { "" };
	struct program *p = parse(insn, n, &d);
	struct interp_image *image;
	int err;

	if (!p)
		return strstr(d.text, "was never set") ? -ENODATA : -EINVAL;
	for (uint32_t k = 0; k < p->nsub; k++)
		p->sub[k].stack = PROGRAM_MAX_STACK;
	image = malloc(interp_image_size(p));
	interp_image_write(p, &env, (uint64_t)(uintptr_t)image, image);
	memset(stack, 0, sizeof(stack));
	memcpy(world_arena->hdr, arena_was, arena_bytes);
	m.p = image;
	m.r[1] = (uint64_t)(uintptr_t)ctx;
	m.r[INSN_FP] = (uint64_t)(uintptr_t)(stack + STACK);
	t->watch = (struct interp_watch){ before, after };
	err = interp_go(&m, 20 * STEPS);
	free(image);
	program_put(p);
	return err;
}

static uint32_t named(const struct bpf_insn *insn, int n)
{
	uint32_t regs = 0x3f | 1u << INSN_FP;

	for (int i = 0; i < n; i += insn_is_lddw(&insn[i]) ? 2 : 1)
		regs |= 1u << insn[i].dst_reg | 1u << insn[i].src_reg;
	return regs;
}

/* 1: both ended alike; 0: no other words, or it takes too long; less than 0: they did not. */
static int alike(enum same_way way, const struct bpf_insn *insn, int n, const uint64_t *ctx)
{
	static struct bpf_insn other[SAME_MAX_INSNS];
	static int start[GEN_MAX_INSNS], origin[SAME_MAX_INSNS];
	static struct trace t;
	static uint8_t *arena_is;
	int m = same_program(way, insn, n, other, start), err;
	unsigned steps;

	if (!m)
		return 0;
	if (!arena_is)
		arena_is = malloc(arena_bytes);
	for (int i = 0; i < m; i++)
		origin[i] = -1;
	for (int i = 0; i < n; i += insn_is_lddw(&insn[i]) ? 2 : 1)
		origin[start[i]] = i;
	t.n = 0;
	t.regs = named(insn, n);
	t.again = false;
	t.origin = NULL;
	err = run(insn, n, ctx, &t);
	if (err)
		return err == -ELOOP || err == -ENODATA ? 0 : err;
	memcpy(arena_is, world_arena->hdr, arena_bytes);
	steps = t.n;
	t.n = 0;
	t.again = true;
	t.origin = origin;
	err = run(other, m, ctx, &t);
	if (!err && (t.n != steps || memcmp(arena_is, world_arena->hdr, arena_bytes)))
		err = -EBADMSG;
	return err == -ENODATA ? 0 : err ? err : 1;
}

/* The maps as they are now are those of each run; this thread is in the arena's table already. */
static void keep_arena(void)
{
	static struct trace t;
	struct bpf_insn insn[16];
	uint64_t words[2 + GEN_SLOTS] = { 0 };
	char err[128];
	int n = asmtext_parse("map r1, 2\nmov r2, 8\nmov r3, 0\ncall 131\njeq r0, 0, +3\n"
			      "mov r1, r0\nmov r2, 0\ncall 133\nmov r0, 0\nexit\n",
			      insn, 16, err, sizeof(err));

	arena_bytes = world_arena->next;
	arena_was = malloc(arena_bytes);
	memcpy(arena_was, world_arena->hdr, arena_bytes);
	if (n < 0 || run(insn, n, words + 2, &t))
		printf("Bail out! no ring\n");
	memcpy(arena_was, world_arena->hdr, arena_bytes);
}

static void check(bool right, unsigned nth, const char *what)
{
	failures += !right;
	printf("%sok %u - %s\n", right ? "" : "not ", nth, what);
}

/* What they are compared at: x, and numbers that instructions hold. */
static const uint64_t values[] = {
	0,           1,         2,          30,     31,         48,         49,
	0x7f,        0x80,      0xff,       0x100,  0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, INT64_MAX, 1ull << 63, -48ull, -2ull,      -1ull,
};
static const int imms[] = { 0, 1, 2, 31, 48, 0x7f, 0x80, INT32_MAX, -1, -2, -48, INT32_MIN };

#define NVALUES (sizeof(values) / sizeof(values[0]))
#define NIMMS   (sizeof(imms) / sizeof(imms[0]))

/* Did insn[]'s other words run alike at all x and, if there is one, y?  1, or 0: there are none; less than 0: no. */
static int at_values(enum same_way way, const struct bpf_insn *insn, int n, bool with_y)
{
	int all = 1;

	for (unsigned v = 0; v < NVALUES * (with_y ? NVALUES : 1); v++) {
		uint64_t words[2 + GEN_SLOTS] = { 0, GEN_SLOTS, values[v % NVALUES],
						  values[v / NVALUES] };
		int one = alike(way, insn, n, words + 2);

		if (one < 0) {
			printf("# way %u, x = %#llx, y = %#llx: error %d\n", way,
			       (unsigned long long)words[2], (unsigned long long)words[3], one);
			return one;
		}
		all &= one;
	}
	return all;
}

/* A constant, and one of imms[]: r2 = a; r2 op= b, by a number or by r3. */
static bool constants(enum same_way way, unsigned code, int off)
{
	for (unsigned k = 0; k < 2 * NIMMS * NIMMS; k++) {
		int a = imms[k / 2 % NIMMS], b = imms[k / 2 / NIMMS];
		bool by_reg = k % 2;
		const struct bpf_insn insn[] = {
			INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, a),
			INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, b),
			INSN(code | (by_reg ? BPF_X : BPF_K), 2, by_reg ? 3 : 0, off,
			     by_reg ? 0 : b),
			INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
		};
		const uint64_t words[2 + GEN_SLOTS] = { 0 };

		if (by_reg || (b && way == SAME_QUOTIENT)) {
			if (alike(way, insn, 5, words + 2) == 1)
				continue;
			printf("# code %#x, off %d: %d by %d\n", code, off, a, b);
			return false;
		}
	}
	return true;
}

/* in works on r2 = x, and r3 = y if it reads that; r0 tells which way it went. */
static int instruction(enum same_way way, struct bpf_insn in)
{
	const struct bpf_insn insn[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 3, 1, 8, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		in,
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int one = at_values(way, insn, 6, in.src_reg == 3);

	if (one < 0)
		printf("# code %#x, src r%u, off %d, imm %d\n", in.code, in.src_reg, in.off,
		       in.imm);
	return one;
}

/* With each of imms[]: how many have other words; or less than 0. */
static int with_imms(enum same_way way, unsigned code, int off)
{
	bool divides = insn_is_alu(&INSN(code, 0, 0, 0, 0)) &&
		       (BPF_OP(code) == BPF_DIV || BPF_OP(code) == BPF_MOD);
	int sum = 0;

	for (unsigned k = 0; k < NIMMS; k++) {
		int one = divides && !imms[k] ? 0 : /* no program */
						instruction(way, INSN(code, 2, 0, off, imms[k]));

		if (one < 0)
			return one;
		sum += one;
	}
	return sum;
}

static bool products(void)
{
	return with_imms(SAME_PRODUCT, BPF_ALU64 | BPF_MUL | BPF_K, 0) == NIMMS;
}

static bool orders(void)
{
	static const uint8_t ops[] = { BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE };

	for (unsigned k = 0; k < 4; k++)
		if (with_imms(SAME_ORDER, BPF_JMP | ops[k], 1) != 8) /* from 0 on */
			return false;
	return true;
}

static bool quotients(void)
{
	static const uint8_t class[] = { BPF_ALU, BPF_ALU64 };

	for (unsigned k = 0; k < 2; k++) {
		unsigned div = class[k] | BPF_DIV, mod = class[k] | BPF_MOD;

		/* all but 0; below 1 << 31; and with sign, see there */
		if (with_imms(SAME_QUOTIENT, div, 0) != 11 ||
		    with_imms(SAME_QUOTIENT, mod, 0) != 7 ||
		    with_imms(SAME_QUOTIENT, div, 1) != 8 || with_imms(SAME_QUOTIENT, mod, 1) != 10)
			return false;
		if (instruction(SAME_QUOTIENT, INSN(div | BPF_X, 2, 3, 0, 0)) != 1 ||
		    instruction(SAME_QUOTIENT, INSN(mod | BPF_X, 2, 3, 0, 0)) != 1)
			return false;
		for (int sign = 0; sign < 2; sign++)
			if (!constants(SAME_QUOTIENT, div, sign) ||
			    !constants(SAME_QUOTIENT, mod, sign))
				return false;
	}
	return true;
}

/* All operators and jumps that there are, whatever has other words. */
static bool of_registers(enum same_way way, unsigned src, int count)
{
	int sum = 0;

	for (unsigned code = 0; code < 256; code++) {
		struct bpf_insn in = INSN(code, 2, src, 0, 0);
		bool branch = insn_is_branch(&in) && !insn_is_ja(&in) && BPF_OP(code) <= BPF_JSLE;
		int one;

		if (!(branch || (insn_is_alu(&in) && BPF_OP(code) <= BPF_ARSH)) ||
		    BPF_SRC(code) != BPF_X || BPF_OP(code) == BPF_NEG)
			continue;
		for (in.off = branch; in.off <= (BPF_OP(code) == BPF_DIV || branch); in.off++) {
			one = instruction(way, in);
			if (one < 0)
				return false;
			sum += one;
		}
	}
	if (sum != count)
		printf("# %d instructions have other words\n", sum);
	return sum == count;
}

static bool shifts(void)
{
	static const uint8_t ops[] = { BPF_LSH, BPF_RSH, BPF_ARSH };

	for (unsigned k = 0; k < 3; k++)
		if (!constants(SAME_SHIFT, BPF_ALU | ops[k], 0) ||
		    !constants(SAME_SHIFT, BPF_ALU64 | ops[k], 0))
			return false;
	return of_registers(SAME_SHIFT, 3, 6);
}

/* A part of two words that hold x, by r10 or by another base that a sum of numbers leads to. */
static bool part(unsigned size, int place, int imm, bool by_r10)
{
	const struct bpf_insn insn[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 2, -8, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, 10, 2, -16, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 40),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 8, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_X, 8, 3, 0, 0),
		INSN(BPF_ST | BPF_MEM | size, by_r10 ? 10 : 8, 0, by_r10 ? place : place - 40, imm),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 4, 10, -8, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 5, 10, -16, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int one = at_values(SAME_PART, insn, 11, false);

	if (one != 1)
		printf("# size %#x at r10 %d, imm %d, %s: %d\n", size, place, imm,
		       by_r10 ? "by r10" : "by r8", one);
	return one == 1;
}

static bool parts(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W };

	for (unsigned k = 0; k < 3; k++)
		for (int place = -16; place < 0; place += 1 << k)
			for (unsigned i = 0; i < 2 * NIMMS; i++)
				if (!part(sizes[k], place, imms[i / 2], i % 2))
					return false;
	return true;
}

/* A base that a jump can reach otherwise is not known: nothing is said of it. */
static bool unknown_base(void)
{
	static struct bpf_insn insn[64], other[SAME_MAX_INSNS];
	static int start[GEN_MAX_INSNS];
	char err[128];
	int n = asmtext_parse("mov r8, r10\nldxdw r2, [r1+0]\njeq r2, 0, +1\nadd r8, -8\n"
			      "stb [r8-16], 1\nmov r0, 0\nexit\n",
			      insn, 64, err, sizeof(err));

	return n > 0 && !same_program(SAME_PART, insn, n, other, start);
}

/* -- programs of gen.h -------------------------------------------------------------------- */

/* 0: accepted. */
static int judge(const struct bpf_insn *insn, int n)
{
	struct program_attr attr = world_attr(insn, n);
	struct diag d = { "" };
	struct program *p = NULL;
	int err = program_parse(&attr, &p, &d);

	if (err)
		return err;
	err = verify_program(
		&(struct verify_prog){ .p = p, .arena = world_arena, .ctx = &world_ctx }, NULL,
		NULL, &d);
	program_put(p);
	return err;
}

/* What a helper says of clock and CPU is another thing each time. */
static bool is_the_same_each_time(const struct bpf_insn *insn, int n)
{
	for (int i = 0; i < n; i++)
		if (insn_is_call(&insn[i]) && insn[i].src_reg == CALL_HELPER &&
		    (insn[i].imm == BPF_FUNC_ktime_get_ns ||
		     insn[i].imm == BPF_FUNC_get_smp_processor_id))
			return false;
	return true;
}

static bool programs(unsigned n, uint64_t first)
{
	static struct bpf_insn insn[GEN_MAX_INSNS];
	unsigned ran[SAME_WAYS] = { 0 }, bad = 0;

	for (uint64_t seed = first; seed < first + n; seed++) {
		struct rand r = { .s = seed ^ 0x3333333333333333 };
		int ninsns = gen_program(seed, insn);
		uint64_t words[2 + GEN_SLOTS];

		if (!is_the_same_each_time(insn, ninsns) || judge(insn, ninsns))
			continue;
		for (unsigned w = 0; w < 2 + GEN_SLOTS; w++)
			words[w] = rand_value(&r);
		words[1] = GEN_SLOTS;
		for (unsigned way = 0; way < SAME_WAYS; way++) {
			int one = alike(way, insn, ninsns, words + 2);

			ran[way] += one > 0;
			bad += one < 0;
			if (one < 0 && bad < 20)
				printf("# program %llu, way %u: error %d\n",
				       (unsigned long long)seed, way, one);
		}
	}
	for (unsigned way = 0; way < SAME_WAYS; way++) {
		printf("# %u of %u programs, %s\n", ran[way], n, same_why(way));
		bad += ran[way] < n / 500;
	}
	return !bad;
}

/* -- the kernel --------------------------------------------------------------------------- */

static const struct {
	enum same_way way;
	const char *what, *head, *line, *twin,
		*tail; /* the twin has another line, and is not safe */
} cases[] = {
	/* w6 is -128 to 127, so 31 times what is far below is never 0 to 47; of 32 bits it is */
	{ SAME_PRODUCT, "a product of either sign", "ldxdw r6, [r1+40]\n", "arsh32 r6, 24\n",
	  "arsh32 r6, 0\n",
	  "sub r6, 1624295182\nmul r6, 31\nmov32 r9, r6\njgt r9, 47, +3\n"
	  "mov r2, r10\nadd r2, r6\nstb [r2+0], 7\nmov r0, 0\nexit\n" },
	/* at most 0 with sign, at most 48 without: 0 */
	{ SAME_ORDER, "an order without sign behind one with",
	  "stdw [r10-48], 0\nldxdw r2, [r1+0]\nmov32 r2, r2\nmul r2, -366675605\n"
	  "jgt r2, 48, +3\nmov r3, r10\nadd r3, r2\n",
	  "ldxb r4, [r3-48]\n", "ldxb r4, [r3+0]\n", "mov r0, 0\nexit\n" },
	/* 0, or 1 times 3 */
	{ SAME_PART, "a byte behind zeroes",
	  "stdw [r10-8], 0\nstdw [r10-64], 0\nmov r8, r10\nadd r8, 63\n", "stb [r8-64], 1\n",
	  "stb [r8-71], 1\n",
	  "ldxsw r5, [r10-8]\nand r5, 3\nmul r5, 3\nmov r7, r10\nadd r7, r5\n"
	  "stdw [r7-64], 9\nmov r0, 0\nexit\n" },
};

static int assemble(unsigned c, bool twin, struct bpf_insn *insn)
{
	char text[1024], err[128];
	int n;

	snprintf(text, sizeof(text), "%s%s%s", cases[c].head, twin ? cases[c].twin : cases[c].line,
		 cases[c].tail);
	n = asmtext_parse(text, insn, 64, err, sizeof(err));
	if (n < 0)
		printf("Bail out! %s: %s\n", cases[c].what, err);
	return n;
}

/* Accepted in the words of a way; in those of any if it is SAME_WAYS. */
static bool kernel_takes(enum same_way way, const struct bpf_insn *insn, int n)
{
	static struct bpf_insn other[SAME_MAX_INSNS];
	static int start[GEN_MAX_INSNS];

	for (unsigned k = 0; k < SAME_WAYS; k++) {
		int m = way == k || way == SAME_WAYS ? same_program(k, insn, n, other, start) : 0;

		if (m && kernel_accepts(other, m))
			return true;
	}
	return false;
}

static void compare_cases(unsigned nth)
{
	const char *why = "";
	bool kernel = kernel_open(&why);
	struct bpf_insn insn[64];
	char what[160];

	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++, nth += 2) {
		int n = assemble(c, false, insn);
		bool right = !judge(insn, n);

		if (kernel) {
			printf("# as it stands the kernel %s it\n",
			       kernel_accepts(insn, n) ? "accepts" : "refuses");
			right = right && kernel_takes(cases[c].way, insn, n);
		}
		snprintf(what, sizeof(what), "%s is safe%s", cases[c].what,
			 kernel ? ", and accepted in other words" : "; the kernel is not asked");
		check(right, nth, what);
		n = assemble(c, true, insn);
		snprintf(what, sizeof(what), "%s, not safe, is refused%s", cases[c].what,
			 kernel ? " in all words" : "");
		check(judge(insn, n) == -EACCES && (!kernel || (!kernel_accepts(insn, n) &&
								!kernel_takes(SAME_WAYS, insn, n))),
		      nth + 1, what);
	}
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 1000;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	world_make();
	engine_env_native(world_arena, &env);
	rt_state.arena = env.arena;
	rt_state.tls_off = rt_tls_offset();
	keep_arena();
	printf("TAP version 13\n1..15\n");
	check(products(), 1, "products one sign at a time");
	check(orders(), 2, "orders without sign by some with");
	check(parts(), 3, "parts of words by whole ones");
	check(unknown_base(), 4, "a base that jumps reach is not known");
	check(quotients(), 5, "quotients and rests with their bounds");
	check(of_registers(SAME_SELF, 2, 36), 6, "both operands are one register");
	check(shifts(), 7, "shifts by no more than the width");
	check(of_registers(SAME_MINUS, 3, 1), 8, "sums for differences");
	check(programs(n, first), 9, "programs do the same in other words");
	compare_cases(10);
	return failures != 0;
}
