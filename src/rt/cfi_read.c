/*
 * rt/cfi_read.c - see cfi.h: numbers of .eh_frame, and expressions over registers.
 *
 * Context  [probe]
 */
#include "rt/cfi.h"
#include "rt/probe.h"

#define CFI_OPS   64
#define CFI_STACK 8

static uint8_t next(struct cfi_in *in)
{
	if (in->at - in->from >= in->have) {
		in->from = in->at;
		in->have = in->bad ? 0 : rt_read_some(in->piece, sizeof(in->piece), in->at);
		if (!in->have) {
			in->bad = 1;
			return 0;
		}
	}
	return in->piece[in->at++ - in->from];
}

uint64_t rt_cfi_fixed(struct cfi_in *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)next(in) << 8 * i;
	return v;
}

int64_t rt_cfi_signed(struct cfi_in *in, unsigned bytes)
{
	unsigned unused = 64 - 8 * bytes;

	return (int64_t)(rt_cfi_fixed(in, bytes) << unused) >> unused;
}

uint64_t rt_cfi_uleb(struct cfi_in *in)
{
	uint64_t v = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		byte = next(in);
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	in->bad = 1;
	return 0;
}

int64_t rt_cfi_sleb(struct cfi_in *in)
{
	uint64_t v = 0;
	uint8_t byte;

	for (unsigned shift = 0; shift < 64;) {
		byte = next(in);
		v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (byte & 0x80)
			continue;
		if (byte & 0x40 && shift < 64)
			v |= ~0ull << shift;
		return (int64_t)v;
	}
	in->bad = 1;
	return 0;
}

/* -- expressions: DWARF 5 7.7.1 ---------------------------------------------------------- */

enum {
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08, /* then 1s, 2u, 2s, 4u, 4s, 8u, 8s */
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_SHRA = 0x26,
	OP_XOR = 0x27,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_BREG0 = 0x70,
};

struct machine {
	struct cfi_in in;
	const struct cfi_regs *regs;
	uint64_t stack[CFI_STACK];
	unsigned n;
};

static int push(struct machine *m, uint64_t v)
{
	if (m->n == CFI_STACK)
		return 0;
	m->stack[m->n++] = v;
	return 1;
}

/* Of two operands, b the upper one. */
static int binary(uint8_t op, uint64_t a, uint64_t b, uint64_t *out)
{
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	switch (op) {
	case OP_AND:
		*out = a & b;
		return 1;
	case OP_MINUS:
		*out = a - b;
		return 1;
	case OP_MUL:
		*out = a * b;
		return 1;
	case OP_OR:
		*out = a | b;
		return 1;
	case OP_PLUS:
		*out = a + b;
		return 1;
	case OP_SHL:
		*out = b < 64 ? a << b : 0;
		return 1;
	case OP_SHR:
		*out = b < 64 ? a >> b : 0;
		return 1;
	case OP_SHRA:
		*out = (uint64_t)(sa >> (b < 64 ? b : 63));
		return 1;
	case OP_XOR:
		*out = a ^ b;
		return 1;
	case OP_EQ:
		*out = a == b;
		return 1;
	case OP_GE:
		*out = sa >= sb;
		return 1;
	case OP_GT:
		*out = sa > sb;
		return 1;
	case OP_LE:
		*out = sa <= sb;
		return 1;
	case OP_LT:
		*out = sa < sb;
		return 1;
	case OP_NE:
		*out = a != b;
		return 1;
	}
	return 0;
}

/* Of the uppermost operand. */
static int unary(struct machine *m, uint8_t op)
{
	uint64_t *top = &m->stack[m->n - 1], v;

	switch (op) {
	case OP_DEREF:
		if (rt_read_some(&v, 8, *top) != 8)
			return 0;
		*top = v;
		return 1;
	case OP_DUP:
		return push(m, *top);
	case OP_DROP:
		m->n--;
		return 1;
	case OP_NEG:
		*top = -*top;
		return 1;
	case OP_NOT:
		*top = ~*top;
		return 1;
	case OP_PLUS_UCONST:
		*top += rt_cfi_uleb(&m->in);
		return 1;
	}
	return 0;
}

/* What needs no operand: constants and registers. */
static int plain(struct machine *m, uint8_t op, uint64_t *out)
{
	if (op >= OP_LIT0 && op < OP_LIT0 + 32) {
		*out = op - OP_LIT0;
	} else if (op >= OP_CONST1U && op < OP_CONSTU) {
		unsigned bytes = 1u << (op - OP_CONST1U) / 2;

		*out = op % 2 ? (uint64_t)rt_cfi_signed(&m->in, bytes) :
				rt_cfi_fixed(&m->in, bytes);
	} else if (op == OP_CONSTU) {
		*out = rt_cfi_uleb(&m->in);
	} else if (op == OP_CONSTS) {
		*out = (uint64_t)rt_cfi_sleb(&m->in);
	} else if (op == OP_BREG0 + 6) {
		*out = m->regs->fp + (uint64_t)rt_cfi_sleb(&m->in);
	} else if (op == OP_BREG0 + 7) {
		*out = m->regs->sp + (uint64_t)rt_cfi_sleb(&m->in);
	} else if (op == OP_BREG0 + 16) {
		*out = m->regs->pc + (uint64_t)rt_cfi_sleb(&m->in);
	} else {
		return 0;
	}
	return 1;
}

static int step(struct machine *m, uint8_t op)
{
	uint64_t v, *top;

	if (plain(m, op, &v))
		return push(m, v);
	if (m->n && unary(m, op))
		return 1;
	if (m->n < 2)
		return 0;
	top = &m->stack[m->n - 1];
	if (op == OP_SWAP) {
		v = top[0];
		top[0] = top[-1];
		top[-1] = v;
		return 1;
	}
	if (!binary(op, top[-1], top[0], &v))
		return 0;
	top[-1] = v;
	m->n--;
	return 1;
}

int rt_cfi_expr(uint64_t at, const struct cfi_regs *r, const uint64_t *first, uint64_t *out)
{
	struct machine m;
	uint64_t end;

	m.in.at = at;
	m.in.from = m.in.have = 0;
	m.in.bad = 0;
	m.regs = r;
	m.n = 0;
	if (first)
		push(&m, *first);
	end = rt_cfi_uleb(&m.in);
	end += m.in.at;
	for (unsigned i = 0; i < CFI_OPS && m.in.at < end && !m.in.bad; i++) {
		if (!step(&m, (uint8_t)rt_cfi_fixed(&m.in, 1)))
			return 0;
	}
	if (m.in.bad || m.in.at != end || !m.n)
		return 0;
	*out = m.stack[m.n - 1];
	return 1;
}
