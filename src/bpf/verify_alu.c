/*
 * bpf/verify_alu.c - see verify_priv.h: arithmetic.
 *
 * Of numbers it is range.h's.  A pointer and a number added, or the number taken away, give a pointer
 * into the same object, whose distance from it is kept in two parts: off, which is known, and r.  Two
 * pointers' difference, and whatever else is done to pointers with 32 bits or by copying a part, is
 * a number of which nothing is known.
 */
#include "bpf/verify_priv.h"

static const char *op_text(unsigned op)
{
	static const char *const text[] = { "+=",  "-=",  "*=", "/=", "|=", "&=",   "<<=",
					    ">>=", "neg", "%=", "^=", "=",  "s>>=", "swap" };

	return (op >> 4) < ARRAY_LEN(text) ? text[op >> 4] : "?";
}

static bool may_move(const struct vreg *p)
{
	return p->kind == V_CTX || p->kind == V_STACK || p->kind == V_VALUE || p->kind == V_MEM ||
	       p->kind == V_BTF;
}

static int far(struct verify *v, const struct vreg *p, int64_t by, bool number)
{
	static const char check[] = "compare it with a smaller bound before: if (i < N) p += i";

	if (number)
		return vdeny(v, check, "value %lld makes %s pointer be out of bounds",
			     (long long)by, vreg_kind_name(p));
	return vdeny(v, check, "%s pointer offset %lld is not allowed", vreg_kind_name(p),
		     (long long)by);
}

/* p + n or p - n */
static int move_pointer(struct verify *v, unsigned dst, struct vreg p, const struct vreg *n,
			bool minus)
{
	struct range by = range_const(0);

	range_alu(&by, minus ? BPF_SUB : BPF_ADD, true, 0, &n->r);
	if (range_is_const(&by)) {
		int64_t c = (int64_t)by.umin;

		if (c <= -VERIFY_MAX_OFF || c >= VERIFY_MAX_OFF)
			return far(v, &p, c, true);
		if (p.off + c <= -VERIFY_MAX_OFF || p.off + c >= VERIFY_MAX_OFF)
			return far(v, &p, p.off + c, false);
		p.off += (int32_t)c;
	} else {
		if (by.smin == INT64_MIN)
			return vdeny(
				v, "make it unsigned, or check that it is not negative",
				"math between %s pointer and register with unbounded min value "
				"is not allowed",
				vreg_kind_name(&p));
		if (by.smin <= -VERIFY_MAX_OFF)
			return far(v, &p, by.smin, true);
		range_alu(&p.r, BPF_ADD, true, 0, &by);
	}
	*vreg(v, dst) = p;
	return 0;
}

static int pointer_denied(struct verify *v, unsigned dst, const struct vreg *p, unsigned op)
{
	if (op != BPF_ADD && op != BPF_SUB) {
		bool bits = op == BPF_AND || op == BPF_OR || op == BPF_XOR;

		return vdeny(v, "only numbers can be added to pointers, or taken from them",
			     bits ? "R%u bitwise operator %s on pointer prohibited" :
				    "R%u pointer arithmetic with %s operator prohibited",
			     dst, op_text(op));
	}
	if (p->flags & VF_NULL)
		return vdeny(v, "compare it with NULL first: if (!p) return 0;",
			     "R%u pointer arithmetic on %s prohibited, null-check it first", dst,
			     vreg_kind_name(p));
	return vdeny(v, "there is nothing inside it that an address could be of",
		     "R%u pointer arithmetic on %s prohibited", dst, vreg_kind_name(p));
}

/* One operand at least is a pointer. */
static int pointer_math(struct verify *v, const struct bpf_insn *in, const struct vreg *src)
{
	struct vreg dst = *vreg(v, in->dst_reg), number = *src;
	unsigned op = BPF_OP(in->code);
	const struct vreg *p = vreg_is_pointer(&dst) ? &dst : src;

	if (BPF_CLASS(in->code) == BPF_ALU) {
		if (op == BPF_SUB) {
			*vreg(v, in->dst_reg) = vreg_scalar(range_load(4, false));
			return 0;
		}
		return vdeny(v, "addresses have 64 bits: use a 64-bit type",
			     "R%u 32-bit pointer arithmetic prohibited", in->dst_reg);
	}
	if (vreg_is_pointer(&dst) && vreg_is_pointer(src)) {
		if (op != BPF_SUB)
			return vdeny(v, "pointers can only be subtracted from each other",
				     "R%u pointer %s pointer prohibited", in->dst_reg, op_text(op));
		*vreg(v, in->dst_reg) = vreg_number();
		return 0;
	}
	if (op == BPF_SUB && p == src)
		return vdeny(v, "a number minus a pointer means nothing",
			     "R%u tried to subtract pointer from scalar", in->dst_reg);
	if ((op != BPF_ADD && op != BPF_SUB) || p->flags & VF_NULL || !may_move(p))
		return pointer_denied(v, in->dst_reg, p, op);
	if (p == src)
		number = dst;
	return move_pointer(v, in->dst_reg, *p, &number, op == BPF_SUB);
}

/* The copies of a number are known to be equal by their id. */
static int mov(struct verify *v, const struct bpf_insn *in, struct vreg *src)
{
	bool wide = BPF_CLASS(in->code) == BPF_ALU64;
	struct vreg *dst = vreg(v, in->dst_reg);
	struct vreg out = *src;
	struct range from;

	if (BPF_SRC(in->code) != BPF_X) {
		*dst = vreg_scalar(wide ? range_const((uint64_t)(int64_t)in->imm) :
					  range_const((uint32_t)in->imm));
		return 0;
	}
	if (wide && !in->off) {
		if (src->kind == V_SCALAR && !src->id && !range_is_const(&src->r))
			vreg(v, in->src_reg)->id = out.id = ++v->ids;
		*dst = out;
		return 0;
	}
	if (src->kind != V_SCALAR) /* src->r is its distance from the object, not the address */
		out = vreg_number();
	if (wide || in->off || out.r.umax > UINT32_MAX)
		out.id = 0;
	else if (!out.id && !range_is_const(&out.r))
		vreg(v, in->src_reg)->id = out.id = ++v->ids;
	out.flags &= (uint8_t)~VF_TARGET;
	from = out.r;
	range_alu(&out.r, BPF_MOV, wide, in->off, &from);
	*dst = out;
	return 0;
}

static int swap(struct verify *v, const struct bpf_insn *in)
{
	struct vreg *dst = vreg(v, in->dst_reg);
	bool reverse = BPF_CLASS(in->code) == BPF_ALU64 || BPF_SRC(in->code) == BPF_TO_BE;
	int err = vreg_read(v, in->dst_reg);

	if (err)
		return err;
	if (dst->kind != V_SCALAR)
		*dst = vreg_number();
	dst->id = 0;
	dst->flags = 0;
	range_swap(&dst->r, (unsigned)in->imm, reverse);
	return 0;
}

/* The two operands are one register. */
static bool of_itself(struct vreg *dst, unsigned op)
{
	if (op != BPF_SUB && op != BPF_XOR)
		return false;
	*dst = vreg_scalar(range_const(0));
	return true;
}

static int numbers(struct verify *v, const struct bpf_insn *in, const struct vreg *src)
{
	struct vreg *dst = vreg(v, in->dst_reg);
	unsigned op = BPF_OP(in->code);
	bool wide = BPF_CLASS(in->code) == BPF_ALU64;
	uint8_t flags = wide && op == BPF_ADD ? (dst->flags | src->flags) & VF_TARGET :
			wide && op == BPF_SUB ? dst->flags & VF_TARGET :
						0;

	v->mark[v->cur->at] |= VM_SUMS;
	if (BPF_SRC(in->code) == BPF_X && in->src_reg == in->dst_reg && of_itself(dst, op))
		return 0;
	range_alu(&dst->r, (uint8_t)op, wide, in->off, &src->r);
	dst->id = 0;
	dst->flags = flags;
	return 0;
}

static int shift_by(struct verify *v, const struct bpf_insn *in)
{
	unsigned op = BPF_OP(in->code), width = BPF_CLASS(in->code) == BPF_ALU64 ? 64 : 32;

	if (BPF_SRC(in->code) == BPF_X || (op != BPF_LSH && op != BPF_RSH && op != BPF_ARSH) ||
	    (uint32_t)in->imm < width)
		return 0;
	return vdeny(v, "shift by less than the type has bits", "invalid shift %d", in->imm);
}

int valu_insn(struct verify *v, const struct bpf_insn *in)
{
	unsigned op = BPF_OP(in->code);
	bool reg = BPF_SRC(in->code) == BPF_X && op != BPF_END;
	struct vreg src = vreg_scalar(range_const((uint64_t)(int64_t)in->imm));
	int err = reg ? vreg_read(v, in->src_reg) : 0;

	if (op == BPF_END)
		return swap(v, in);
	if (!err && op != BPF_MOV)
		err = vreg_read(v, in->dst_reg);
	if (!err)
		err = shift_by(v, in);
	if (err)
		return err;
	if (reg)
		src = *vreg(v, in->src_reg);
	if (op == BPF_MOV)
		return mov(v, in, &src);
	if (op == BPF_NEG && vreg_is_pointer(vreg(v, in->dst_reg))) {
		*vreg(v, in->dst_reg) = vreg_number();
		return 0;
	}
	if (vreg_is_pointer(vreg(v, in->dst_reg)) || vreg_is_pointer(&src))
		return pointer_math(v, in, &src);
	return numbers(v, in, &src);
}
