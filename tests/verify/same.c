/* tests/verify/same.c - see same.h. */
#include "same.h"

#include "bpf/insn.h"

#include <string.h>

#define WORDS 12 /* at most, for one instruction */

/* What stands for one instruction; which of it lead where that led, the others among themselves. */
struct words {
	struct bpf_insn in[WORDS];
	bool leads[WORDS];
	int n;
};

/* What a register holds wherever its instruction is reached: a number, or r10 and a number. */
struct known {
	enum { ANYTHING, NUMBER, FRAME } kind;
	int64_t value;
};

struct text {
	const struct bpf_insn *insn;
	int n;
	bool target[GEN_MAX_INSNS + 1]; /* of a jump, a call, a callback */
	uint32_t unused;                /* of r6 to r9, which no call reads or sets: bits */
};

typedef void way_fn(const struct text *t, int at, struct words *w);

static struct bpf_insn *put(struct words *w, struct bpf_insn in)
{
	w->in[w->n] = in;
	return &w->in[w->n++];
}

static struct bpf_insn make(unsigned code, unsigned dst, unsigned src, int off, int imm)
{
	return (struct bpf_insn){ .code = (__u8)code,
				  .dst_reg = dst & 15,
				  .src_reg = src & 15,
				  .off = (__s16)off,
				  .imm = imm };
}

static void put_number(struct words *w, unsigned reg, uint64_t value)
{
	put(w, make(BPF_LD | BPF_IMM | BPF_DW, reg, LDDW_IMM, 0, (int)(uint32_t)value));
	put(w, make(0, 0, 0, 0, (int)(uint32_t)(value >> 32)));
}

static void by_signs(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];

	if (in->code != (BPF_ALU64 | BPF_MUL | BPF_K))
		return;
	put(w, make(BPF_JMP | BPF_JSLT | BPF_K, in->dst_reg, 0, 2, 0));
	put(w, *in);
	put(w, make(BPF_JMP | BPF_JA, 0, 0, 1, 0));
	put(w, *in);
}

/* x < 0 is more than any of imm, without sign. */
static void by_order(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned op = BPF_OP(in->code), dst = in->dst_reg;
	bool above = op == BPF_JGT || op == BPF_JGE, below = op == BPF_JLT || op == BPF_JLE;

	if (in->code != (BPF_JMP | BPF_K | op) || !(above || below) || in->imm < 0)
		return;
	w->leads[w->n] = above;
	put(w, make(BPF_JMP | BPF_JSLT | BPF_K, dst, 0, 1, 0));
	w->leads[w->n] = true;
	/* RFC 9669 4.3: the signed ones are 0x40 above JGT and JGE, 0x20 above JLT and JLE */
	put(w, make(in->code + (above ? 0x40u : 0x20u), dst, 0, 0, in->imm));
}

static struct known sum(struct known a, struct known b)
{
	bool one = a.kind == NUMBER || b.kind == NUMBER;

	if (a.kind == ANYTHING || b.kind == ANYTHING || !one)
		return (struct known){ ANYTHING, 0 };
	return (struct known){ a.kind == FRAME || b.kind == FRAME ? FRAME : NUMBER,
			       (int64_t)((uint64_t)a.value + (uint64_t)b.value) };
}

static void learn(struct known *reg, const struct bpf_insn *in)
{
	struct known src = { NUMBER, in->imm };
	int to = insn_writes(in);

	if (insn_is_call(in))
		memset(reg, 0, 6 * sizeof(*reg));
	if (to < 0)
		return;
	if (BPF_SRC(in->code) == BPF_X)
		src = reg[in->src_reg];
	if (in->code == (BPF_ALU64 | BPF_MOV | BPF_SRC(in->code)) && !in->off)
		reg[to] = src;
	else if (in->code == (BPF_ALU64 | BPF_ADD | BPF_SRC(in->code)))
		reg[to] = sum(reg[to], src);
	else
		reg[to] = (struct known){ ANYTHING, 0 };
}

/* What is known of reg before the instruction, by those before it that always run. */
static struct known known_at(const struct text *t, int at, unsigned reg)
{
	struct known all[INSN_FP + 1] = { 0 };

	for (int i = 0; i <= at; i += insn_is_lddw(&t->insn[i]) ? 2 : 1) {
		if (t->target[i])
			memset(all, 0, sizeof(all));
		all[INSN_FP] = (struct known){ FRAME, 0 };
		if (i < at)
			learn(all, &t->insn[i]);
	}
	return all[reg];
}

/* Two registers to work with: r6 to r9 that nobody uses, and the base, which can be had again from r10. */
static bool two_registers(const struct text *t, unsigned base, unsigned reg[2])
{
	unsigned n = 0;

	if (base != INSN_FP)
		reg[n++] = base;
	for (unsigned r = 6; r < INSN_FP && n < 2; r++)
		if (t->unused >> r & 1)
			reg[n++] = r;
	return n == 2;
}

static void by_words(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned bytes = insn_bytes(in), reg[2];
	bool stores = BPF_CLASS(in->code) == BPF_ST && BPF_MODE(in->code) == BPF_MEM && bytes < 8;
	struct known base = { ANYTHING, 0 };
	uint64_t mask;
	int place, shift;

	if (stores)
		base = known_at(t, at, in->dst_reg);
	if (base.kind != FRAME || base.value < -512 || base.value > 512 ||
	    !two_registers(t, in->dst_reg, reg))
		return;
	place = (int)base.value + in->off;
	shift = 8 * (place & 7);
	/* what is not aligned stays so */
	if (place < -512 || place >= 0 || place & ((int)bytes - 1))
		return;
	mask = ((1ull << 8 * bytes) - 1) << shift;
	put(w, make(BPF_LDX | BPF_MEM | BPF_DW, reg[1], INSN_FP, place & -8, 0));
	put_number(w, reg[0], ~mask);
	put(w, make(BPF_ALU64 | BPF_AND | BPF_X, reg[1], reg[0], 0, 0));
	put_number(w, reg[0], (uint64_t)(int64_t)in->imm << shift & mask);
	put(w, make(BPF_ALU64 | BPF_OR | BPF_X, reg[1], reg[0], 0, 0));
	put(w, make(BPF_STX | BPF_MEM | BPF_DW, INSN_FP, reg[1], place & -8, 0));
	if (reg[0] != in->dst_reg)
		return;
	put(w, make(BPF_ALU64 | BPF_MOV | BPF_X, reg[0], INSN_FP, 0, 0));
	put(w, make(BPF_ALU64 | BPF_ADD | BPF_K, reg[0], 0, 0, (int)base.value));
}

/* -- arithmetic ---------------------------------------------------------------------------- */

/* One of r6 to r9 that nobody uses, or r0: none. */
static unsigned spare(const struct text *t)
{
	return t->unused ? (unsigned)__builtin_ctz(t->unused) : 0;
}

static unsigned jump_class(const struct bpf_insn *in)
{
	return BPF_CLASS(in->code) == BPF_ALU64 ? BPF_JMP : BPF_JMP32;
}

/* What the condition says of x is so; where it is not, which is never, x is 0. */
static void put_fact(struct words *w, const struct bpf_insn *in, unsigned cond, unsigned reg,
		     int imm)
{
	put(w, make(jump_class(in) | cond, in->dst_reg, reg, 1, imm));
	put(w, make(BPF_CLASS(in->code) | BPF_MOV | BPF_K, in->dst_reg, 0, 0, 0));
}

/* The largest power of 2 that is no more. */
static unsigned power(uint64_t k)
{
	return 63 - (unsigned)__builtin_clzll(k);
}

/* A quotient is no more than x, shifted by what the divisor has at least; so is a rest, by nothing. */
static void put_quotient(const struct text *t, const struct bpf_insn *in, unsigned by,
			 struct words *w)
{
	unsigned class = BPF_CLASS(in->code), with = spare(t);

	if (with) {
		put(w, make(class | BPF_MOV | BPF_X, with, in->dst_reg, 0, 0));
		put(w, make(class | BPF_RSH | BPF_K, with, 0, 0, (int)by));
	}
	put(w, *in);
	if (with)
		put_fact(w, in, BPF_JLE | BPF_X, with, 0);
	else if (by) {
		put(w, make(class | BPF_LSH | BPF_K, in->dst_reg, 0, 0, (int)by));
		put(w, make(class | BPF_RSH | BPF_K, in->dst_reg, 0, 0, (int)by));
	}
}

/* x % k: x, if that is less than k; else less than k. */
static void put_rest(const struct text *t, const struct bpf_insn *in, int k, struct words *w)
{
	struct bpf_insn *less;

	if (BPF_CLASS(in->code) == BPF_ALU) /* the upper half becomes 0 */
		put(w, make(BPF_ALU | BPF_MOV | BPF_X, in->dst_reg, in->dst_reg, 0, 0));
	less = put(w, make(jump_class(in) | BPF_JLT | BPF_K, in->dst_reg, 0, 0, k));
	put_quotient(t, in, 0, w);
	put_fact(w, in, BPF_JLT | BPF_K, 0, k);
	less->off = (__s16)(&w->in[w->n] - less - 1);
}

/* x / 3, rounded towards 0: |x| / 3; x % -3: -2 to 2. */
static void signed_quotient(const struct bpf_insn *in, struct words *w)
{
	unsigned class = BPF_CLASS(in->code),
		 k = in->imm < 0 ? -(unsigned)in->imm : (unsigned)in->imm;
	bool div = BPF_OP(in->code) == BPF_DIV, exact = in->imm < 0 && !(k & (k - 1));

	if (BPF_SRC(in->code) == BPF_X || !in->imm || k > INT32_MAX || (div && exact))
		return; /* INT64_MIN / -2 has one bit more than others */
	put(w, *in);
	if (div) {
		put(w, make(class | BPF_LSH | BPF_K, in->dst_reg, 0, 0, (int)power(k)));
		put(w, make(class | BPF_ARSH | BPF_K, in->dst_reg, 0, 0, (int)power(k)));
		return;
	}
	put_fact(w, in, BPF_JSLT | BPF_K, 0, (int)k);
	put_fact(w, in, BPF_JSGT | BPF_K, 0, -(int)k);
}

/* What RFC 9669 4.1 says of a / b, a % b; width 32 or 64, both cut to it. */
static uint64_t divide(bool rest, bool is_signed, unsigned width, uint64_t a, uint64_t b)
{
	int64_t x = width == 64 ? (int64_t)a : (int32_t)a,
		y = width == 64 ? (int64_t)b : (int32_t)b;

	if (!b)
		return rest ? a : 0;
	if (!is_signed)
		return rest ? a % b : a / b;
	if (y == -1) /* the least number has no negative */
		return rest ? 0 : -(uint64_t)x;
	return (uint64_t)(rest ? x % y : x / y);
}

/* x << y ..., by y modulo the width. */
static uint64_t shift(unsigned op, unsigned width, uint64_t x, uint64_t y)
{
	int64_t with_sign = width == 64 ? (int64_t)x : (int32_t)x;

	y &= width - 1;
	if (op == BPF_ARSH)
		return (uint64_t)(with_sign >> y);
	return op == BPF_LSH ? x << y : x >> y;
}

/* Both operands are known by the text before. */
static bool constant(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned width = BPF_CLASS(in->code) == BPF_ALU64 ? 64 : 32, op = BPF_OP(in->code);
	uint64_t mask = UINT64_MAX >> (64 - width), is;
	struct known a = known_at(t, at, in->dst_reg), b = { NUMBER, in->imm };

	if (BPF_SRC(in->code) == BPF_X)
		b = known_at(t, at, in->src_reg);
	if (a.kind != NUMBER || b.kind != NUMBER)
		return false;
	a.value &= (int64_t)mask;
	b.value &= (int64_t)mask;
	is = op == BPF_DIV || op == BPF_MOD ?
		     divide(op == BPF_MOD, in->off, width, (uint64_t)a.value, (uint64_t)b.value) :
		     shift(op, width, (uint64_t)a.value, (uint64_t)b.value);
	put_number(w, in->dst_reg, is & mask);
	return true;
}

static void by_bounds(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned class = BPF_CLASS(in->code), op = BPF_OP(in->code);
	bool wide = class == BPF_ALU64, by_reg = BPF_SRC(in->code) == BPF_X;
	uint64_t k = wide ? (uint64_t)(int64_t)in->imm : (uint32_t)in->imm;

	if (!insn_is_alu(in) || (op != BPF_DIV && op != BPF_MOD) || constant(t, at, w))
		return;
	if (in->off) {
		signed_quotient(in, w);
	} else if (by_reg) {
		put_quotient(t, in, 0, w);
	} else if (k && !(k & (k - 1)) && k <= INT32_MAX) {
		put(w, op == BPF_DIV ?
			       make(class | BPF_RSH | BPF_K, in->dst_reg, 0, 0, (int)power(k)) :
			       make(class | BPF_AND | BPF_K, in->dst_reg, 0, 0, (int)k - 1));
	} else if (k && op == BPF_DIV) {
		put_quotient(t, in, power(k), w);
	} else if (k && k <= INT32_MAX) {
		put_rest(t, in, (int)k, w);
	}
}

/* The register is read as before: what was never set must not be. */
static void put_read(struct words *w, const struct bpf_insn *in)
{
	unsigned class = BPF_CLASS(in->code) == BPF_ALU ? BPF_ALU : BPF_ALU64;

	put(w, make(class | BPF_MOV | BPF_X, in->dst_reg, in->dst_reg, 0, 0));
}

/* Whatever is behind a jump that always leads away, or where one leads that never does, is text nevertheless. */
static void self_branch(const struct text *t, const struct bpf_insn *in, struct words *w)
{
	unsigned op = BPF_OP(in->code), with = spare(t);
	bool always =
		op == BPF_JEQ || op == BPF_JGE || op == BPF_JLE || op == BPF_JSGE || op == BPF_JSLE;

	if (op == BPF_JSET) {
		w->leads[w->n] = true;
		put(w, make(BPF_CLASS(in->code) | BPF_JNE | BPF_K, in->dst_reg, 0, 0, 0));
	} else if (with) {
		put_read(w, in);
		put(w, make(BPF_ALU64 | BPF_MOV | BPF_K, with, 0, 0, 0));
		w->leads[w->n] = true;
		put(w, make(BPF_JMP | BPF_K | (always ? BPF_JEQ : BPF_JNE), with, 0, 0, 0));
	}
}

static void by_one(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned class = BPF_CLASS(in->code), dst = in->dst_reg;
	bool branch = insn_is_branch(in) && !insn_is_ja(in) && !insn_is_may_goto(in);

	if (!(insn_is_alu(in) || branch) || BPF_SRC(in->code) != BPF_X || in->src_reg != dst)
		return;
	if (branch) {
		self_branch(t, in, w);
		return;
	}
	switch (BPF_OP(in->code)) {
	case BPF_SUB:
	case BPF_XOR:
	case BPF_MOD:
		put_read(w, in);
		put(w, make(class | BPF_MOV | BPF_K, dst, 0, 0, 0));
		break;
	case BPF_AND:
	case BPF_OR:
		put_read(w, in);
		break;
	case BPF_DIV: /* 0 / 0 is 0 */
		put_read(w, in);
		put(w, make(jump_class(in) | BPF_JEQ | BPF_K, dst, 0, 1, 0));
		put(w, make(class | BPF_MOV | BPF_K, dst, 0, 0, 1));
	}
}

static void by_mask(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned op = BPF_OP(in->code), with = spare(t);
	bool wide = BPF_CLASS(in->code) == BPF_ALU64;

	if (!insn_is_alu(in) || BPF_SRC(in->code) != BPF_X ||
	    (op != BPF_LSH && op != BPF_RSH && op != BPF_ARSH) || constant(t, at, w) || !with)
		return;
	put(w, make(BPF_ALU64 | BPF_MOV | BPF_X, with, in->src_reg, 0, 0));
	put(w, make(BPF_ALU64 | BPF_AND | BPF_K, with, 0, 0, wide ? 63 : 31));
	put(w, make(in->code, in->dst_reg, with, 0, 0));
}

static void by_sum(const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];
	unsigned with = spare(t);

	if (in->code != (BPF_ALU64 | BPF_SUB | BPF_X) || !with)
		return;
	put(w, make(BPF_ALU64 | BPF_MOV | BPF_K, with, 0, 0, 0));
	put(w, make(BPF_ALU64 | BPF_SUB | BPF_X, with, in->src_reg, 0, 0));
	put(w, make(BPF_ALU64 | BPF_ADD | BPF_X, in->dst_reg, with, 0, 0));
}

static void by_all(const struct text *t, int at, struct words *w)
{
	static way_fn *const all[] = { by_one,    by_signs, by_order, by_words,
				       by_bounds, by_mask,  by_sum };

	for (unsigned k = 0; k < sizeof(all) / sizeof(all[0]) && !w->n; k++)
		all[k](t, at, w);
}

/* ------------------------------------------------------------------------------------------ */

static const struct {
	way_fn *say;
	const char *why;
} ways[SAME_WAYS] = {
	[SAME_PRODUCT] = { by_signs, "it accepts the same with products made one sign at a time" },
	[SAME_ORDER] = { by_order,
			 "it accepts the same with orders without sign told by some with" },
	[SAME_PART] = { by_words, "it accepts the same with parts of words stored by whole ones" },
	[SAME_QUOTIENT] = { by_bounds,
			    "it accepts the same with bounds of quotients and rests told" },
	[SAME_SELF] = { by_one, "it accepts the same where both operands are one register" },
	[SAME_SHIFT] = { by_mask, "it accepts the same with shifts by no more than the width" },
	[SAME_MINUS] = { by_sum, "it accepts the same with sums for differences" },
	[SAME_ALL] = { by_all, "it accepts the same with several of these" },
};

static void read_text(struct text *t)
{
	t->unused = 0x3c0;
	for (int i = 0; i < t->n; i += insn_is_lddw(&t->insn[i]) ? 2 : 1) {
		const struct bpf_insn *in = &t->insn[i];

		t->unused &= ~(1u << in->dst_reg | 1u << in->src_reg);
		if (insn_is_branch(in) || insn_names_func(in))
			t->target[insn_target(in, (uint32_t)i)] = true;
	}
}

/* At is where in out it stands. */
static void lead(struct bpf_insn *in, int at, int to)
{
	if (insn_names_func(in) || in->code == (BPF_JMP32 | BPF_JA))
		in->imm = to - at - 1;
	else
		in->off = (__s16)(to - at - 1);
}

/* Is it otherwise than it was? */
static bool say(way_fn *way, const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];

	memset(w, 0, sizeof(*w));
	way(t, at, w);
	if (w->n)
		return true;
	w->leads[0] = insn_is_branch(in) || insn_names_func(in);
	for (int k = 0; k <= insn_is_lddw(in); k++)
		put(w, in[k]);
	return false;
}

const char *same_why(enum same_way way)
{
	return ways[way].why;
}

int same_program(enum same_way way, const struct bpf_insn *insn, int n, struct bpf_insn *out,
		 int start[GEN_MAX_INSNS])
{
	struct text t = { .insn = insn, .n = n };
	bool changed = false;
	struct words w;
	int to = 0;

	read_text(&t);
	for (int i = 0; i < n; i += insn_is_lddw(&insn[i]) ? 2 : 1) {
		start[i] = to;
		changed |= say(ways[way].say, &t, i, &w);
		to += w.n;
	}
	if (!changed || to > SAME_MAX_INSNS)
		return 0;
	for (int i = 0; i < n; i += insn_is_lddw(&insn[i]) ? 2 : 1) {
		say(ways[way].say, &t, i, &w);
		for (int k = 0; k < w.n; k++) {
			out[start[i] + k] = w.in[k];
			if (w.leads[k])
				lead(&out[start[i] + k], start[i] + k,
				     start[insn_target(&insn[i], (uint32_t)i)]);
		}
	}
	return to;
}
