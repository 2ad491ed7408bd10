/*
 * randprog.c - see randprog.h.
 *
 * A function is a row of units; jumps go to the beginnings of units.  Two registers have a
 * part: base holds mem, fuel counts down.  r1-r5 and r0 are set anew after each call.
 */
#include "randprog.h"

#include "bpf/insn.h"

#include <stdbool.h>
#include <string.h>

#define MAX_UNITS 48
#define STACK     64 /* bytes each function initialises */

struct gen {
	struct rand *r;
	struct bpf_insn *out;
	int n, cap, helper;
	uint64_t mem;
	unsigned base, fuel;
	int unit[MAX_UNITS + 1], nunits; /* first instruction of each */
	struct {
		int at, unit;
	} jump[MAX_UNITS];
	int njumps;
	struct {
		int at;
		unsigned func;
	} call[4 * MAX_UNITS];
	int ncalls;
	unsigned func, nfuncs;
};

uint32_t rand_next(struct rand *r)
{
	uint32_t v;

	if (r->nbytes >= 2) {
		v = r->bytes[0] | (uint32_t)r->bytes[1] << 8;
		r->bytes += 2;
		r->nbytes -= 2;
		return v;
	}
	r->s ^= r->s << 13; /* Marsaglia, "Xorshift RNGs" */
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (uint32_t)(r->s >> 20);
}

uint64_t rand_value(struct rand *r)
{
	static const uint64_t corner[] = { 0,          1,          2,         63,
					   64,         255,        INT32_MAX, 1ull << 31,
					   1ull << 32, UINT32_MAX, INT64_MAX, 1ull << 63,
					   UINT64_MAX };
	uint64_t v = (uint64_t)rand_next(r) << 40 ^ (uint64_t)rand_next(r) << 20 ^ rand_next(r);

	switch (rand_below(r, 4)) {
	case 0:
		return corner[rand_below(r, sizeof(corner) / sizeof(*corner))];
	case 1:
		return v & 0xff;
	default:
		return v;
	}
}

static void put(struct gen *g, struct bpf_insn i)
{
	if (g->n < g->cap)
		g->out[g->n] = i;
	g->n++;
}

static void put_lddw(struct gen *g, unsigned reg, uint64_t v)
{
	put(g, INSN(BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, v));
	put(g, INSN(0, 0, 0, 0, v >> 32));
}

static unsigned any_reg(struct gen *g)
{
	return rand_below(g->r, 10);
}

/* One that may be written. */
static unsigned free_reg(struct gen *g)
{
	unsigned r;

	do
		r = any_reg(g);
	while (r == g->base || r == g->fuel);
	return r;
}

static void set_reg(struct gen *g, unsigned r)
{
	if (r == g->base)
		put_lddw(g, r, g->mem);
	else if (r != g->fuel)
		put_lddw(g, r, rand_value(g->r));
}

/* -- units ----------------------------------------------------------------------- */

static void unit_alu(struct gen *g)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
				       BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH };
	unsigned op = ops[rand_below(g->r, sizeof(ops))], dst = free_reg(g);
	unsigned class = rand_below(g->r, 2) ? BPF_ALU : BPF_ALU64;
	bool div = op == BPF_DIV || op == BPF_MOD, reg = rand_below(g->r, 2);
	int32_t imm = (int32_t)rand_value(g->r);
	int off = 0;

	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= class == BPF_ALU ? 31 : 63;
	if (div) {
		imm |= !imm;
		off = (int)rand_below(g->r, 2);
	}
	if (op == BPF_MOV && reg)
		off = (int)(8u << rand_below(g->r, 4)) % (class == BPF_ALU ? 32 : 64);
	if (reg)
		put(g, INSN(class | op | BPF_X, dst, any_reg(g), off, 0));
	else
		put(g, INSN(class | op | BPF_K, dst, 0, off, imm));
}

static void unit_unary(struct gen *g)
{
	static const uint8_t code[] = { BPF_ALU | BPF_NEG, BPF_ALU64 | BPF_NEG,
					BPF_ALU | BPF_END | BPF_K, BPF_ALU | BPF_END | BPF_X,
					BPF_ALU64 | BPF_END };
	unsigned k = rand_below(g->r, sizeof(code));

	put(g, INSN(code[k], free_reg(g), 0, 0, k < 2 ? 0 : 16 << rand_below(g->r, 3)));
}

/* A place in mem or on the stack, aligned for atomics. */
static unsigned place(struct gen *g, int *off, int align)
{
	if (rand_below(g->r, 2)) {
		*off = (int)(rand_below(g->r, RANDPROG_MEM - 8)) & -align;
		return g->base;
	}
	*off = (int)(rand_below(g->r, STACK - 8) & (unsigned)-align) - STACK;
	return INSN_FP;
}

static void unit_memory(struct gen *g)
{
	static const uint8_t size[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	unsigned s = size[rand_below(g->r, 4)], base;
	int off;

	base = place(g, &off, 1);
	switch (rand_below(g->r, 4)) {
	case 0:
		put(g, INSN(BPF_STX | BPF_MEM | s, base, any_reg(g), off, 0));
		break;
	case 1:
		put(g, INSN(BPF_ST | BPF_MEM | s, base, 0, off, rand_value(g->r)));
		break;
	case 2:
		if (s != BPF_DW) {
			put(g, INSN(BPF_LDX | INSN_MEMSX | s, free_reg(g), base, off, 0));
			break;
		}
		__attribute__((fallthrough));
	default:
		put(g, INSN(BPF_LDX | BPF_MEM | s, free_reg(g), base, off, 0));
	}
}

static void unit_atomic(struct gen *g)
{
	static const int32_t ops[] = {
		BPF_ADD,
		BPF_OR,
		BPF_AND,
		BPF_XOR,
		BPF_ADD | BPF_FETCH,
		BPF_OR | BPF_FETCH,
		BPF_AND | BPF_FETCH,
		BPF_XOR | BPF_FETCH,
		BPF_XCHG,
		BPF_CMPXCHG,
	};
	struct bpf_insn i;
	unsigned base, size = rand_below(g->r, 2) ? BPF_W : BPF_DW;
	int off, written;

	base = place(g, &off, 8);
	i = INSN(BPF_STX | BPF_ATOMIC | size, base, free_reg(g), off, ops[rand_below(g->r, 10)]);
	written = insn_writes(&i);
	if (written != (int)g->base && written != (int)g->fuel)
		put(g, i);
}

static void unit_jump(struct gen *g)
{
	static const uint8_t ops[] = { BPF_JA,  BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT,
				       BPF_JLE, BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };
	unsigned op = ops[rand_below(g->r, sizeof(ops))];
	unsigned class = rand_below(g->r, 2) ? BPF_JMP : BPF_JMP32;

	g->jump[g->njumps].at = g->n;
	g->jump[g->njumps++].unit = g->nunits + 1 + (int)rand_below(g->r, 6);
	if (op == BPF_JA)
		put(g, INSN(class | op, 0, 0, 0, 0));
	else if (rand_below(g->r, 2))
		put(g, INSN(class | op | BPF_X, any_reg(g), any_reg(g), 0, 0));
	else
		put(g, INSN(class | op | BPF_K, any_reg(g), 0, 0, rand_value(g->r)));
}

static void unit_loop(struct gen *g)
{
	put(g, INSN(BPF_ALU64 | BPF_SUB | BPF_K, g->fuel, 0, 0, 1));
	g->jump[g->njumps].at = g->n;
	g->jump[g->njumps++].unit = (int)rand_below(g->r, (uint32_t)g->nunits + 1);
	put(g, INSN(BPF_JMP | BPF_JSGT | BPF_K, g->fuel, 0, 0, 0));
}

static void unit_call(struct gen *g)
{
	bool local = g->func + 1 < g->nfuncs && rand_below(g->r, 2);

	/* the fuel register must be one that calls keep, and no loop may enter deep calls often */
	if (local) {
		g->call[g->ncalls].at = g->n;
		g->call[g->ncalls++].func = g->func + 1 + rand_below(g->r, g->nfuncs - g->func - 1);
		put(g, INSN(BPF_JMP | BPF_CALL, 0, CALL_LOCAL, 0, 0));
	} else {
		put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, g->helper));
	}
	for (unsigned r = 1; r <= 5; r++)
		set_reg(g, r);
	if (g->base == 0)
		set_reg(g, 0);
}

static void unit(struct gen *g)
{
	switch (rand_below(g->r, 16)) {
	case 0:
		unit_unary(g);
		break;
	case 1:
	case 2:
	case 3:
		unit_memory(g);
		break;
	case 4:
		unit_atomic(g);
		break;
	case 5:
	case 6:
		unit_jump(g);
		break;
	case 7:
		unit_loop(g);
		break;
	case 8:
		unit_call(g);
		break;
	case 9:
		put_lddw(g, free_reg(g), rand_value(g->r));
		break;
	default:
		unit_alu(g);
	}
}

static void finish(struct gen *g)
{
	if (g->base == 0) /* r0 gathers everything */
		put(g, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1));
	for (unsigned r = 1; r < 10; r++) {
		put(g, INSN(BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 31));
		put(g, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, r, 0, 0));
	}
	put(g, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

static void function(struct gen *g)
{
	int want = 4 + (int)rand_below(g->r, MAX_UNITS - 8);

	g->nunits = g->njumps = 0;
	g->fuel = 6 + rand_below(g->r, 4);
	do
		g->base = any_reg(g);
	while (g->base == g->fuel);
	put(g, INSN(BPF_ALU64 | BPF_MOV | BPF_K, g->fuel, 0, 0, g->func ? 2 : 6));
	for (unsigned r = 0; r < 10; r++)
		if (!g->func || r == 0 || r > 5 || r == g->base)
			set_reg(g, r);
	for (int off = -STACK; off < 0; off += 8)
		put(g, INSN(BPF_ST | BPF_MEM | BPF_DW, INSN_FP, 0, off, rand_value(g->r)));
	while (g->nunits < want) {
		g->unit[g->nunits] = g->n;
		unit(g);
		g->nunits++;
	}
	g->unit[g->nunits] = g->n;
	finish(g);
	for (int j = 0; j < g->njumps; j++) {
		int to = g->jump[j].unit < g->nunits ? g->jump[j].unit : g->nunits;
		int at = g->jump[j].at;

		if (at >= g->cap)
			continue;
		if (g->out[at].code == (BPF_JMP32 | BPF_JA))
			g->out[at].imm = g->unit[to] - at - 1;
		else
			g->out[at].off = (__s16)(g->unit[to] - at - 1);
	}
}

int randprog_make(struct rand *r, void *mem, int helper, struct bpf_insn *out, int cap)
{
	struct gen g = { .r = r, .out = out, .cap = cap, .helper = helper };
	int start[4];

	g.mem = (uint64_t)(uintptr_t)mem;
	g.nfuncs = 1 + rand_below(r, 4);
	for (g.func = 0; g.func < g.nfuncs; g.func++) {
		start[g.func] = g.n;
		function(&g);
	}
	for (int c = 0; c < g.ncalls; c++)
		if (g.call[c].at < cap)
			out[g.call[c].at].imm = start[g.call[c].func] - g.call[c].at - 1;
	return g.n < cap ? g.n : 0;
}
