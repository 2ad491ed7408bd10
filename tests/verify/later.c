/* tests/verify/later.c - see later.h. */
#include "later.h"

#include "bpf/insn.h"

#include <stdint.h>

#define CALLED 0x3fu      /* r0 to r5: what a call sets anew */
#define STACK  (1u << 11) /* among registers that hold a value: a word of the stack does */

typedef bool test_fn(const struct bpf_insn *in, unsigned held);

static bool has(unsigned held, unsigned reg)
{
	return held >> reg & 1;
}

static bool by_reg(const struct bpf_insn *in)
{
	return BPF_SRC(in->code) == BPF_X;
}

/* 1: without sign, -1: with it, 0: of no order. */
static int orders(const struct bpf_insn *in)
{
	if (!insn_is_branch(in))
		return 0;
	switch (BPF_OP(in->code)) {
	case BPF_JGT:
	case BPF_JGE:
	case BPF_JLT:
	case BPF_JLE:
		return 1;
	case BPF_JSGT:
	case BPF_JSGE:
	case BPF_JSLT:
	case BPF_JSLE:
		return -1;
	default:
		return 0;
	}
}

static bool is_word(const struct bpf_insn *in, uint8_t class, unsigned frame)
{
	return BPF_CLASS(in->code) == class && BPF_MODE(in->code) == BPF_MEM && frame == INSN_FP;
}

/* In which registers the instruction puts the value, or a sum with it. */
static unsigned taken(const struct bpf_insn *in, unsigned held)
{
	unsigned op = BPF_OP(in->code);

	if (is_word(in, BPF_STX, in->dst_reg) && has(held, in->src_reg))
		return STACK;
	if (is_word(in, BPF_LDX, in->src_reg) && held & STACK)
		return 1u << in->dst_reg;
	if (insn_is_alu(in) && by_reg(in) && has(held, in->src_reg) &&
	    (op == BPF_MOV || op == BPF_ADD))
		return 1u << in->dst_reg;
	return 0;
}

/* What holds it afterwards.  The text of a function that is called is behind the call: its arguments last. */
static unsigned holders(const struct bpf_insn *in, unsigned held)
{
	bool changed = insn_is_alu(in) && BPF_OP(in->code) != BPF_MOV;
	int to = insn_writes(in);
	unsigned more = taken(in, held);

	if (insn_is_call(in))
		return insn_is_local_call(in) ? held : held & ~CALLED;
	if (to < 0 || changed)
		return held | more;
	return (held & ~(1u << to)) | more;
}

static bool later(const struct bpf_insn *insn, int n, const struct bpf_insn *i, unsigned held,
		  test_fn *is)
{
	for (const struct bpf_insn *k = i + 1; k < insn + n && held; k += insn_is_lddw(k) ? 2 : 1) {
		if (is(k, held))
			return true;
		held = holders(k, held);
	}
	return false;
}

static unsigned compared(const struct bpf_insn *i)
{
	return 1u << i->dst_reg | (by_reg(i) ? 1u << i->src_reg : 0);
}

static bool is_ordered(const struct bpf_insn *in, unsigned held)
{
	return orders(in) && compared(in) & held;
}

bool later_multiple(const struct bpf_insn *insn, int n, const struct bpf_insn *i)
{
	unsigned op = BPF_OP(i->code);

	if (!insn_is_alu(i) || by_reg(i) ||
	    !((op == BPF_LSH && i->imm) || (op == BPF_MUL && !(i->imm & 1))))
		return false;
	return later(insn, n, i, 1u << i->dst_reg, is_ordered);
}

static bool is_beyond(const struct bpf_insn *in, unsigned held)
{
	unsigned class = BPF_CLASS(in->code);
	bool reads = class == BPF_LDX, writes = class == BPF_ST || class == BPF_STX;

	return in->off > 0 &&
	       ((reads && has(held, in->src_reg)) || (writes && has(held, in->dst_reg)));
}

bool later_offset(const struct bpf_insn *insn, int n, const struct bpf_insn *i)
{
	unsigned op = BPF_OP(i->code);

	if (!insn_is_alu(i) || by_reg(i) ||
	    !((op == BPF_ADD && i->imm < 0) || (op == BPF_SUB && i->imm > 0)))
		return false;
	return later(insn, n, i, 1u << i->dst_reg, is_beyond);
}

static bool is_moved(const struct bpf_insn *in, unsigned held)
{
	unsigned op = BPF_OP(in->code);

	return insn_is_alu(in) && !by_reg(in) && (op == BPF_ADD || op == BPF_SUB) &&
	       has(held, in->dst_reg);
}

bool later_moved(const struct bpf_insn *insn, int n, const struct bpf_insn *i)
{
	return orders(i) < 0 && later(insn, n, i, compared(i), is_moved);
}

static bool is_ordered_unsigned(const struct bpf_insn *in, unsigned held)
{
	return orders(in) > 0 && (compared(in) & held);
}

bool later_unsigned(const struct bpf_insn *insn, int n, const struct bpf_insn *i)
{
	bool negates = i->code == (BPF_ALU64 | BPF_NEG);

	return (orders(i) < 0 || negates) && later(insn, n, i, compared(i), is_ordered_unsigned);
}
