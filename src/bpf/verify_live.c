/*
 * bpf/verify_live.c - see verify_priv.h: what can be reached, where paths meet, which registers
 * matter.
 *
 * A register that no instruction reads before it is set again makes no two states different.  A
 * call reads all that its callee may, and changes r0 to r5.
 */
#include "bpf/kfunc.h"
#include "bpf/verify_priv.h"

#include <stdlib.h>

#define BIT(r) (uint16_t)(1u << (r))
#define ARGS   (uint16_t)0x3e /* r1 - r5 */
#define GONE   (uint16_t)0x3f /* r0 - r5 */

static uint16_t reads(const struct bpf_insn *in)
{
	uint16_t src = BPF_SRC(in->code) == BPF_X ? BIT(in->src_reg) : 0;

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_OP(in->code) == BPF_END)
			return BIT(in->dst_reg);
		return src | (BPF_OP(in->code) == BPF_MOV ? 0 : BIT(in->dst_reg));
	case BPF_LDX:
		return BIT(in->src_reg);
	case BPF_ST:
		return BIT(in->dst_reg);
	case BPF_STX:
		return BIT(in->dst_reg) | BIT(in->src_reg) |
		       (insn_is_atomic(in) && in->imm == BPF_CMPXCHG ? BIT(0) : 0);
	case BPF_LD:
		return 0;
	default:
		break;
	}
	if (insn_is_call(in))
		return ARGS;
	if (insn_is_exit(in))
		return BIT(0);
	return insn_is_ja(in) || insn_is_may_goto(in) ? 0 : src | BIT(in->dst_reg);
}

static uint16_t sets(const struct bpf_insn *in)
{
	int w = insn_writes(in);

	if (insn_is_call(in))
		return GONE;
	return w >= 0 ? BIT((unsigned)w) : 0;
}

static bool is_iter_next(const struct bpf_insn *in)
{
	return insn_is_call(in) && in->src_reg == CALL_KFUNC && in->imm == KFUNC_ITER_NUM_NEXT;
}

static void push(struct verify *v, uint32_t *queue, uint32_t *n, uint32_t at)
{
	if (v->mark[at] & VM_SEEN)
		return;
	v->mark[at] |= VM_SEEN;
	queue[(*n)++] = at;
}

static void reach(struct verify *v, uint32_t *queue)
{
	const struct bpf_insn *insn = v->p->insn;
	uint32_t n = 0;

	for (uint32_t s = 0; s < v->p->nsub; s++)
		push(v, queue, &n, v->p->sub[s].start);
	while (n) {
		uint32_t at = queue[--n];
		const struct bpf_insn *in = &insn[at];

		if (insn_is_branch(in)) {
			uint32_t to = (uint32_t)insn_target(in, at);

			v->mark[to] |= VM_PRUNE;
			push(v, queue, &n, to);
		}
		if (vcall_is_callback(in) || is_iter_next(in) || insn_is_may_goto(in))
			v->mark[at] |= VM_PRUNE | VM_FORCE;
		if (insn_is_exit(in) || insn_is_ja(in))
			continue;
		if (insn_is_lddw(in))
			v->mark[at + 1] |= VM_SECOND;
		push(v, queue, &n, at + 1 + insn_is_lddw(in));
	}
}

static int all_reached(struct verify *v)
{
	for (uint32_t i = 0; i < v->p->ninsns; i++) {
		if (v->mark[i] & (VM_SEEN | VM_SECOND))
			continue;
		v->cur->at = i;
		return vdeny(v, "no path leads there: take it out, or compile with -O2",
			     "unreachable insn %u", i);
	}
	return 0;
}

/* What is read at `at`, or behind it before it is set. */
static uint16_t live_at(const struct verify *v, uint32_t at)
{
	const struct bpf_insn *in = &v->p->insn[at];
	uint16_t after = 0;

	if (insn_is_branch(in))
		after = v->live[insn_target(in, at)];
	if (!insn_is_ja(in) && !insn_is_exit(in))
		after |= v->live[at + 1 + insn_is_lddw(in)];
	return (uint16_t)(reads(in) | (after & ~sets(in)));
}

static void live(struct verify *v)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (uint32_t i = v->p->ninsns; i--;) {
			uint16_t now;

			if (v->mark[i] & VM_SECOND)
				continue;
			now = live_at(v, i);
			changed |= now != v->live[i];
			v->live[i] = now;
		}
	}
}

int vlive_compute(struct verify *v)
{
	uint32_t *queue = calloc(v->p->ninsns, sizeof(*queue));
	int err;

	if (!queue)
		return -ENOMEM;
	reach(v, queue);
	free(queue);
	err = all_reached(v);
	if (!err)
		live(v);
	return err;
}
