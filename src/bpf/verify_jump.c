/*
 * bpf/verify_jump.c - see verify_priv.h: conditional jumps, and what both ways know then.
 *
 * The path goes on behind the jump; the other way waits.  What the comparison tells of a number is
 * told to all its copies; what it tells of a pointer that may be NULL, too.
 */
#include "bpf/verify_priv.h"

#include <string.h>

struct copies {
	uint32_t id;
	struct range r;
};

static bool is_copy(const struct vreg *r, const void *arg)
{
	const struct copies *c = arg;

	return r->kind == V_SCALAR && r->id == c->id;
}

static void tell(struct vreg *r, const void *arg)
{
	const struct copies *c = arg;

	r->r = c->r;
}

static void set_number(struct verify *v, struct vstate *s, unsigned reg, struct range r)
{
	struct vreg *to = &s->f[s->depth]->r[reg];
	struct copies c = { to->id, r };

	to->r = r;
	if (to->id)
		vreg_each(v, s, is_copy, tell, &c);
}

struct null {
	uint32_t id;
	bool is_null;
};

static bool is_null_too(const struct vreg *r, const void *arg)
{
	const struct null *n = arg;

	return r->flags & VF_NULL && r->id == n->id;
}

static void tell_null(struct vreg *r, const void *arg)
{
	const struct null *n = arg;

	if (n->is_null) {
		*r = vreg_scalar(range_const(0));
	} else {
		r->flags &= (uint8_t)~VF_NULL;
		r->id = 0;
	}
}

/* There was no room for it: nothing to give back. */
static void drop_ref(struct vstate *s, uint32_t id)
{
	for (unsigned k = 0; k < s->nrefs; k++) {
		if (s->ref[k].id != id)
			continue;
		memmove(&s->ref[k], &s->ref[k + 1], (s->nrefs - k - 1) * sizeof(s->ref[0]));
		s->nrefs--;
		return;
	}
}

static void mark_null(struct verify *v, struct vstate *s, unsigned reg, bool is_null)
{
	const struct vreg *r = &s->f[s->depth]->r[reg];
	struct null n = { r->id, is_null };

	if (is_null && r->ref)
		drop_ref(s, r->ref);
	vreg_each(v, s, is_null_too, tell_null, &n);
}

static int go(struct verify *v, const struct bpf_insn *in, bool taken)
{
	v->cur->at = taken ? (uint32_t)insn_target(in, v->cur->at) : v->cur->at + 1;
	return 0;
}

/* Both ways are possible: the state that waits at the jump's target. */
static struct vstate *other_way(struct verify *v, const struct bpf_insn *in)
{
	return vstate_branch(v, (uint32_t)insn_target(in, v->cur->at));
}

/* -- pointers ------------------------------------------------------------------------------ */

static int null_test(struct verify *v, const struct bpf_insn *in, unsigned reg)
{
	bool eq = BPF_OP(in->code) == BPF_JEQ;
	struct vstate *other = other_way(v, in);

	if (!other)
		return -ENOMEM;
	mark_null(v, other, reg, eq);
	mark_null(v, v->cur, reg, !eq);
	return go(v, in, false);
}

static bool never_null(const struct vreg *r)
{
	return r->kind != V_BTF && r->kind != V_SCALAR && !(r->flags & VF_NULL);
}

/* dst is a pointer, or src is. */
static int compare_pointers(struct verify *v, const struct bpf_insn *in, const struct vreg *src)
{
	const struct vreg *dst = vreg(v, in->dst_reg);
	unsigned op = BPF_OP(in->code);
	bool zero = vreg_is_const(src) && !src->r.umin && BPF_CLASS(in->code) == BPF_JMP;

	if (zero && (op == BPF_JEQ || op == BPF_JNE)) {
		if (dst->flags & VF_NULL)
			return null_test(v, in, in->dst_reg);
		if (never_null(dst))
			return go(v, in, op == BPF_JNE);
	}
	return other_way(v, in) ? go(v, in, false) : -ENOMEM;
}

/* -- numbers -------------------------------------------------------------------------------- */

/* A register compared with itself. */
static int decide_same(unsigned op)
{
	switch (op) {
	case BPF_JEQ:
	case BPF_JGE:
	case BPF_JLE:
	case BPF_JSGE:
	case BPF_JSLE:
		return 1;
	case BPF_JSET:
		return -1;
	default:
		return 0;
	}
}

static int split(struct verify *v, const struct bpf_insn *in, const struct vreg *src)
{
	bool wide = BPF_CLASS(in->code) == BPF_JMP, reg = BPF_SRC(in->code) == BPF_X;
	bool same = reg && in->src_reg == in->dst_reg;
	struct range a[2], b[2];
	struct vstate *other;
	bool can[2];

	for (int taken = 0; taken < 2; taken++) {
		a[taken] = vreg(v, in->dst_reg)->r;
		b[taken] = src->r;
		can[taken] =
			same || range_branch(BPF_OP(in->code), wide, &a[taken], &b[taken], taken);
	}
	if (same) {
		a[0] = a[1] = vreg(v, in->dst_reg)->r;
	} else if (!can[0] || !can[1]) {
		if (can[0] || can[1])
			set_number(v, v->cur, in->dst_reg, a[can[1]]);
		return go(v, in, can[1]);
	}
	other = other_way(v, in);
	if (!other)
		return -ENOMEM;
	set_number(v, other, in->dst_reg, a[1]);
	set_number(v, v->cur, in->dst_reg, a[0]);
	if (reg && !same) {
		set_number(v, other, in->src_reg, b[1]);
		set_number(v, v->cur, in->src_reg, b[0]);
	}
	return go(v, in, false);
}

static int compare(struct verify *v, const struct bpf_insn *in)
{
	bool wide = BPF_CLASS(in->code) == BPF_JMP, reg = BPF_SRC(in->code) == BPF_X;
	struct vreg src = vreg_scalar(range_const((uint64_t)(int64_t)in->imm));
	const struct vreg *dst = vreg(v, in->dst_reg);
	int way, err = vreg_read(v, in->dst_reg);

	if (!err && reg)
		err = vreg_read(v, in->src_reg);
	if (err)
		return err;
	if (reg)
		src = *vreg(v, in->src_reg);
	v->since_jumps++;
	if (vreg_is_pointer(dst) || vreg_is_pointer(&src))
		return compare_pointers(v, in, &src);
	way = reg && in->src_reg == in->dst_reg ?
		      decide_same(BPF_OP(in->code)) :
		      range_decide(BPF_OP(in->code), wide, &dst->r, &src.r);
	return way >= 0 ? go(v, in, way) : split(v, in, &src);
}

/* The budget may be spent at any time; once it is, it is for the rest of this call. */
static int may_goto(struct verify *v, const struct bpf_insn *in)
{
	struct vstate *other;
	struct vframe *f;

	v->since_jumps++;
	if (vframe(v)->spent)
		return go(v, in, true);
	other = other_way(v, in);
	f = other ? vframe_own(v, other, other->depth) : NULL;
	if (!f)
		return -ENOMEM;
	f->spent = true;
	return go(v, in, false);
}

int vjump_insn(struct verify *v, const struct bpf_insn *in)
{
	if (insn_is_ja(in)) {
		v->since_jumps++;
		return go(v, in, true);
	}
	if (insn_is_may_goto(in))
		return may_goto(v, in);
	return compare(v, in);
}
