/*
 * bpf/jit_insn.c - see jit.h: one BPF instruction into x86-64.
 *
 * r10 of BPF has no register: as an operand it is computed into a scratch register, as a
 * base it is rbp with another displacement.  Sequences that need rax, rcx or rdx (R0, R4,
 * R3) keep them in r10 and r11 meanwhile.
 *
 * Spec     RFC 9669 4 and 5; Intel SDM vol. 2 for what flags and upper halves become
 */
#include "bpf/insn.h"
#include "bpf/jit.h"
#include "x86/frame.h"

#include <errno.h>

static const uint8_t gpr[INSN_FP] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R12, R13, R14 };

enum x86_gpr jit_reg(unsigned r)
{
	return (enum x86_gpr)gpr[r];
}

static enum x86_gpr reg(unsigned r)
{
	return jit_reg(r);
}

static enum x86_width width(const struct bpf_insn *i)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64 || BPF_CLASS(i->code) == BPF_JMP;

	return wide ? X86_Q : X86_D;
}

static enum x86_width mem_width(const struct bpf_insn *i)
{
	switch (BPF_SIZE(i->code)) {
	case BPF_B:
		return X86_B;
	case BPF_H:
		return X86_W;
	case BPF_W:
		return X86_D;
	default:
		return X86_Q;
	}
}

static struct x86_mem mem(const struct jit *j, unsigned base, int off)
{
	if (base == INSN_FP)
		return X86_MEM(RBP, off + j->fp);
	return X86_MEM(reg(base), off);
}

/* The register that holds BPF register r; r10 is put into scratch. */
static enum x86_gpr value(struct jit *j, unsigned r, enum x86_gpr scratch)
{
	if (r != INSN_FP)
		return reg(r);
	x86_lea(j->a, scratch, X86_MEM(RBP, j->fp));
	return scratch;
}

static void mov(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, enum x86_gpr src)
{
	if (w == X86_Q)
		x86_mov_rr(a, dst, src);
	else
		x86_mov_rr32(a, dst, src);
}

/* -- arithmetic -------------------------------------------------------------------- */

static void alu(struct jit *j, const struct bpf_insn *i, enum x86_alu op)
{
	if (BPF_SRC(i->code) == BPF_K)
		x86_alu_ri(j->a, op, width(i), reg(i->dst_reg), i->imm);
	else
		x86_alu_rr(j->a, op, width(i), reg(i->dst_reg), value(j, i->src_reg, R11));
}

static void mul(struct jit *j, const struct bpf_insn *i)
{
	enum x86_gpr dst = reg(i->dst_reg);

	if (BPF_SRC(i->code) == BPF_K)
		x86_imul_rri(j->a, width(i), dst, dst, i->imm);
	else
		x86_imul_rr(j->a, width(i), dst, value(j, i->src_reg, R11));
}

/* r = r10, and what is added to it next. */
static void address(struct jit *j, const struct bpf_insn *i)
{
	int32_t off = j->fp;

	if (i[1].code == (BPF_ALU64 | BPF_ADD | BPF_K) && i[1].dst_reg == i->dst_reg &&
	    j->target[j->at + 1] == JIT_NO_LABEL && i[1].imm >= -PROGRAM_MAX_STACK &&
	    i[1].imm <= 0) {
		off += i[1].imm;
		j->at++;
	}
	x86_lea(j->a, reg(i->dst_reg), X86_MEM(RBP, off));
}

static void move(struct jit *j, const struct bpf_insn *i)
{
	enum x86_gpr dst = reg(i->dst_reg);
	bool wide = width(i) == X86_Q;

	if (BPF_SRC(i->code) == BPF_K) {
		x86_mov_ri(j->a, dst, wide ? (uint64_t)(int64_t)i->imm : (uint32_t)i->imm);
		return;
	}
	if (i->off) {
		enum x86_width from = i->off == 8 ? X86_B : i->off == 16 ? X86_W : X86_D;

		x86_movsx_rr(j->a, from, wide, dst, value(j, i->src_reg, R11));
		return;
	}
	if (wide && i->src_reg == INSN_FP)
		address(j, i);
	else
		mov(j->a, width(i), dst, value(j, i->src_reg, R11));
}

/* The hardware masks the count as RFC 9669 4.1 does.  By register it must be in cl. */
static void shift(struct jit *j, const struct bpf_insn *i, enum x86_shift op)
{
	enum x86_gpr dst = reg(i->dst_reg), src;
	struct x86_asm *a = j->a;

	if (BPF_SRC(i->code) == BPF_K) {
		unsigned bits = (unsigned)i->imm & (width(i) == X86_Q ? 63 : 31);

		if (bits)
			x86_shift_ri(a, op, width(i), dst, (uint8_t)bits);
		else
			mov(a, width(i), dst, dst);
		return;
	}
	src = value(j, i->src_reg, R10);
	if (src == RCX) {
		x86_shift_cl(a, op, width(i), dst);
		return;
	}
	x86_mov_rr(a, R11, RCX);
	x86_mov_rr(a, RCX, src);
	x86_shift_cl(a, op, width(i), dst == RCX ? R11 : dst);
	x86_mov_rr(a, RCX, R11);
}

/* Unsigned division by a power of two, the only one compilers leave to us. */
static bool div_pow2(struct jit *j, const struct bpf_insn *i, bool mod)
{
	enum x86_gpr dst = reg(i->dst_reg);

	if (BPF_SRC(i->code) != BPF_K || i->off || i->imm <= 0 || i->imm & (i->imm - 1))
		return false;
	if (mod)
		x86_alu_ri(j->a, X86_AND, width(i), dst, i->imm - 1);
	else if (i->imm > 1)
		x86_shift_ri(j->a, X86_SHR, width(i), dst,
			     (uint8_t)__builtin_ctz((unsigned)i->imm));
	else
		mov(j->a, width(i), dst, dst);
	return true;
}

/* rax = rax / r9, rdx = rax % r9, where dividing by 0 and by -1 (signed) must not trap. */
static void divide(struct jit *j, const struct bpf_insn *i)
{
	struct x86_asm *a = j->a;
	enum x86_width w = width(i);
	x86_label done = x86_label_new(a), zero = x86_label_new(a), neg = x86_label_new(a);

	x86_test_rr(a, w, R9, R9);
	x86_jcc(a, X86_E, zero);
	if (i->off) {
		x86_alu_ri(a, X86_CMP, w, R9, -1);
		x86_jcc(a, X86_E, neg);
		x86_cdq(a, w);
		x86_idiv(a, w, R9);
	} else {
		x86_alu_rr(a, X86_XOR, X86_D, RDX, RDX);
		x86_div(a, w, R9);
	}
	x86_jmp(a, done);
	x86_bind(a, neg);
	if (i->off) {
		x86_neg(a, w, RAX);
		x86_alu_rr(a, X86_XOR, X86_D, RDX, RDX);
		x86_jmp(a, done);
	}
	x86_bind(a, zero);
	mov(a, w, RDX, RAX);
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_bind(a, done);
}

static void divmod(struct jit *j, const struct bpf_insn *i, bool mod)
{
	enum x86_gpr dst = reg(i->dst_reg), res = mod ? RDX : RAX;
	struct x86_asm *a = j->a;

	if (div_pow2(j, i, mod))
		return;
	if (BPF_SRC(i->code) == BPF_K)
		x86_mov_ri(a, R9, (uint64_t)(int64_t)i->imm);
	else
		x86_mov_rr(a, R9, value(j, i->src_reg, R9));
	if (dst != RAX)
		x86_mov_rr(a, R10, RAX);
	if (dst != RDX)
		x86_mov_rr(a, R11, RDX);
	x86_mov_rr(a, RAX, dst);
	divide(j, i);
	x86_mov_rr(a, dst, res);
	if (dst != RAX)
		x86_mov_rr(a, RAX, R10);
	if (dst != RDX)
		x86_mov_rr(a, RDX, R11);
}

static void swap(struct jit *j, const struct bpf_insn *i)
{
	bool cut_only = BPF_CLASS(i->code) == BPF_ALU && BPF_SRC(i->code) == BPF_K;
	enum x86_gpr dst = reg(i->dst_reg);

	if (i->imm == 16) {
		if (!cut_only)
			x86_ror16(j->a, dst, 8);
		x86_movzx_rr(j->a, X86_W, dst, dst);
	} else if (cut_only) {
		mov(j->a, i->imm == 32 ? X86_D : X86_Q, dst, dst);
	} else {
		x86_bswap(j->a, i->imm == 32 ? X86_D : X86_Q, dst);
	}
}

/* -- jumps --------------------------------------------------------------------------- */

static void branch(struct jit *j, const struct bpf_insn *i, enum x86_cc cc)
{
	x86_label to = j->target[insn_target(i, j->at)];
	enum x86_width w = width(i);
	enum x86_gpr dst = value(j, i->dst_reg, R10);

	if (BPF_OP(i->code) == BPF_JSET) {
		if (BPF_SRC(i->code) == BPF_K)
			x86_test_ri(j->a, w, dst, i->imm);
		else
			x86_test_rr(j->a, w, dst, value(j, i->src_reg, R11));
	} else if (BPF_SRC(i->code) == BPF_X) {
		x86_alu_rr(j->a, X86_CMP, w, dst, value(j, i->src_reg, R11));
	} else if (i->imm) {
		x86_alu_ri(j->a, X86_CMP, w, dst, i->imm);
	} else { /* the same flags as a comparison with 0 */
		x86_test_rr(j->a, w, dst, dst);
	}
	x86_jcc(j->a, cc, to);
}

/* Jumps when the budget of this call, in a fixed slot that programs have no use for, is spent. */
static void may_goto(struct jit *j, const struct bpf_insn *i)
{
	struct x86_mem budget = X86_MEM(RBP, JIT_BUDGET);

	x86_alu_mi(j->a, X86_CMP, X86_D, budget, 0);
	x86_jcc(j->a, X86_E, j->target[insn_target(i, j->at)]);
	x86_alu_mi(j->a, X86_SUB, X86_D, budget, 1);
}

/* -- memory ---------------------------------------------------------------------------- */

static void load(struct jit *j, const struct bpf_insn *i)
{
	struct x86_mem from = mem(j, i->src_reg, i->off);

	if (jit_load_home(j, i))
		return;
	if (program_load_strays(j->p, j->at))
		jit_load_stray(j, i, mem_width(i), from);
	else if (BPF_MODE(i->code) == INSN_MEMSX)
		x86_load_sx(j->a, mem_width(i), reg(i->dst_reg), from);
	else
		x86_load(j->a, mem_width(i), reg(i->dst_reg), from);
}

/*
 * Fetching and, or, xor: no such instruction, so a loop around cmpxchg.  rax is R0, kept
 * in r11, and read from there where R0 is an operand.
 */
static void fetch_loop(struct jit *j, const struct bpf_insn *i, enum x86_alu op)
{
	enum x86_gpr src = reg(i->src_reg), operand = src == RAX ? R11 : src;
	struct x86_mem m = mem(j, i->dst_reg, i->off);
	enum x86_width w = mem_width(i);
	struct x86_asm *a = j->a;
	x86_label again = x86_label_new(a);

	if (m.base == RAX)
		m.base = R11;
	x86_mov_rr(a, R11, RAX);
	x86_load(a, w, RAX, m);
	x86_bind(a, again);
	x86_mov_rr(a, R10, RAX);
	x86_alu_rr(a, op, w, R10, operand);
	x86_lock_cmpxchg(a, w, m, R10);
	x86_jcc(a, X86_NE, again);
	if (src != RAX) {
		x86_mov_rr(a, src, RAX);
		x86_mov_rr(a, RAX, R11);
	}
}

/* One instruction is whole for this thread's signal handlers, locked or not. */
static void atomic_alu(struct jit *j, const struct bpf_insn *i, enum x86_alu op)
{
	struct x86_mem m = mem(j, i->dst_reg, i->off);

	if (!(i->imm & BPF_FETCH) && j->p->own_counters)
		x86_alu_mr(j->a, op, mem_width(i), m, value(j, i->src_reg, R11));
	else if (!(i->imm & BPF_FETCH))
		x86_lock_alu_mr(j->a, op, mem_width(i), m, value(j, i->src_reg, R11));
	else if (op == X86_ADD)
		x86_lock_xadd(j->a, mem_width(i), m, reg(i->src_reg));
	else
		fetch_loop(j, i, op);
}

static void atomic(struct jit *j, const struct bpf_insn *i)
{
	struct x86_mem m = mem(j, i->dst_reg, i->off);
	enum x86_width w = mem_width(i);

	/* every load acquires here, and every store releases: SDM vol. 3, 9.2.2 */
	if (insn_is_load_acq(i)) {
		x86_load(j->a, w, reg(i->dst_reg), mem(j, i->src_reg, i->off));
		return;
	}
	if (insn_is_store_rel(i)) {
		x86_store(j->a, w, m, value(j, i->src_reg, R11));
		return;
	}

	switch (i->imm & ~BPF_FETCH) {
	case BPF_ADD:
		atomic_alu(j, i, X86_ADD);
		break;
	case BPF_OR:
		atomic_alu(j, i, X86_OR);
		break;
	case BPF_AND:
		atomic_alu(j, i, X86_AND);
		break;
	case BPF_XOR:
		atomic_alu(j, i, X86_XOR);
		break;
	case BPF_XCHG & ~BPF_FETCH:
		x86_xchg_mr(j->a, w, m, reg(i->src_reg));
		break;
	default: /* BPF_CMPXCHG */
		x86_lock_cmpxchg(j->a, w, m, value(j, i->src_reg, R11));
		if (w == X86_D) /* a success leaves the upper half of rax alone */
			x86_mov_rr32(j->a, RAX, RAX);
	}
}

static void lddw(struct jit *j, const struct bpf_insn *i)
{
	uint64_t v = insn_imm64(i);

	if (i->src_reg == LDDW_FUNC) {
		uint32_t to = program_sub_at(j->p, (uint32_t)insn_target(i, j->at));

		x86_lea_label(j->a, reg(i->dst_reg), j->sub[to]);
		return;
	}
	if (i->src_reg == LDDW_MAP)
		v = j->env->arena + j->p->map[i->imm]->ref;
	else if (i->src_reg == LDDW_VALUE)
		v = j->env->arena + j->p->map[i->imm]->shm->values + (uint32_t)i[1].imm;
	x86_mov_ri(j->a, reg(i->dst_reg), v);
}

/* -- the switch -------------------------------------------------------------------------- */

#define ALU(op) \
	case BPF_ALU | BPF_K | (op): \
	case BPF_ALU | BPF_X | (op): \
	case BPF_ALU64 | BPF_K | (op): \
	case BPF_ALU64 | BPF_X | (op)

#define JUMP(op) \
	case BPF_JMP | BPF_K | (op): \
	case BPF_JMP | BPF_X | (op): \
	case BPF_JMP32 | BPF_K | (op): \
	case BPF_JMP32 | BPF_X | (op)

#define SIZES(class, mode) \
	case (class) | (mode) | BPF_B: \
	case (class) | (mode) | BPF_H: \
	case (class) | (mode) | BPF_W: \
	case (class) | (mode) | BPF_DW

/* What follows from the above; never too few. */
bool jit_takes_scratch(const struct bpf_insn *i)
{
	bool by_reg = BPF_SRC(i->code) == BPF_X;

	if (insn_is_atomic(i))
		return true;
	if (!insn_is_alu(i)) /* r10 is a base, or has to be in a register */
		return (BPF_CLASS(i->code) == BPF_STX && i->src_reg == INSN_FP) ||
		       (insn_is_branch(i) && (i->dst_reg == INSN_FP || i->src_reg == INSN_FP));
	if (by_reg && i->src_reg == INSN_FP)
		return BPF_OP(i->code) != BPF_MOV || BPF_CLASS(i->code) != BPF_ALU64 || i->off;
	switch (BPF_OP(i->code)) {
	case BPF_DIV:
	case BPF_MOD:
		return true;
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		return by_reg;
	default:
		return false;
	}
}

void jit_fused(struct jit *j)
{
	const struct bpf_insn *i = &j->p->insn[j->at];

	x86_alu_mi(j->a, X86_ADD, mem_width(i), mem(j, i->src_reg, i->off), i[1].imm);
}

/* clang-format off */
void jit_insn(struct jit *j)
{
	const struct bpf_insn *i = &j->p->insn[j->at];

	switch (i->code) {
	ALU(BPF_ADD):  alu(j, i, X86_ADD); break;
	ALU(BPF_SUB):  alu(j, i, X86_SUB); break;
	ALU(BPF_OR):   alu(j, i, X86_OR); break;
	ALU(BPF_AND):  alu(j, i, X86_AND); break;
	ALU(BPF_XOR):  alu(j, i, X86_XOR); break;
	ALU(BPF_MUL):  mul(j, i); break;
	ALU(BPF_DIV):  divmod(j, i, false); break;
	ALU(BPF_MOD):  divmod(j, i, true); break;
	ALU(BPF_LSH):  shift(j, i, X86_SHL); break;
	ALU(BPF_RSH):  shift(j, i, X86_SHR); break;
	ALU(BPF_ARSH): shift(j, i, X86_SAR); break;
	ALU(BPF_NEG):  x86_neg(j->a, width(i), reg(i->dst_reg)); break;
	ALU(BPF_MOV):  move(j, i); break;
	ALU(BPF_END):  swap(j, i); break;

	case BPF_JMP | BPF_JA:
	case BPF_JMP32 | BPF_JA:
		if (!insn_is_nop(i))
			x86_jmp(j->a, j->target[insn_target(i, j->at)]);
		break;
	JUMP(BPF_JEQ):  branch(j, i, X86_E); break;
	JUMP(BPF_JNE):
	JUMP(BPF_JSET): branch(j, i, X86_NE); break;
	JUMP(BPF_JGT):  branch(j, i, X86_A); break;
	JUMP(BPF_JGE):  branch(j, i, X86_NC); break;
	JUMP(BPF_JLT):  branch(j, i, X86_C); break;
	JUMP(BPF_JLE):  branch(j, i, X86_BE); break;
	JUMP(BPF_JSGT): branch(j, i, X86_GT); break;
	JUMP(BPF_JSGE): branch(j, i, X86_GE); break;
	JUMP(BPF_JSLT): branch(j, i, X86_LT); break;
	JUMP(BPF_JSLE): branch(j, i, X86_LE); break;
	case BPF_JMP | INSN_JCOND: may_goto(j, i); break;
	case BPF_JMP | BPF_CALL: jit_call(j, i); break;
	case BPF_JMP | BPF_EXIT: jit_exit(j); break;

	case BPF_LD | BPF_IMM | BPF_DW: lddw(j, i); j->at++; break;
	SIZES(BPF_LDX, BPF_MEM):
	SIZES(BPF_LDX, INSN_MEMSX): load(j, i); break;
	SIZES(BPF_ST, BPF_MEM):
		x86_store_i(j->a, mem_width(i), mem(j, i->dst_reg, i->off), i->imm);
		break;
	SIZES(BPF_STX, BPF_MEM):
		x86_store(j->a, mem_width(i), mem(j, i->dst_reg, i->off), value(j, i->src_reg, R11));
		break;
	SIZES(BPF_STX, BPF_ATOMIC): atomic(j, i); break;
	default: x86_fail(j->a, -EINVAL); /* bpf/check_insn.c let it pass: a bug */
	}
}
/* clang-format on */
