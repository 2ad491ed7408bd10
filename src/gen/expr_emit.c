/*
 * gen/expr_emit.c - see expr.h: tree to eBPF.
 *
 * Each value goes through r0; the left operand waits on the stack while the right one is made,
 * unless that is a plain load.  Of the stack, from the top: what waits, 16 bytes for what is
 * read of memory, the buffer for strings.
 *
 * Spec     RFC 9669; IEEE 754 3.4 (encodings), 5.11 (comparisons)
 */
#include "gen/expr_priv.h"
#include "gen/regs.h"

#include <errno.h>
#include <string.h>

#define SCRATCH 16

void emit_alu(struct emitter *m, int op, uint8_t dst, int32_t imm)
{
	gen_put(m->w, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void emit_alu_reg(struct emitter *m, int op, uint8_t dst, uint8_t src)
{
	gen_put(m->w, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

unsigned emit_jump(struct emitter *m, int op, uint8_t dst, uint8_t src)
{
	if (op == BPF_JA)
		gen_put(m->w, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	else
		gen_put(m->w, BPF_JMP | op | BPF_X, dst, src, 0, 0);
	return (unsigned)m->w->n - 1;
}

void emit_back(struct emitter *m, int op, uint8_t dst, int32_t imm, size_t to)
{
	int off = (int)((long)to - (long)m->w->n - 1);

	gen_put(m->w, op == BPF_JA ? BPF_JMP | BPF_JA : BPF_JMP | op | BPF_K, dst, 0, off, imm);
}

void emit_load(struct emitter *m, uint8_t dst, uint8_t base, int64_t off, unsigned size)
{
	int width = size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;

	if (off > INT16_MAX || off < INT16_MIN) {
		if (!m->w->err)
			m->w->err = -E2BIG;
		return;
	}
	gen_put(m->w, BPF_LDX | BPF_MEM | width, dst, base, (int)off, 0);
}

int emit_buffer(struct emitter *m, unsigned bytes)
{
	unsigned size = ALIGN_UP(bytes, 8u);

	if (size > m->buffer)
		m->buffer = size;
	return -(int)(m->top + m->e->spills + m->e->scratch + size);
}

void emit_fault(struct emitter *m, unsigned jump)
{
	if (!m->w->err)
		m->w->err = vec_push(&m->faults, jump);
}

/* -- integers and places ------------------------------------------------------------------ */

static void extend(struct emitter *m, uint8_t reg, struct expr_type t)
{
	if (t.is_signed && t.size < 8)
		gen_put(m->w, BPF_ALU64 | BPF_MOV | BPF_X, reg, reg, t.size * 8, 0);
	else if (t.size == 4)
		gen_put(m->w, BPF_ALU | BPF_MOV | BPF_X, reg, reg, 0, 0);
}

/* Between types of at least an int, of values that are extended by their own. */
static void convert(struct emitter *m, uint8_t reg, const struct expr_node *n, struct expr_type t)
{
	if (t.size == 4 && !t.is_signed && n->t.is_signed)
		gen_put(m->w, BPF_ALU | BPF_MOV | BPF_X, reg, reg, 0, 0);
}

/* A bit-field of which the eight or 16 bytes at base + off hold the bits from shift on. */
static void load_bits(struct emitter *m, const struct expr_node *n, uint8_t base, int64_t off,
		      unsigned shift)
{
	emit_load(m, R0, base, off, 8);
	if (shift + n->bits > 64) {
		emit_load(m, R1, base, off + 8, 8);
		emit_alu(m, BPF_RSH, R0, (int32_t)shift);
		emit_alu(m, BPF_LSH, R1, (int32_t)(64 - shift));
		emit_alu_reg(m, BPF_OR, R0, R1);
		shift = 0;
	}
	if (64 - shift - n->bits)
		emit_alu(m, BPF_LSH, R0, (int32_t)(64 - shift - n->bits));
	if (n->bits < 64)
		emit_alu(m, n->t.is_signed ? BPF_ARSH : BPF_RSH, R0, 64 - n->bits);
}

/* Only its low byte counts, and any bit of that. */
static void settle_bool(struct emitter *m, uint8_t reg)
{
	unsigned is;

	is = gen_put_jump(m->w, BPF_JEQ, reg, 0);
	gen_put_set(m->w, reg, 1);
	gen_jump_here(m->w, is);
}

static void load_arg(struct emitter *m, const struct expr_node *n, uint8_t dst)
{
	unsigned bit = n->bit_off + (unsigned)(n->off % 8) * 8;

	if (n->bits) {
		load_bits(m, n, R6, n->off / 8 * 8 + bit / 64 * 8, bit % 64);
		return;
	}
	emit_load(m, dst, R6, n->off, n->t.size);
	if (n->t.is_bool)
		settle_bool(m, dst);
	else if (n->t.kind != E_PTR)
		extend(m, dst, n->t);
}

static void address(struct emitter *m, const struct expr_node *n)
{
	emit_value(m, n->a);
	emit_fault(m, gen_put_jump(m->w, BPF_JEQ, R0, 0));
	gen_put_mov(m->w, R3, R0);
}

int emit_read(struct emitter *m, const struct expr_node *n, unsigned bytes)
{
	int at = -(int)(m->top + m->e->spills + SCRATCH);

	m->scratch = true;
	address(m, n);
	gen_put_add(m->w, R3, (int32_t)(n->off + n->bit_off / 8));
	gen_put(m->w, BPF_ST | BPF_MEM | BPF_DW, R10, 0, at, 0);
	gen_put(m->w, BPF_ST | BPF_MEM | BPF_DW, R10, 0, at + 8, 0);
	gen_put_mov(m->w, R1, R10);
	gen_put_add(m->w, R1, at);
	gen_put_set(m->w, R2, (int32_t)bytes);
	gen_put_call(m->w, BPF_FUNC_probe_read_user);
	emit_fault(m, gen_put_jump(m->w, BPF_JNE, R0, 0));
	return at;
}

static void load_mem(struct emitter *m, const struct expr_node *n)
{
	unsigned shift = n->bit_off % 8u;
	unsigned bytes = n->bits ? (shift + n->bits + 7) / 8 : n->t.size;
	int at = emit_read(m, n, bytes);

	if (n->bits) {
		load_bits(m, n, R10, at, shift);
		return;
	}
	emit_load(m, R0, R10, at, bytes);
	if (n->t.is_bool)
		settle_bool(m, R0);
	else if (n->t.kind != E_PTR)
		extend(m, R0, n->t);
}

/* Into dst without touching another register or memory. */
static bool is_simple(const struct expr_node *n)
{
	return n->op == X_INT || n->op == X_FLT || (n->op == X_ARG && !n->bits);
}

static void load_simple(struct emitter *m, const struct expr_node *n, uint8_t dst)
{
	if (n->op == X_ARG)
		load_arg(m, n, dst);
	else if ((int64_t)n->value == (int32_t)n->value)
		gen_put_set(m->w, dst, (int32_t)n->value);
	else
		gen_put_set64(m->w, dst, n->value);
}

static int spill_at(const struct emitter *m)
{
	return -(int)(m->top + 8 * (m->depth + 1));
}

/* r0 = a, r1 = b, both of n->ct where that is an integer. */
static void operands(struct emitter *m, const struct expr_node *n, bool same)
{
	emit_value(m, n->a);
	if (n->ct.kind == E_INT)
		convert(m, R0, n->a, n->ct);
	if (is_simple(n->b)) {
		load_simple(m, n->b, R1);
	} else {
		gen_put(m->w, BPF_STX | BPF_MEM | BPF_DW, R10, R0, spill_at(m), 0);
		if (++m->depth > m->deepest)
			m->deepest = m->depth;
		emit_value(m, n->b);
		m->depth--;
		gen_put_mov(m->w, R1, R0);
		emit_load(m, R0, R10, spill_at(m), 8);
	}
	if (same && n->ct.kind == E_INT)
		convert(m, R1, n->b, n->ct);
}

static void arithmetic(struct emitter *m, const struct expr_node *n)
{
	static const uint8_t code[] = {
		[X_MUL] = BPF_MUL, [X_DIV] = BPF_DIV, [X_MOD] = BPF_MOD, [X_ADD] = BPF_ADD,
		[X_SUB] = BPF_SUB, [X_SHL] = BPF_LSH, [X_SHR] = BPF_RSH, [X_AND] = BPF_AND,
		[X_XOR] = BPF_XOR, [X_OR] = BPF_OR,
	};
	bool division = n->op == X_DIV || n->op == X_MOD;
	int op = n->op == X_SHR && n->ct.is_signed ? BPF_ARSH : code[n->op];

	operands(m, n, n->op != X_SHL && n->op != X_SHR);
	if (division)
		emit_fault(m, gen_put_jump(m->w, BPF_JEQ, R1, 0));
	/* offset 1: signed division, RFC 9669 4.1 */
	gen_put(m->w, (n->ct.size == 8 ? BPF_ALU64 : BPF_ALU) | op | BPF_X, R0, R1,
		division && n->ct.is_signed, 0);
	if (n->ct.size == 4)
		extend(m, R0, n->ct);
}

static void sign(struct emitter *m, const struct expr_node *n)
{
	emit_value(m, n->a);
	if (n->t.kind == E_FLT) {
		gen_put_set64(m->w, R1, 1ull << (n->t.size * 8 - 1));
		emit_alu_reg(m, BPF_XOR, R0, R1);
		return;
	}
	if (n->op == X_INV)
		emit_alu(m, BPF_XOR, R0, -1);
	else
		gen_put(m->w, BPF_ALU64 | BPF_NEG, R0, 0, 0, 0);
	extend(m, R0, n->t);
}

/* -- comparisons ------------------------------------------------------------------------------ */

static int jump_op(enum expr_op op, bool is_signed)
{
	switch (op) {
	case X_LT:
		return is_signed ? BPF_JSLT : BPF_JLT;
	case X_LE:
		return is_signed ? BPF_JSLE : BPF_JLE;
	case X_GT:
		return is_signed ? BPF_JSGT : BPF_JGT;
	case X_GE:
		return is_signed ? BPF_JSGE : BPF_JGE;
	default:
		return op == X_EQ ? BPF_JEQ : BPF_JNE;
	}
}

void emit_outcome(struct emitter *m, enum expr_op op, bool is_signed)
{
	unsigned yes = emit_jump(m, jump_op(op, is_signed), R0, R1), end;

	gen_put_set(m->w, R0, 0);
	end = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, yes);
	gen_put_set(m->w, R0, 1);
	gen_jump_here(m->w, end);
}

/* The bits of a float in r0 become those of the double that is equal; r2, r3 are lost. */
static void widen(struct emitter *m)
{
	unsigned special, normal, zero, done[2];
	size_t again;

	gen_put_mov(m->w, R2, R0);
	emit_alu(m, BPF_RSH, R2, 31);
	emit_alu(m, BPF_LSH, R2, 63);
	emit_alu(m, BPF_AND, R0, 0x7fffffff);
	special = gen_put_jump(m->w, BPF_JGE, R0, 0x7f800000);
	normal = gen_put_jump(m->w, BPF_JGE, R0, 0x00800000);
	zero = gen_put_jump(m->w, BPF_JEQ, R0, 0);
	/* subnormal: shift until bit 23 stands; 2^-126 has the exponent 897 of a double */
	gen_put_set(m->w, R3, 897);
	again = m->w->n;
	emit_alu(m, BPF_LSH, R0, 1);
	emit_alu(m, BPF_SUB, R3, 1);
	emit_back(m, BPF_JLT, R0, 0x00800000, again);
	emit_alu(m, BPF_AND, R0, 0x007fffff);
	emit_alu(m, BPF_LSH, R0, 29);
	emit_alu(m, BPF_LSH, R3, 52);
	emit_alu_reg(m, BPF_OR, R0, R3);
	done[0] = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, normal);
	emit_alu(m, BPF_LSH, R0, 29);
	gen_put_set64(m->w, R3, 896ull << 52);
	emit_alu_reg(m, BPF_ADD, R0, R3);
	done[1] = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, special);
	emit_alu(m, BPF_LSH, R0, 29);
	gen_put_set64(m->w, R3, 0x7ffull << 52);
	emit_alu_reg(m, BPF_OR, R0, R3);
	gen_jump_here(m->w, done[0]);
	gen_jump_here(m->w, done[1]);
	gen_jump_here(m->w, zero);
	emit_alu_reg(m, BPF_OR, R0, R2);
}

/* The bits of both operands as signed integers in the same order; 0 for both zeros. */
static void order(struct emitter *m, uint8_t reg)
{
	unsigned plus = gen_put_jump(m->w, BPF_JSGE, reg, 0);

	emit_alu(m, BPF_LSH, reg, 1);
	emit_alu(m, BPF_RSH, reg, 1);
	gen_put(m->w, BPF_ALU64 | BPF_NEG, reg, 0, 0, 0);
	gen_jump_here(m->w, plus);
}

/* One operand in r0: bits of a double, or those of a float in the upper half. */
static void flt_operand(struct emitter *m, const struct expr_node *n, uint8_t size)
{
	emit_value(m, n);
	if (size == 4)
		emit_alu(m, BPF_LSH, R0, 32);
	else if (n->t.size == 4)
		widen(m);
}

static void compare_flt(struct emitter *m, const struct expr_node *n)
{
	uint64_t inf = n->ct.size == 4 ? 0xffull << 56 : 0x7ffull << 53; /* without its sign */
	unsigned nan[2], end;

	flt_operand(m, n->a, n->ct.size);
	gen_put(m->w, BPF_STX | BPF_MEM | BPF_DW, R10, R0, spill_at(m), 0);
	if (++m->depth > m->deepest)
		m->deepest = m->depth;
	flt_operand(m, n->b, n->ct.size);
	m->depth--;
	gen_put_mov(m->w, R1, R0);
	emit_load(m, R0, R10, spill_at(m), 8);
	gen_put_set64(m->w, R3, inf);
	for (uint8_t r = R0; r <= R1; r++) {
		gen_put_mov(m->w, R2, r);
		emit_alu(m, BPF_LSH, R2, 1);
		nan[r] = emit_jump(m, BPF_JGT, R2, R3);
	}
	order(m, R0);
	order(m, R1);
	emit_outcome(m, (enum expr_op)n->op, true);
	end = emit_jump(m, BPF_JA, 0, 0);
	gen_jump_here(m->w, nan[0]);
	gen_jump_here(m->w, nan[1]);
	gen_put_set(m->w, R0, n->op == X_NE);
	gen_jump_here(m->w, end);
}

/* What faults inside comes here with the answer no. */
static void comparison(struct emitter *m, const struct expr_node *n)
{
	__typeof__(m->faults) outer = m->faults;
	unsigned end;

	memset(&m->faults, 0, sizeof(m->faults));
	if (n->op >= X_TEXT_EQ) {
		emit_text(m, n);
	} else if (n->ct.kind == E_FLT && n->ct.size == 16) {
		emit_compare_x87(m, n);
	} else if (n->ct.kind == E_FLT) {
		compare_flt(m, n);
	} else {
		operands(m, n, true);
		emit_outcome(m, (enum expr_op)n->op, n->ct.is_signed);
	}
	if (m->faults.n) {
		end = emit_jump(m, BPF_JA, 0, 0);
		for (size_t i = 0; i < m->faults.n; i++)
			gen_jump_here(m->w, m->faults.at[i]);
		gen_put_set(m->w, R0, 0);
		gen_jump_here(m->w, end);
	}
	vec_free(&m->faults);
	m->faults = outer;
}

void emit_value(struct emitter *m, const struct expr_node *n)
{
	unsigned skip;

	switch (n->op) {
	case X_INT:
	case X_FLT:
		load_simple(m, n, R0);
		break;
	case X_ARG:
		load_arg(m, n, R0);
		break;
	case X_MEM:
		load_mem(m, n);
		break;
	case X_NEG:
	case X_INV:
		sign(m, n);
		break;
	case X_LNOT:
		emit_value(m, n->a);
		emit_alu(m, BPF_XOR, R0, 1);
		break;
	case X_LAND:
	case X_LOR:
		emit_value(m, n->a);
		skip = gen_put_jump(m->w, n->op == X_LAND ? BPF_JEQ : BPF_JNE, R0, 0);
		emit_value(m, n->b);
		gen_jump_here(m->w, skip);
		break;
	default:
		if (expr_is_condition(n))
			comparison(m, n);
		else
			arithmetic(m, n);
	}
}

int expr_measure(struct gen_expr *e)
{
	struct gen_writer w = { 0 };
	struct emitter m = { .e = e, .w = &w };
	int err;

	emit_value(&m, e->root);
	vec_free(&m.faults);
	err = w.err;
	gen_writer_drop(&w);
	e->spills = 8 * m.deepest;
	e->scratch = m.scratch ? SCRATCH : 0;
	e->buffer = m.buffer;
	if (err == -E2BIG || (!err && gen_expr_stack(e) > EXPR_MAX_STACK))
		return diag_set(e->d, -E2BIG, "the condition is too large for a program");
	return err;
}

int gen_expr_emit(const struct gen_expr *e, struct gen_writer *w, unsigned top, struct diag *d)
{
	struct emitter m = { .e = e, .w = w, .top = top };

	emit_value(&m, e->root);
	vec_free(&m.faults);
	if (w->err == -E2BIG)
		diag_set(d, -E2BIG, "the condition is too large for a program");
	return w->err;
}
