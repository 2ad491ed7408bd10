/*
 * bpf/verify_flow.c - see verify_priv.h: where instructions reach into their own function's stack.
 *
 * Forwards over each function, whatever the path: a register holds r10 and a constant, an address of
 * this stack at an unknown place, perhaps one of another function's, or a number.  What is kept on the
 * stack comes back when it is loaded; what a function that was given an address returns may be it.
 *
 * Nobody proves anything by this: verify_need.c forgets by it, which is right whatever is forgotten.
 */
#include "bpf/verify_priv.h"

#include <stdlib.h>

/* What a register holds; -512 to 0 are distances from r10. */
enum { F_NOTHING = 1, F_NUMBER, F_OTHERS, F_ANY };

/* r0 to r9 */
struct vflow {
	int16_t r[INSN_FP];
};

struct flow {
	struct verify *v;
	struct vflow *at;            /* by node */
	int16_t spill[VERIFY_SLOTS]; /* what was ever kept there */
	bool changed;
};

static int16_t join(int16_t a, int16_t b)
{
	if (a == b || b == F_NOTHING)
		return a;
	if (a == F_NOTHING)
		return b;
	return a > F_NOTHING && b > F_NOTHING && a != F_ANY && b != F_ANY ? F_OTHERS : F_ANY;
}

static bool is_own(int16_t x)
{
	return x <= 0 || x == F_ANY;
}

static int16_t value(const struct vflow *f, unsigned r)
{
	return r == INSN_FP ? 0 : f->r[r];
}

static int16_t moved(int16_t p, int64_t by)
{
	if (p > 0)
		return p;
	return p + by <= 0 && p + by >= -PROGRAM_MAX_STACK ? (int16_t)(p + by) : F_ANY;
}

static int16_t sum(int16_t a, int16_t b)
{
	if (is_own(a) || is_own(b))
		return F_ANY;
	return a == F_OTHERS || b == F_OTHERS ? F_OTHERS : F_NUMBER;
}

static int16_t alu(const struct vflow *f, const struct bpf_insn *in)
{
	unsigned op = BPF_OP(in->code);
	bool reg = BPF_SRC(in->code) == BPF_X;
	int16_t dst = value(f, in->dst_reg);

	if (BPF_CLASS(in->code) != BPF_ALU64)
		return F_NUMBER;
	if (op == BPF_MOV)
		return reg && !in->off ? value(f, in->src_reg) : F_NUMBER;
	if (op != BPF_ADD && op != BPF_SUB)
		return F_NUMBER;
	if (reg)
		return sum(dst, value(f, in->src_reg));
	return moved(dst, op == BPF_ADD ? in->imm : -(int64_t)in->imm);
}

static int16_t kept(const struct flow *w, int at)
{
	int16_t x = at >= -PROGRAM_MAX_STACK && at <= -8 && at % 8 == 0 ? w->spill[-at / 8 - 1] :
									  F_NOTHING;

	return x == F_NOTHING ? F_NUMBER : x;
}

/* What lies behind a pointer. */
static int16_t loaded(const struct flow *w, int16_t p, const struct bpf_insn *in)
{
	if (insn_bytes(in) != 8 || p == F_NUMBER || p == F_NOTHING)
		return F_NUMBER;
	if (p <= 0)
		return kept(w, p + in->off);
	for (unsigned i = 0; p == F_ANY && i < VERIFY_SLOTS; i++)
		if (is_own(w->spill[i]))
			return F_ANY;
	return F_OTHERS;
}

static void keep(struct flow *w, unsigned i, int16_t x)
{
	int16_t now = join(w->spill[i], x);

	w->changed |= now != w->spill[i];
	w->spill[i] = now;
}

static void store(struct flow *w, int16_t p, const struct bpf_insn *in, int16_t x)
{
	int at = p + in->off;

	if (x == F_NUMBER || x == F_NOTHING || insn_bytes(in) != 8)
		return;
	if (p <= 0 && at >= -PROGRAM_MAX_STACK && at <= -8 && at % 8 == 0)
		keep(w, (unsigned)(-at / 8 - 1), x);
	for (unsigned i = 0; p == F_ANY && i < VERIFY_SLOTS; i++)
		keep(w, i, x);
}

static void call(struct vflow *f, const struct bpf_insn *in)
{
	bool local = in->src_reg == CALL_LOCAL;

	f->r[0] = local ? F_OTHERS : F_NUMBER;
	for (unsigned r = 1; r <= 5; r++) {
		if (local && is_own(f->r[r]))
			f->r[0] = F_ANY;
		f->r[r] = F_NUMBER;
	}
}

static void step(struct flow *w, struct vflow *f, const struct bpf_insn *in)
{
	int written = insn_writes(in);

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		f->r[in->dst_reg] = alu(f, in);
		return;
	case BPF_LDX:
		f->r[in->dst_reg] = loaded(w, value(f, in->src_reg), in);
		return;
	case BPF_STX:
		if (insn_is_load_acq(in))
			f->r[in->dst_reg] = loaded(w, value(f, in->src_reg), in);
		else if (written >= 0)
			f->r[written] = F_NUMBER;
		else if (!insn_is_atomic(in) || insn_is_store_rel(in))
			store(w, value(f, in->dst_reg), in, value(f, in->src_reg));
		return;
	case BPF_LD:
		f->r[in->dst_reg] = F_NUMBER;
		return;
	default:
		if (insn_is_call(in))
			call(f, in);
	}
}

static void flows_to(struct flow *w, const struct vflow *f, uint32_t at)
{
	struct vflow *to = &w->at[w->v->node[at]];

	for (unsigned r = 0; r < INSN_FP; r++) {
		int16_t now = join(to->r[r], f->r[r]);

		w->changed |= now != to->r[r];
		to->r[r] = now;
	}
}

/* What a memory instruction's address is, or whether a call is given one of this stack. */
static int16_t base_of(const struct vflow *f, const struct bpf_insn *in)
{
	bool loads = BPF_CLASS(in->code) == BPF_LDX || insn_is_load_acq(in);

	for (unsigned r = 1; r <= 5 && insn_is_call(in); r++)
		if (is_own(f->r[r]))
			return F_ANY;
	return insn_is_call(in) ? F_NUMBER : value(f, loads ? in->src_reg : in->dst_reg);
}

static void block(struct flow *w, uint32_t at)
{
	struct verify *v = w->v;
	struct vflow f = w->at[v->node[at]];

	for (;;) {
		const struct bpf_insn *in = &v->p->insn[at];

		v->base[at] = base_of(&f, in);
		step(w, &f, in);
		if (insn_is_branch(in))
			flows_to(w, &f, (uint32_t)insn_target(in, at));
		if (insn_is_ja(in) || insn_is_exit(in))
			return;
		at += 1 + insn_is_lddw(in);
		if (v->mark[at] & VM_NODE) {
			flows_to(w, &f, at);
			return;
		}
	}
}

static void function(struct flow *w, uint32_t sub, uint32_t from, uint32_t to)
{
	const struct program_subprog *sp = &w->v->p->sub[sub];
	struct vflow *start = &w->at[w->v->node[sp->start]];
	unsigned turns = 0;

	for (unsigned i = 0; i < VERIFY_SLOTS; i++)
		w->spill[i] = F_NOTHING;
	for (unsigned r = 0; r < INSN_FP; r++)
		start->r[r] = sub && r >= 1 && r <= 5 ? F_OTHERS : F_NUMBER;
	do {
		w->changed = false;
		for (uint32_t k = to; k-- > from;)
			block(w, w->v->order[k]);
	} while (w->changed && ++turns < VERIFY_TURNS);
	for (uint32_t i = sp->start; w->changed && i < sp->end; i++)
		w->v->base[i] = F_ANY;
}

int vflow_compute(struct verify *v)
{
	struct flow w = { .v = v };
	uint32_t from = 0;

	v->base = calloc(v->p->ninsns, sizeof(*v->base));
	w.at = malloc(v->nnodes * sizeof(*w.at));
	if (!v->base || !w.at) {
		free(w.at);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < v->nnodes; i++)
		for (unsigned r = 0; r < INSN_FP; r++)
			w.at[i].r[r] = F_NOTHING;
	for (uint32_t s = 0; s < v->p->nsub; s++) {
		function(&w, s, from, v->order_end[s]);
		from = v->order_end[s];
	}
	free(w.at);
	return 0;
}

/* The halves of slots that `size` bytes at r10 + at lie in. */
static void halves(int at, unsigned size, uint64_t slot[2])
{
	for (int k = at & -4; k < at + (int)size; k += 4)
		if (k >= -PROGRAM_MAX_STACK && k < 0)
			slot[k & 4 ? 1 : 0] |= 1ull << ((-k - 1) / 8);
}

enum vreach vflow_reach(const struct verify *v, uint32_t at, struct vslots *slots)
{
	const struct bpf_insn *in = &v->p->insn[at];
	int16_t p = v->base[at];

	*slots = (struct vslots){ { 0, 0 } };
	if (p == F_OTHERS)
		return REACH_OTHERS;
	if (p == F_NUMBER || p == F_NOTHING)
		return REACH_NONE;
	if (p == F_ANY) {
		slots->half[0] = slots->half[1] = UINT64_MAX;
		return REACH_ANY;
	}
	halves(p + in->off, insn_bytes(in), slots->half);
	return insn_bytes(in) >= 4 && (p + in->off) % 4 == 0 ? REACH_WHOLE : REACH_PART;
}

/* May a register that the call is given hold an address of this stack? */
bool vflow_escapes(const struct verify *v, uint32_t at)
{
	return v->base[at] == F_ANY;
}
