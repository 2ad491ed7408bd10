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
	if (place < -512 || place >= 0 || (place & 7) + (int)bytes > 8)
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

static const struct {
	way_fn *say;
	const char *why;
} ways[SAME_WAYS] = {
	[SAME_PRODUCT] = { by_signs, "it accepts the same with products made one sign at a time" },
	[SAME_ORDER] = { by_order,
			 "it accepts the same with orders without sign told by some with" },
	[SAME_PART] = { by_words, "it accepts the same with parts of words stored by whole ones" },
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

static void say(way_fn *way, const struct text *t, int at, struct words *w)
{
	const struct bpf_insn *in = &t->insn[at];

	memset(w, 0, sizeof(*w));
	way(t, at, w);
	if (w->n)
		return;
	w->leads[0] = insn_is_branch(in) || insn_names_func(in);
	for (int k = 0; k <= insn_is_lddw(in); k++)
		put(w, in[k]);
}

const char *same_why(enum same_way way)
{
	return ways[way].why;
}

int same_program(enum same_way way, const struct bpf_insn *insn, int n, struct bpf_insn *out,
		 int start[GEN_MAX_INSNS])
{
	struct text t = { .insn = insn, .n = n };
	struct words w;
	int to = 0;

	read_text(&t);
	for (int i = 0; i < n; i += insn_is_lddw(&insn[i]) ? 2 : 1) {
		start[i] = to;
		say(ways[way].say, &t, i, &w);
		to += w.n;
	}
	if (to == n || to > SAME_MAX_INSNS)
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
