/*
 * gen_flow.c - see gen.h: units that are hard on pruning.
 *
 * What is known of a number matters only on one of the ways that meet, or by way of another that is
 * equal to it, or in the next turn of a loop whose counter lies on the stack.  Slots below those that
 * other units use hold what must last: one for each level of blocks.
 */
#include "gen_priv.h"

static int own_slot(const struct gen *g)
{
	return -STACK - 8 * (int)g->depth;
}

static void store(struct gen *g, int off, unsigned r)
{
	put(g, INSN(BPF_STX | BPF_MEM | BPF_DW, 10, r, off, 0));
}

static void fill(struct gen *g, unsigned r, int off)
{
	put(g, INSN(BPF_LDX | BPF_MEM | BPF_DW, r, 10, off, 0));
}

/* A byte of the value in register v at idx + off; idx becomes the address. */
static void touch(struct gen *g, unsigned v, unsigned idx, int off)
{
	put(g, INSN(BPF_ALU64 | BPF_ADD | BPF_X, idx, v, 0, 0));
	if (one_in(g, 2))
		put(g, INSN(BPF_ST | BPF_MEM | BPF_B, idx, 0, off, 7));
	else
		put(g, INSN(BPF_LDX | BPF_MEM | BPF_B, idx, idx, off, 0));
}

/* Two registers that units may write. */
static bool two(struct gen *g, unsigned *a, unsigned *b)
{
	*a = fresh(g);
	for (unsigned tries = 0; tries < 20; tries++) {
		*b = fresh(g);
		if (*a != *b)
			return true;
	}
	return false;
}

/* for (slot = 0; slot < n; slot++) { ... } */
static void unit_stack_loop(struct gen *g)
{
	int off = own_slot(g), top;
	unsigned r;
	struct reg before[10];

	if (g->depth > 3)
		return;
	put(g, INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, 0));
	memcpy(before, g->reg, sizeof(before));
	top = g->n;
	gen_block(g, 1 + below(g, 2));
	r = fresh(g);
	fill(g, r, off);
	put_add(g, r, 1);
	store(g, off, r);
	set(g, r, NUMBER, 0);
	put(g, INSN(BPF_JMP | BPF_JLT | BPF_K, r, 0, top - g->n - 1, 1 + (int32_t)below(g, 5)));
	merge(g, before);
	set(g, r, NOTHING, 0);
}

/* x = one of a few constants, by ways that meet; then it is an index */
static void unit_chosen(struct gen *g)
{
	int v = find(g, VALUE), off = own_slot(g), jump;
	unsigned a, b, held = g->busy, arms = 1 + below(g, 3), n;
	bool spilled = one_in(g, 2);

	if (v < 0 || g->depth > 3)
		return;
	g->busy |= 1u << v;
	n = number(g);
	g->busy |= 1u << n;
	if (two(g, &a, &b)) {
		put_imm(g, a, (int32_t)below(g, GEN_VALUE_BYTES + 1 - !one_in(g, 4)));
		if (spilled)
			store(g, off, a);
		while (arms--) {
			jump = g->n;
			put(g, INSN((one_in(g, 3) ? BPF_JMP32 : BPF_JMP) | BPF_JGT | BPF_K, n, 0, 0,
				    small_imm(g)));
			put_imm(g, a, (int32_t)below(g, GEN_VALUE_BYTES + 1 - !one_in(g, 8)));
			if (spilled && !one_in(g, 3))
				store(g, off, a);
			land(g, jump);
		}
		if (spilled)
			fill(g, a, off);
		touch(g, (unsigned)v, a, 0);
		set(g, a, NOTHING, 0);
	}
	g->busy = held;
}

/* y = x, in a register or on the stack; y is checked, x is the index */
static void unit_linked(struct gen *g)
{
	int v = find(g, VALUE), off = own_slot(g), jump[2];
	unsigned a, b, held = g->busy, n, how = below(g, 4);

	if (v < 0 || g->depth > 3)
		return;
	g->busy |= 1u << v;
	n = number(g);
	g->busy |= 1u << n;
	if (two(g, &a, &b)) {
		put_mov(g, a, n);
		if (one_in(g, 3))
			put(g, INSN(BPF_ALU | BPF_MOV | BPF_X, b, a, 0, 0));
		else
			put_mov(g, b, a);
		if (how == 1) /* what is checked is not what is kept, but equal to it */
			store(g, off, a);
		if (how == 2)
			put_add(g, a, (int32_t)below(g, 3) - 1); /* not equal any more */
		jump[0] = g->n;
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, n, 0, 2 * (int)one_in(g, 2), small_imm(g)));
		put(g, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0)); /* where ways may meet */
		put(g, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0));
		jump[1] = g->n;
		put(g, INSN((one_in(g, 4) ? BPF_JMP32 : BPF_JMP) | BPF_JGT | BPF_K, b, 0, 0,
			    GEN_VALUE_BYTES - 1 - 2 * (how == 2)));
		if (how == 1)
			fill(g, a, off);
		touch(g, (unsigned)v, a, how == 2);
		land(g, jump[1]);
		set(g, a, NOTHING, 0);
		set(g, b, NOTHING, 0);
	}
	g->busy = held;
}

/* ok = 0; if (x < n) ok = 1; ...; if (ok) use x */
static void unit_told(struct gen *g)
{
	int v = find(g, VALUE), off = own_slot(g), jump;
	unsigned a, ok, held = g->busy, n;
	bool spilled = one_in(g, 2);

	if (v < 0 || g->depth > 3)
		return;
	g->busy |= 1u << v;
	n = number(g);
	g->busy |= 1u << n;
	if (two(g, &a, &ok)) {
		put_mov(g, a, n);
		put_imm(g, ok, 0);
		jump = g->n;
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, a, 0, 0, GEN_VALUE_BYTES - !one_in(g, 6)));
		put_imm(g, ok, 1);
		if (!one_in(g, 12))
			land(g, jump);
		if (spilled)
			store(g, off, ok);
		g->busy |= 1u << a | 1u << ok;
		gen_block(g, below(g, 2));
		if (spilled)
			fill(g, ok, off);
		jump = g->n;
		put(g, INSN(BPF_JMP | (one_in(g, 10) ? BPF_JNE : BPF_JEQ) | BPF_K, ok, 0, 0, 0));
		touch(g, (unsigned)v, a, 0);
		land(g, jump);
		set(g, a, NOTHING, 0);
		set(g, ok, NOTHING, 0);
	}
	g->busy = held;
}

/* bpf_loop(n, f, &slot): f counts there, and at times uses what it counted; then so do we. */
static void unit_callback(struct gen *g)
{
	int v = find(g, VALUE), off = own_slot(g), jump;

	if (g->busy & 0x3f || g->ncallbacks == GEN_CALLBACKS || g->depth > 3)
		return;
	put(g, INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, off, (int32_t)below(g, 4)));
	put_imm(g, 1, (int32_t)below(g, 6));
	g->callback[g->ncallbacks++] = g->n;
	put(g, INSN(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 0));
	put(g, INSN(0, 0, 0, 0, 0));
	put_mov(g, 3, 10);
	put_add(g, 3, off);
	put_imm(g, 4, 0);
	put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_loop));
	after_call(g);
	fill(g, 1, off);
	set(g, 1, NUMBER, 0);
	if (v < 6)
		return;
	jump = g->n;
	if (!one_in(g, 4))
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 0, GEN_VALUE_BYTES - 1));
	else
		put(g, INSN(BPF_JMP | BPF_JSGT | BPF_K, 1, 0, 0, GEN_VALUE_BYTES - 1));
	touch(g, (unsigned)v, 1, 0);
	land(g, jump);
	set(g, 1, NOTHING, 0);
}

void gen_callback_body(struct gen *g)
{
	int jump;

	fill(g, 3, -8); /* never set: any number */
	put(g, INSN(BPF_LDX | BPF_MEM | BPF_DW, 4, 2, 0, 0));
	if (one_in(g, 2)) {
		jump = g->n;
		put(g, INSN(BPF_JMP | BPF_JSET | BPF_K, one_in(g, 2) ? 1 : 3, 0, 0, 1));
		put_add(g, 4, 1 + (int32_t)below(g, 3));
		land(g, jump);
	}
	if (!one_in(g, 3))
		put(g, INSN(BPF_ALU64 | BPF_AND | BPF_K, 4, 0, 0, 15));
	if (one_in(g, 2)) { /* an index into its own stack */
		jump = g->n;
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, 4, 0, 0, 15 + (int)one_in(g, 4)));
		put_mov(g, 5, 10);
		put(g, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 5, 4, 0, 0));
		put(g, INSN(BPF_ST | BPF_MEM | BPF_B, 5, 0, -16, 1));
		land(g, jump);
	}
	put_add(g, 4, (int32_t)below(g, 2));
	put(g, INSN(BPF_STX | BPF_MEM | BPF_DW, 2, 4, 0, 0));
	put_imm(g, 0, (int32_t)below(g, 2 + (unsigned)one_in(g, 10)));
	put(g, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

void gen_flow_unit(struct gen *g)
{
	static void (*const units[])(struct gen *) = { unit_stack_loop, unit_chosen, unit_chosen,
						       unit_linked,     unit_linked, unit_told,
						       unit_callback };

	units[below(g, sizeof(units) / sizeof(units[0]))](g);
}
