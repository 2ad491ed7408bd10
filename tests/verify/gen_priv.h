/*
 * gen_priv.h - what the generator's two files share: the program that is being made.
 */
#ifndef TESTS_VERIFY_GEN_PRIV_H
#define TESTS_VERIFY_GEN_PRIV_H

#include "gen.h"

#include "../unit/bpf/randprog.h"

#include "bpf/insn.h"

#include <stdbool.h>
#include <string.h>

#define STACK         64 /* bytes below r10 that units use */
#define FUNCTIONS     3
#define GEN_CALLBACKS 3
#define ROOM          120 /* instructions that one unit may take, at most */

enum kind { NOTHING, NUMBER, CONTEXT, FRAME, VALUE, RECORD };

struct reg {
	uint8_t kind;
	uint16_t bytes; /* of value, record */
};

struct gen {
	struct rand r;
	struct bpf_insn *out;
	int n;
	struct reg reg[10];
	uint32_t busy; /* registers that units must leave: loop counters, what is held */
	struct reg spilled[STACK / 8]; /* by slot, from r10 down: whole registers */
	unsigned depth, func, open;
	struct {
		struct reg arg[6];
		bool called;
		int start;
	} fn[FUNCTIONS + 1];
	struct {
		int at;
		unsigned func;
	} call[64];
	unsigned ncalls;
	int callback[GEN_CALLBACKS]; /* the instruction that names one, each another's */
	unsigned ncallbacks;
};

static inline unsigned below(struct gen *g, unsigned n)
{
	return rand_below(&g->r, n);
}

static inline bool one_in(struct gen *g, unsigned n)
{
	return !below(g, n);
}

static inline void put(struct gen *g, struct bpf_insn i)
{
	if (g->n < GEN_MAX_INSNS)
		g->out[g->n++] = i;
}

static inline void put_mov(struct gen *g, unsigned dst, unsigned src)
{
	put(g, INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0));
}

static inline void put_imm(struct gen *g, unsigned dst, int32_t imm)
{
	put(g, INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm));
}

static inline void put_add(struct gen *g, unsigned dst, int32_t imm)
{
	put(g, INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm));
}

static inline void put_map(struct gen *g, unsigned dst, int map)
{
	put(g, INSN(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, map));
	put(g, INSN(0, 0, 0, 0, 0));
}

/* The jump at `at` goes to what comes next. */
static inline void land(struct gen *g, int at)
{
	g->out[at].off = (__s16)(g->n - at - 1);
}

static inline void set(struct gen *g, unsigned r, enum kind kind, unsigned bytes)
{
	g->reg[r] = (struct reg){ (uint8_t)kind, (uint16_t)bytes };
}

/* A register that may be written. */
static inline unsigned fresh(struct gen *g)
{
	unsigned r;

	do
		r = below(g, 10);
	while (g->busy >> r & 1);
	return r;
}

static inline int find(struct gen *g, enum kind kind)
{
	unsigned from = below(g, 10);

	for (unsigned i = 0; i < 10; i++)
		if (g->reg[(from + i) % 10].kind == kind)
			return (int)((from + i) % 10);
	return -1;
}

/* A register with a number in it: one that is there, or a constant. */
static inline unsigned number(struct gen *g)
{
	int r = find(g, NUMBER);

	if (r >= 0)
		return (unsigned)r;
	r = (int)fresh(g);
	put_imm(g, (unsigned)r, (int32_t)rand_value(&g->r));
	set(g, (unsigned)r, NUMBER, 0);
	return (unsigned)r;
}

static inline int32_t small_imm(struct gen *g)
{
	return one_in(g, 2) ? (int32_t)below(g, 70) - 4 : (int32_t)rand_value(&g->r);
}

static inline void after_call(struct gen *g)
{
	for (unsigned r = 0; r <= 5; r++)
		set(g, r, NOTHING, 0);
	set(g, 0, NUMBER, 0);
}

/* What is the same on both ways stays. */
static inline void merge(struct gen *g, const struct reg *other)
{
	for (unsigned r = 0; r < 10; r++)
		if (memcmp(&g->reg[r], &other[r], sizeof(*other)))
			set(g, r, NOTHING, 0);
}

static inline uint8_t any_size(struct gen *g)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };

	return sizes[below(g, 4)];
}

/* gen_unit.c: one step of a program, or a few. */
void gen_unit(struct gen *g);

/* gen_flow.c: one that is hard on pruning; a function that bpf_loop() runs */
void gen_flow_unit(struct gen *g);
void gen_callback_body(struct gen *g);

/* gen.c: so many, unless they would lie too deep. */
void gen_block(struct gen *g, unsigned units);

#endif
