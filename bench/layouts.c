/*
 * layouts.c - our frame and the kernel's, entered by jmp and by call: ns a call more than
 * untraced.
 *
 * In process, with no slot and no guard: one counting program at entry, at exit, or both, on
 * a function of one argument and one of eight, measured in turn.  Prints lines with tabs: what,
 * manner, least, median (ns a call).
 *
 * usage: layouts CPU BLOCKS MICROSECONDS
 */
#include "tramp/tramp.h"

#include "measure.h"

#include <sched.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM __attribute__((noinline, patchable_function_entry(5, 0), aligned(64)))

static uint64_t counter[TRAMP_KINDS];

ROOM long one(long a)
{
	__asm__ volatile("" : "+r"(a));
	return a + 1;
}

ROOM long eight(long a, long b, long c, long d, long e, long f, long g, long h)
{
	__asm__ volatile("" : "+r"(a));
	return a + b + c + d + e + f + g + h;
}

static uint64_t enter(uint64_t prog, struct tramp_run_ctx *ctx)
{
	return 1;
}

static void leave(uint64_t prog, uint64_t start, struct tramp_run_ctx *ctx)
{
}

static void image(uint64_t im)
{
}

/* The counter's address by rax, as our JIT counts. */
static void count(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	x86_mov_ri(a, RAX, (uint64_t)&counter[env->kind]);
	x86_inc_m(a, X86_Q, X86_MEM(RAX, 0));
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
}

static const struct manner {
	const char *what;
	bool patched;
	enum tramp_layout layout;
	enum tramp_entry entry;
} manners[] = {
	{ "nothing patched", false, TRAMP_OURS, TRAMP_BY_JMP },
	{ "ours, by jmp", true, TRAMP_OURS, TRAMP_BY_JMP },
	{ "ours, by call", true, TRAMP_OURS, TRAMP_BY_CALL },
	{ "seed, by jmp", true, TRAMP_SEED, TRAMP_BY_JMP },
	{ "seed, by call", true, TRAMP_SEED, TRAMP_BY_CALL },
};

#define MANNERS (sizeof(manners) / sizeof(manners[0]))

static uint8_t *code;

static void die(const char *what)
{
	fprintf(stderr, "layouts: %s\n", what);
	exit(1);
}

/* Behind endbr64; the nops are one of five bytes or five of one. */
static uint8_t *nops_of(void *fn)
{
	uint8_t *at = fn;

	if (!memcmp(at, "\xf3\x0f\x1e\xfa", 4))
		at += 4;
	if (at[0] != 0x90 && memcmp(at, "\x0f\x1f\x44", 3) != 0)
		die("no nops at a function's entry");
	return at;
}

static void build(uint8_t *nops, const char *sig, unsigned kinds, const struct manner *m)
{
	static const struct tramp_body body = { .emit = count, .facts.clobbers = X86_REG(RAX) };
	static const struct tramp_prog prog = { .body = &body };
	struct tramp_shim shim = { (uint64_t)enter, (uint64_t)leave, (uint64_t)image,
				   (uint64_t)image, 1 };
	struct tramp_spec s = { .func = (taddr_t)nops,
				.original = (taddr_t)nops + 5,
				.layout = m->layout,
				.entry = m->entry,
				.shim = &shim };
	struct func_model *model;
	struct tramp_plan plan;
	struct x86_asm a;

	if (func_model_parse(sig, &model, NULL) < 0)
		die(sig);
	s.model = model;
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		s.list[k].prog = &prog;
		s.list[k].n = kinds >> k & 1;
	}
	if (tramp_plan(&s, &plan, NULL) < 0)
		die("no plan");
	x86_asm_init(&a, code, NULL, 4096, (uint64_t)code);
	tramp_emit(&plan, &a, NULL);
	if (x86_asm_finish(&a) < 0)
		die("no code");
	x86_asm_init(&a, nops, NULL, 5, (uint64_t)nops);
	m->entry == TRAMP_BY_CALL ? x86_call_pc(&a, (uint64_t)code) :
				    x86_jmp_pc(&a, (uint64_t)code);
	if (x86_asm_finish(&a) != 5)
		die("no jump");
	func_model_free(model);
}

struct turn {
	const char *sig;
	uint8_t *nops;
	bool many;
	unsigned kinds;
};

static double block(const void *what, unsigned m, long calls)
{
	const struct turn *t = what;
	uint8_t before[5];
	double start, ns;

	memcpy(before, t->nops, 5);
	if (manners[m].patched)
		build(t->nops, t->sig, t->kinds, &manners[m]);
	start = measure_now();
	for (long i = 0; i < calls; i++)
		t->many ? eight(i, 2, 3, 4, 5, 6, 7, 8) : one(i);
	ns = measure_now() - start;
	memcpy(t->nops, before, 5);
	return ns;
}

static void measure(const char *what, bool many, unsigned kinds, int blocks, double us)
{
	struct turn t = { many ? "i64(i64,i64,i64,i64,i64,i64,i64,i64)" : "i64(i64)",
			  nops_of(many ? (void *)eight : (void *)one), many, kinds };
	struct measure_result out[MANNERS];

	measure_in_turn(block, &t, MANNERS, blocks, us, out);
	for (size_t m = 0; m < MANNERS; m++)
		printf("%s\t%s\t%.4f\t%.4f\n", what, manners[m].what, out[m].least, out[m].median);
}

static void open_text(void *fn)
{
	if (mprotect((void *)((uintptr_t)fn & ~4095ul), 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		die("text cannot be written");
}

int main(int argc, char **argv)
{
	int blocks = argc > 2 ? atoi(argv[2]) : 0;
	double us = argc > 3 ? atof(argv[3]) : 0;
	const unsigned entry = 1 << TRAMP_FENTRY, at_exit = 1 << TRAMP_FEXIT;
	cpu_set_t cpu;

	if (blocks < 1 || us <= 0) {
		fprintf(stderr, "usage: layouts CPU BLOCKS MICROSECONDS\n");
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[1]), &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die("pinning failed");
	for (uintptr_t d = 16 << 20; !code && d < 1u << 30; d += 16 << 20) {
		void *p = mmap((void *)(((uintptr_t)one & ~4095ul) - d), 4096,
			       PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		code = p == MAP_FAILED ? NULL : p;
	}
	if (!code)
		die("no room near the text");
	open_text(one);
	open_text(eight);
	measure("entry, 1 argument", false, entry, blocks, us);
	measure("exit, 1 argument", false, at_exit, blocks, us);
	measure("entry, 8 arguments", true, entry, blocks, us);
	measure("entry and exit, 8 arguments", true, entry | at_exit, blocks, us);
	return 0;
}
