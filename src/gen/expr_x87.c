/*
 * gen/expr_x87.c - comparisons of long doubles, by integers: see expr_priv.h.
 *
 * An operand is two words on the stack: the mantissa with its integer bit, then sign and
 * exponent.  Of equal signs the larger exponent decides, then the mantissa; a NaN is unequal to
 * all; both zeros are one.
 *
 * Spec     SDM vol. 1, 4.2.2 (double extended precision), 4.8.3
 */
#include "gen/expr_priv.h"
#include "gen/regs.h"

#define SIGN     0x8000
#define EXPONENT 0x7fff

/* Of the words that wait on the stack, the k-th. */
static int word_at(const struct emitter *m, unsigned k)
{
	return -(int)(m->top + 8 * (k + 1));
}

static void put_word(struct emitter *m, unsigned k)
{
	gen_put(m->w, BPF_STX | BPF_MEM | BPF_DW, R10, R0, word_at(m, k), 0);
}

static void copy(struct emitter *m, uint8_t base, int64_t off, unsigned k)
{
	emit_load(m, R0, base, off, 8);
	put_word(m, k);
	emit_load(m, R0, base, off + 8, 2);
	put_word(m, k + 1);
}

/* n's two words to k and k + 1; r0 to r5 are lost. */
static void operand(struct emitter *m, const struct expr_node *n, unsigned k)
{
	switch (n->op) {
	case X_FLT:
		gen_put_set64(m->w, R0, n->value);
		put_word(m, k);
		gen_put_set(m->w, R0, (int32_t)n->off);
		put_word(m, k + 1);
		return;
	case X_ARG:
		copy(m, R6, n->off, k);
		return;
	case X_NEG:
		operand(m, n->a, k);
		emit_load(m, R0, R10, word_at(m, k + 1), 8);
		emit_alu(m, BPF_XOR, R0, SIGN);
		put_word(m, k + 1);
		return;
	default: /* X_MEM */
		copy(m, R10, emit_read(m, n, 10), k);
	}
}

/* The operand in the registers man and se: the jump of a NaN.  r4, r5 are lost. */
static unsigned check_nan(struct emitter *m, uint8_t man, uint8_t se)
{
	unsigned finite, inf, nan, zero;

	gen_put_mov(m->w, R4, se);
	emit_alu(m, BPF_AND, R4, EXPONENT);
	finite = gen_put_jump(m->w, BPF_JNE, R4, EXPONENT);
	gen_put_mov(m->w, R5, man);
	emit_alu(m, BPF_LSH, R5, 1);
	inf = gen_put_jump(m->w, BPF_JEQ, R5, 0);
	nan = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, finite);
	gen_jump_here(m->w, inf);
	zero = gen_put_jump(m->w, BPF_JNE, man, 0);
	gen_put_set(m->w, se, 0);
	gen_jump_here(m->w, zero);
	return nan;
}

/* r0 = -1, 0 or 1 for r0, r1 below, equal to, above r2, r3. */
static void three_way(struct emitter *m)
{
	unsigned same, above[2], below[2], equal, done[3], plus;

	gen_put_mov(m->w, R4, R1);
	emit_alu(m, BPF_AND, R4, SIGN);
	gen_put_mov(m->w, R5, R3);
	emit_alu(m, BPF_AND, R5, SIGN);
	same = emit_jump(m, BPF_JEQ, R4, R5);
	gen_put_set(m->w, R0, 1);
	done[0] = gen_put_jump(m->w, BPF_JEQ, R4, 0);
	gen_put_set(m->w, R0, -1);
	done[1] = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, same);
	above[0] = emit_jump(m, BPF_JGT, R1, R3);
	below[0] = emit_jump(m, BPF_JLT, R1, R3);
	above[1] = emit_jump(m, BPF_JGT, R0, R2);
	below[1] = emit_jump(m, BPF_JLT, R0, R2);
	gen_put_set(m->w, R0, 0);
	equal = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, above[0]);
	gen_jump_here(m->w, above[1]);
	gen_put_set(m->w, R0, 1);
	plus = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, below[0]);
	gen_jump_here(m->w, below[1]);
	gen_put_set(m->w, R0, -1);
	gen_jump_here(m->w, plus);
	done[2] = gen_put_jump(m->w, BPF_JEQ, R4, 0);
	gen_put(m->w, BPF_ALU64 | BPF_NEG, R0, 0, 0, 0);
	gen_jump_here(m->w, equal);
	for (unsigned i = 0; i < 3; i++)
		gen_jump_here(m->w, done[i]);
}

void emit_compare_x87(struct emitter *m, const struct expr_node *n)
{
	unsigned base = m->depth, nan[2], end;

	m->depth += 4;
	if (m->depth > m->deepest)
		m->deepest = m->depth;
	operand(m, n->a, base);
	operand(m, n->b, base + 2);
	for (uint8_t r = R0; r <= R3; r++)
		emit_load(m, r, R10, word_at(m, base + r), 8);
	m->depth = base;
	nan[0] = check_nan(m, R0, R1);
	nan[1] = check_nan(m, R2, R3);
	three_way(m);
	gen_put_set(m->w, R1, 0);
	emit_outcome(m, (enum expr_op)n->op, true);
	end = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, nan[0]);
	gen_jump_here(m->w, nan[1]);
	gen_put_set(m->w, R0, n->op == X_NE);
	gen_jump_here(m->w, end);
}
