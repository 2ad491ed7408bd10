/*
 * compile.c - what an instruction costs before it runs: checking it, and turning it into code.
 *
 * In process: programs of 20, 1,000 and 100,000 instructions, of arithmetic, memory on the stack and
 * forward jumps.  Prints lines with tabs: what, instructions, least, median (ns an instruction).
 * And the least program as a function, beside the same in C: instructions 0, ns a call.
 *
 * usage: compile CPU BLOCKS MICROSECONDS
 */
#include "bpf/engine.h"

#include "measure.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MOST 100000
#define CODE (64u << 20)
#define PAGE 4096

static struct bpf_insn make(unsigned code, unsigned dst, unsigned src, int off, int imm)
{
	return (struct bpf_insn){ .code = (uint8_t)code,
				  .dst_reg = dst & 15,
				  .src_reg = src & 15,
				  .off = (int16_t)off,
				  .imm = imm };
}

static struct bpf_insn insn[MOST];
static uint8_t *code;

enum { LOAD, JIT, MANNERS };

struct turn {
	uint32_t n;
	struct program *p;
};

static void die(const char *what)
{
	fprintf(stderr, "compile: %s\n", what);
	exit(1);
}

static void generate(uint32_t n)
{
	uint32_t i = 0;

	for (uint32_t r = 0; r < 6; r++)
		insn[i++] = make(BPF_ALU64 | BPF_MOV | BPF_K, r ? r + 1 : 0, 0, 0, (int)r);
	for (uint32_t k = 0; i < n - 1; i++, k++) {
		uint32_t left = n - 2 - i, dst = 2 + k % 5, src = 2 + (k + 2) % 5;
		int slot = -8 * (int)(1 + k % 8);
		const struct bpf_insn some[] = {
			make(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0),
			make(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, dst, slot, 0),
			make(BPF_ALU64 | BPF_XOR | BPF_K, dst, 0, 0, (int)k),
			make(BPF_JMP | BPF_JGT | BPF_X, dst, src, left < 5 ? (int)left : 5, 0),
			make(BPF_ALU | BPF_MUL | BPF_K, dst, 0, 0, 77),
			make(BPF_LDX | BPF_MEM | BPF_W, dst, BPF_REG_10, slot, 0),
			make(BPF_ALU64 | BPF_RSH | BPF_K, dst, 0, 0, 3),
		};

		insn[i] = some[k % 7];
	}
	insn[i] = make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static struct program *load(uint32_t n)
{
	struct program_attr attr = {
		.kind = PROGRAM_PLAIN, .insn = insn, .ninsns = n, .nslots = PROGRAM_NO_CTX
	};
	struct program *p;
	struct diag d = { "" };

	if (program_load(&attr, &p, &d))
		die(d.text);
	return p;
}

static void compile(const struct program *p)
{
	static const struct engine_env env;
	struct x86_asm a;

	x86_asm_init(&a, code, NULL, CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(p, &env, &a);
	if (x86_asm_finish(&a) < 0)
		die("no code");
}

static double block(const void *what, unsigned manner, long calls)
{
	const struct turn *t = what;
	double start = measure_now();

	for (long i = 0; i < calls; i++) {
		if (manner == JIT)
			compile(t->p);
		else
			program_put(load(t->n));
	}
	return measure_now() - start;
}

/* -- running nothing -------------------------------------------------------------------- */

#define NOTHING 16 /* bytes that hold the C function */

typedef uint64_t nothing(uint64_t, uint64_t);

__attribute__((noinline, aligned(64))) static uint64_t nothing_in_c(uint64_t a, uint64_t b)
{
	__asm__ volatile("");
	return 0;
}

static double call_nothing(const void *what, unsigned manner, long calls)
{
	nothing *const *f = what;
	double start = measure_now();

	for (long i = 0; i < calls; i++)
		f[manner]((uint64_t)i, 0);
	return measure_now() - start;
}

static void run_nothing(int blocks, double us)
{
	static const char *const name[] = { "C: run nothing", "utramp: run nothing" };
	/*
	 * C's is copied beside ours: a call of the same bytes takes 1.35 ns where the program's own
	 * code lies and 2.17 in a page of its own, on one machine
	 */
	nothing *f[2] = { (nothing *)(uintptr_t)(code + PAGE / 2), (nothing *)(uintptr_t)code };
	struct measure_result out[2];
	struct program *p;

	insn[0] = make(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	insn[1] = make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	p = load(2);
	compile(p);
	memcpy(code + PAGE / 2, (const void *)(uintptr_t)nothing_in_c, NOTHING);
	if (mprotect(code, PAGE, PROT_READ | PROT_EXEC))
		die("code cannot be run");
	measure_in_turn(call_nothing, f, 2, blocks, us, out);
	for (unsigned m = 0; m < 2; m++)
		printf("%s\t0\t%.4f\t%.4f\n", name[m], out[m].least, out[m].median);
	program_put(p);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 20, 1000, MOST };
	static const char *const name[MANNERS] = { "load and check", "compile" };
	int blocks = argc > 2 ? atoi(argv[2]) : 0;
	double us = argc > 3 ? atof(argv[3]) : 0;
	cpu_set_t cpu;

	if (blocks < 1 || us <= 0) {
		fprintf(stderr, "usage: compile CPU BLOCKS MICROSECONDS\n");
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[1]), &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die("pinning failed");
	code = mmap(NULL, CODE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		die("no memory");
	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct measure_result out[MANNERS];
		struct turn t = { .n = sizes[s] };

		generate(t.n);
		t.p = load(t.n);
		measure_in_turn(block, &t, MANNERS, blocks < 20 ? blocks : 20, us, out);
		for (unsigned m = 0; m < MANNERS; m++)
			printf("%s\t%u\t%.4f\t%.4f\n", name[m], t.n, out[m].least / t.n,
			       out[m].median / t.n);
		program_put(t.p);
	}
	run_nothing(blocks, us);
	return 0;
}
