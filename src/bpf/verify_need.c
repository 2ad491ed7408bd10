/*
 * bpf/verify_need.c - see verify_priv.h: what may be forgotten where paths meet.
 *
 * Two questions, answered backwards over each function for every instruction, of its registers and
 * of the halves of its stack's slots:
 *
 * live: is it read before it is set?  A register that is not is as if it had never been set, and so is
 * what lies on the stack.
 *
 * need: does what is known of a number count?  It does where the number becomes part of an address, a
 * size, a helper's argument that is looked at, or a result that has a range; where a loop ends by it;
 * once that was found to matter, where it moves an address, which must stay near even if it is only given
 * away (vneed_learn());
 * and, but for the first tries, where any branch depends on it.  What it is computed from counts then, too, and
 * what it is compared with.  All other numbers are any number.
 *
 * Why this is sound.  verify_prune.c forgets in the state itself that the path goes on with, so what is
 * proved is proved of all that is possible, of more than is: an answer that is wrong here can refuse a
 * program, never let one pass.  The kernel compares states loosely instead, and marks backwards what it
 * must not be loose about (mark_chain_precision() in kernel/bpf/verifier.c; a mark that was missed
 * there was CVE-2023-2163).  What is refused is looked at again with less forgotten (verify.c), and at
 * last with nothing but dead registers, so nothing is refused because of this either.
 *
 * What that means for ...
 *   equal numbers (ids)  one that is equal to a needed one is kept, too (verify_prune.c), since a
 *                        comparison of it tells of the other
 *   halves of 32 bits    no number is forgotten in part
 *   spills               slots are followed like registers while their address is known; through others,
 *                        all that lie in reach are read, and none is set for certain
 *   frames of callers    count as they do before the call; a function that is given an address of its
 *                        caller's stack may read all of it, and what it stores there counts
 *   callbacks            the same; the call is looked at again after each run
 *   loops                to the fixed point, or all counts
 *   iterators            their slots are never forgotten
 *   memory for helpers   a helper reads any bytes: they need not be known (vstack_read_range())
 */
#include "bpf/kfunc.h"
#include "bpf/proto.h"
#include "bpf/verify_priv.h"

#include <stdlib.h>
#include <string.h>

#define BIT(r) (uint16_t)(1u << (r))
#define ARGS   (uint16_t)0x3e /* r1 - r5 */
#define GONE   (uint16_t)0x3f /* r0 - r5 */

/* -- of one instruction ----------------------------------------------------------------------- */

static uint16_t src_bit(const struct bpf_insn *in)
{
	return BPF_SRC(in->code) == BPF_X ? BIT(in->src_reg) : 0;
}

static void unset(struct vset *s, uint16_t regs)
{
	s->reg &= (uint16_t)~regs;
}

static bool any_of(const struct vslots *a, const struct vslots *b)
{
	return a->half[0] & b->half[0] || a->half[1] & b->half[1];
}

static void add_slots(struct vslots *to, const struct vslots *s)
{
	to->half[0] |= s->half[0];
	to->half[1] |= s->half[1];
}

static void drop_slots(struct vslots *to, const struct vslots *s)
{
	to->half[0] &= ~s->half[0];
	to->half[1] &= ~s->half[1];
}

static void all_slots(struct vslots *s)
{
	s->half[0] = s->half[1] = UINT64_MAX;
}

/* An address by a number, as far as it was seen. */
static bool may_move(const struct verify *v, uint32_t at)
{
	const struct bpf_insn *in = &v->p->insn[at];
	unsigned op = BPF_OP(in->code);

	return BPF_CLASS(in->code) == BPF_ALU64 && BPF_SRC(in->code) == BPF_X &&
	       (op == BPF_ADD || op == BPF_SUB) && !(v->mark[at] & VM_SUMS);
}

static void alu(const struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	unsigned op = BPF_OP(in->code);
	uint16_t dst = BIT(in->dst_reg), src = op == BPF_END ? 0 : src_bit(in);
	bool need = n->need.reg & dst;
	bool of_itself = (op == BPF_SUB || op == BPF_XOR) && src == dst;

	if (op == BPF_MOV) {
		unset(&n->live, dst);
		unset(&n->need, dst);
	}
	/* also if nobody reads the result: operands must be set */
	n->live.reg |= (uint16_t)(src | (op == BPF_MOV ? 0 : dst));
	if (need && of_itself)
		unset(&n->need, dst);
	else if (need)
		n->need.reg |= src;
	if (v->learnt && may_move(v, at))
		n->need.reg |= src | dst;
}

static void load(const struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	uint16_t dst = BIT(in->dst_reg), base = BIT(in->src_reg);
	bool need = n->need.reg & dst;
	struct vslots s;

	vflow_reach(v, at, &s);
	unset(&n->live, dst);
	unset(&n->need, dst);
	n->live.reg |= base;
	n->need.reg |= base;
	add_slots(&n->live.slot, &s);
	if (need)
		add_slots(&n->need.slot, &s);
}

static void store(const struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	uint16_t src = BPF_CLASS(in->code) == BPF_STX ? BIT(in->src_reg) : 0;
	struct vslots s;
	enum vreach reach = vflow_reach(v, at, &s);

	if (reach == REACH_OTHERS || any_of(&n->need.slot, &s))
		n->need.reg |= src;
	n->live.reg |= (uint16_t)(src | BIT(in->dst_reg));
	n->need.reg |= BIT(in->dst_reg);
	if (reach == REACH_WHOLE) {
		drop_slots(&n->live.slot, &s);
		drop_slots(&n->need.slot, &s);
	}
}

/* What is there becomes any number, but must be readable. */
static void atomic(const struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	int written = insn_writes(in);
	struct vslots s;

	vflow_reach(v, at, &s);
	if (written >= 0) {
		unset(&n->live, BIT(written));
		unset(&n->need, BIT(written));
	}
	n->live.reg |= (uint16_t)(BIT(in->dst_reg) | BIT(in->src_reg) |
				  (in->imm == BPF_CMPXCHG ? BIT(0) : 0));
	n->need.reg |= BIT(in->dst_reg);
	add_slots(&n->live.slot, &s);
}

static void compare(const struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	uint16_t both = BIT(in->dst_reg) | src_bit(in);

	n->live.reg |= both;
	if (n->need.reg & both || v->forget == FORGET_NUMBERS || v->mark[at] & VM_LOOP)
		n->need.reg |= both;
}

/* -- calls -------------------------------------------------------------------------------------- */

static void helper_args(const struct helper_proto *proto, uint16_t *read, uint16_t *count)
{
	for (unsigned r = 1; r <= PROTO_ARGS; r++) {
		enum proto_arg arg = proto ? (enum proto_arg)proto->arg[r - 1] : ARG_CONST;

		if (arg != ARG_NONE)
			*read |= BIT(r);
		if (arg != ARG_NONE && arg != ARG_ANY)
			*count |= BIT(r);
	}
}

static void kfunc_args(const struct kfunc *k, uint16_t *read, uint16_t *count)
{
	bool numbers = k && (k->id == KFUNC_ITER_NUM_NEW || k->id == KFUNC_SET_ERRNO);

	for (unsigned r = 1; r <= (k ? k->nargs : KFUNC_MAX_ARGS); r++) {
		*read |= BIT(r);
		if (!numbers || (r == 1 && k->flags & KFUNC_TAKES_ITER))
			*count |= BIT(r);
	}
}

static void call(struct verify *v, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];
	uint16_t read = 0, count = 0;

	if (in->src_reg == CALL_LOCAL) {
		uint32_t s = program_sub_at(v->p, (uint32_t)insn_target(in, at));
		const struct vneed *callee = vneed_at(v, v->p->sub[s].start);

		if (vglobal_is(v, s)) {
			vglobal_args(vfunc(v, s), &read, &count);
		} else {
			if (n->need.reg & BIT(0) && !(v->sub[s] & SUB_RESULT))
				v->sub[s] |= SUB_RESULT | SUB_AGAIN;
			read = callee->live.reg & ARGS;
			count = callee->need.reg & ARGS;
		}
	} else if (in->src_reg == CALL_KFUNC) {
		kfunc_args(kfunc_by_id((uint32_t)in->imm), &read, &count);
	} else {
		helper_args(proto_by_id((uint32_t)in->imm), &read, &count);
	}
	unset(&n->live, GONE);
	unset(&n->need, GONE);
	n->live.reg |= read;
	n->need.reg |= count;
	if ((in->src_reg == CALL_LOCAL || vcall_is_callback(in)) && vflow_escapes(v, at)) {
		all_slots(&n->live.slot);
		all_slots(&n->need.slot);
	}
}

/* The result of a function counts if it does for one who calls it. */
static void leave(const struct verify *v, uint32_t sub, struct vneed *n)
{
	bool first = !sub, callback = v->p->sub[sub].callback;
	bool ranged = v->p->kind == PROGRAM_FENTRY || v->p->kind == PROGRAM_FEXIT;

	*n = (struct vneed){ .live.reg = BIT(0) };
	if ((first && ranged) || callback || v->sub[sub] & SUB_RESULT)
		n->need.reg = BIT(0);
}

/* n: what counts behind the instruction, then what does before it. */
static void step(struct verify *v, uint32_t sub, uint32_t at, struct vneed *n)
{
	const struct bpf_insn *in = &v->p->insn[at];

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		alu(v, at, n);
		return;
	case BPF_LD:
		unset(&n->live, BIT(in->dst_reg));
		unset(&n->need, BIT(in->dst_reg));
		return;
	case BPF_LDX:
		load(v, at, n);
		return;
	case BPF_ST:
	case BPF_STX:
		if (insn_is_load_acq(in))
			load(v, at, n);
		else if (insn_is_atomic(in) && !insn_is_store_rel(in))
			atomic(v, at, n);
		else
			store(v, at, n);
		return;
	default:
		break;
	}
	if (insn_is_call(in))
		call(v, at, n);
	else if (insn_is_exit(in))
		leave(v, sub, n);
	else if (!insn_is_ja(in) && !insn_is_may_goto(in))
		compare(v, at, n);
}

/* -- of all -------------------------------------------------------------------------------------- */

static void merge(struct vneed *to, const struct vneed *n)
{
	to->live.reg |= n->live.reg;
	to->need.reg |= n->need.reg;
	add_slots(&to->live.slot, &n->live.slot);
	add_slots(&to->need.slot, &n->need.slot);
}

static bool same(const struct vset *a, const struct vset *b)
{
	return a->reg == b->reg && a->slot.half[0] == b->slot.half[0] &&
	       a->slot.half[1] == b->slot.half[1];
}

static bool same_need(const struct vneed *a, const struct vneed *b)
{
	return same(&a->live, &b->live) && same(&a->need, &b->need);
}

/* The block that begins at `at`, backwards; true: something changed there. */
static bool block(struct verify *v, uint32_t sub, uint32_t at)
{
	struct vneed *first = vneed_at(v, at), n = { .live.reg = 0 };
	uint32_t last = at;

	for (;;) {
		const struct bpf_insn *in = &v->p->insn[last];
		uint32_t next = last + 1 + insn_is_lddw(in);

		if (insn_is_ja(in) || insn_is_exit(in))
			break;
		if (v->mark[next] & VM_NODE) {
			n = *vneed_at(v, next);
			break;
		}
		last = next;
	}
	for (uint32_t i = last + 1; i-- > at;) {
		const struct bpf_insn *in = &v->p->insn[i];

		if (v->mark[i] & VM_SECOND)
			continue;
		if (insn_is_branch(in))
			merge(&n, vneed_at(v, (uint32_t)insn_target(in, i)));
		step(v, sub, i, &n);
	}
	if (same_need(&n, first))
		return false;
	*first = n;
	return true;
}

static bool pass(struct verify *v, uint32_t sub, uint32_t from, uint32_t to)
{
	bool changed = false;

	for (uint32_t k = from; k < to; k++)
		changed |= block(v, sub, v->order[k]);
	return changed;
}

/* Who calls it has to look again, if its arguments count for more than before. */
static void tell_callers(struct verify *v, uint32_t sub)
{
	for (uint32_t s = 0; s < v->p->nsub; s++)
		if (v->p->edge[s * v->p->nsub + sub])
			v->sub[s] |= SUB_AGAIN;
}

static void give_up(struct verify *v, uint32_t from, uint32_t to)
{
	for (uint32_t k = from; k < to; k++)
		memset(vneed_at(v, v->order[k]), 0xff, sizeof(struct vneed));
}

static void function(struct verify *v, uint32_t sub)
{
	uint32_t from = sub ? v->order_end[sub - 1] : 0, to = v->order_end[sub];
	const struct vneed *start = vneed_at(v, v->p->sub[sub].start);
	struct vneed before = *start;
	unsigned turns = 0;

	v->sub[sub] &= (uint8_t)~SUB_AGAIN;
	while (pass(v, sub, from, to))
		if (++turns == VERIFY_TURNS) {
			give_up(v, from, to);
			break;
		}
	v->looked += (uint64_t)(turns + 1) * (v->p->sub[sub].end - v->p->sub[sub].start);
	if (!same_need(&before, start))
		tell_callers(v, sub);
}

void vneed_compute(struct verify *v)
{
	uint64_t most = VERIFY_TURNS * (uint64_t)v->p->ninsns + 1000000;
	bool again = true;

	memset(v->need, 0, v->nnodes * sizeof(*v->need));
	memset(v->sub, SUB_AGAIN, v->p->nsub);
	v->looked = 0;
	while (again && v->looked < most) {
		again = false;
		for (uint32_t s = v->p->nsub; s-- && v->looked < most;)
			if (v->sub[s] & SUB_AGAIN) {
				again = true;
				function(v, s);
			}
	}
	if (again)
		give_up(v, 0, v->nnodes);
}

/*
 * What was refused moves an address that nobody looks behind, but a helper that is given it as a number,
 * by what was forgotten: an offset, for instance, that CO-RE left in a register (BPF_CORE_READ()).
 * All numbers that address may be moved by count from now on.  false: none does that did not before.
 */
bool vneed_learn(struct verify *v)
{
	size_t n = v->nnodes * sizeof(*v->need);
	struct vneed *before = v->learnt || !may_move(v, v->cur->at) ? NULL : malloc(n);
	bool more = false;

	if (!before)
		return false;
	memcpy(before, v->need, n);
	v->learnt = true;
	vneed_compute(v);
	for (uint32_t i = 0; i < v->nnodes; i++)
		more |= !same_need(&before[i], &v->need[i]);
	free(before);
	return more;
}
