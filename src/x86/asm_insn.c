/*
 * x86/asm_insn.c - see asm.h: the instructions, in the header's order.
 *
 * Each is an opcode from SDM vol. 2 and operands; encoding is op_*()'s job.  An
 * unknown condition, operation or width is the caller's bug: -EINVAL.
 */
#include "x86/asm_op.h"

#include <errno.h>

/* The operand cut to its width and sign-extended: what decides about short immediates. */
static int32_t cut(enum x86_width w, int32_t imm)
{
	return w == X86_B ? (int8_t)imm : w == X86_W ? (int16_t)imm : imm;
}

static void need(struct x86_asm *a, bool ok)
{
	if (!ok)
		x86_fail(a, -EINVAL);
}

/* -- moves ----------------------------------------------------------------- */

void x86_mov_rr(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr src)
{
	if (dst != src)
		op_reg(a, OP_Q(0x89), src, dst);
}

void x86_mov_rr32(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr src)
{
	op_reg(a, OP(0x89), src, dst);
}

void x86_mov_ri(struct x86_asm *a, enum x86_gpr dst, uint64_t imm)
{
	if (imm <= UINT32_MAX) { /* mov r32, imm32 clears the upper half */
		op_plus(a, OP(0xb8), dst);
		op_put(a, imm, 4);
	} else if ((int64_t)imm == (int32_t)imm) {
		op_reg(a, OP_Q(0xc7), 0, dst);
		op_put(a, imm, 4);
	} else {
		x86_mov_ri64(a, dst, imm);
	}
}

void x86_mov_ri64(struct x86_asm *a, enum x86_gpr dst, uint64_t imm)
{
	op_plus(a, OP_Q(0xb8), dst);
	op_put(a, imm, 8);
}

void x86_movzx_rr(struct x86_asm *a, enum x86_width from, enum x86_gpr dst, enum x86_gpr src)
{
	struct op op = OP_0F(from == X86_B ? 0xb6 : 0xb7);

	need(a, from <= X86_D);
	op.byte_rm = from == X86_B;
	if (from == X86_D)
		x86_mov_rr32(a, dst, src);
	else
		op_reg(a, op, dst, src);
}

void x86_movsx_rr(struct x86_asm *a, enum x86_width from, bool to64, enum x86_gpr dst,
		  enum x86_gpr src)
{
	struct op op = OP_0F(from == X86_B ? 0xbe : 0xbf);

	need(a, from <= X86_D);
	if (from == X86_D) /* movsxd is 0x63 */
		op = OP(to64 ? 0x63 : 0x8b);
	op.rex_w = to64;
	op.byte_rm = from == X86_B;
	op_reg(a, op, dst, src);
}

void x86_load(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, struct x86_mem src)
{
	struct op op = w == X86_B ? OP_0F(0xb6) : w == X86_W ? OP_0F(0xb7) : OP(0x8b);

	need(a, w <= X86_Q);
	op.rex_w = w == X86_Q;
	op_mem(a, op, dst, src);
}

void x86_load_sx(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, struct x86_mem src)
{
	struct op op = w == X86_B ? OP_0F(0xbe) :
		       w == X86_W ? OP_0F(0xbf) :
		       w == X86_D ? OP(0x63) :
				    OP(0x8b);

	need(a, w <= X86_Q);
	op.rex_w = true;
	op_mem(a, op, dst, src);
}

void x86_store(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src)
{
	struct op op = op_width(a, OP(0x89), w);

	op.byte_reg = w == X86_B;
	op_mem(a, op, src, dst);
}

void x86_store_i(struct x86_asm *a, enum x86_width w, struct x86_mem dst, int32_t imm)
{
	op_mem(a, op_width(a, OP(0xc7), w), 0, dst);
	op_imm(a, w, imm);
}

void x86_lea(struct x86_asm *a, enum x86_gpr dst, struct x86_mem src)
{
	op_mem(a, OP_Q(0x8d), dst, src);
}

void x86_lea_pc(struct x86_asm *a, enum x86_gpr dst, uint64_t pc)
{
	op_rip(a, OP_Q(0x8d), dst);
	op_rel32(a, pc);
}

void x86_lea_label(struct x86_asm *a, enum x86_gpr dst, x86_label to)
{
	op_rip(a, OP_Q(0x8d), dst);
	op_fixup(a, to);
}

/* No base: [SIB without base and index], since mod 0 rm 5 would be rip-relative. */
static void op_fs(struct x86_asm *a, uint8_t byte, bool rex_w, enum x86_gpr reg, int32_t off)
{
	unsigned rex = (rex_w ? 8u : 0) | (unsigned)(reg >> 3) << 2;

	need(a, reg <= R15);
	op_put(a, 0x64, 1);
	if (rex)
		op_put(a, 0x40u | rex, 1);
	op_put(a, byte, 1);
	op_put(a, (reg & 7u) << 3 | 4, 1);
	op_put(a, 0x25, 1);
	op_put(a, (uint32_t)off, 4);
}

void x86_load_fs(struct x86_asm *a, enum x86_gpr dst, int32_t off)
{
	op_fs(a, 0x8b, true, dst, off);
}

void x86_load_fs32(struct x86_asm *a, enum x86_gpr dst, int32_t off)
{
	op_fs(a, 0x8b, false, dst, off);
}

void x86_store_fs32(struct x86_asm *a, int32_t off, enum x86_gpr src)
{
	op_fs(a, 0x89, false, src, off);
}

void x86_cmp_fs(struct x86_asm *a, enum x86_gpr r, int32_t off)
{
	op_fs(a, 0x3b, true, r, off);
}

void x86_movups_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src)
{
	op_mem(a, OP_0F(0x10), dst, src);
}

void x86_movups_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src)
{
	op_mem(a, OP_0F(0x11), src, dst);
}

void x86_ymm_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src)
{
	op_vector(a, 0x10, dst, src, false);
}

void x86_ymm_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src)
{
	op_vector(a, 0x11, src, dst, false);
}

void x86_zmm_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src)
{
	op_vector(a, 0x10, dst, src, true);
}

void x86_zmm_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src)
{
	op_vector(a, 0x11, src, dst, true);
}

void x86_movq_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src)
{
	op_mem(a, OP_F3_0F(0x7e), dst, src);
}

void x86_movq_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src)
{
	op_mem(a, OP_66_0F(0xd6), src, dst);
}

void x86_movd_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src)
{
	op_mem(a, OP_66_0F(0x7e), src, dst);
}

void x86_fstp_t(struct x86_asm *a, struct x86_mem dst)
{
	op_mem(a, OP(0xdb), 7, dst);
}

void x86_fld_t(struct x86_asm *a, struct x86_mem src)
{
	op_mem(a, OP(0xdb), 5, src);
}

void x86_fxsave(struct x86_asm *a, struct x86_mem dst)
{
	struct op op = OP_0F(0xae);

	op.rex_w = true;
	op_mem(a, op, 0, dst);
}

void x86_push(struct x86_asm *a, enum x86_gpr r)
{
	op_plus(a, OP(0x50), r);
}

void x86_push_i(struct x86_asm *a, int32_t imm)
{
	bool small = imm == (int8_t)imm;

	op_put(a, small ? 0x6a : 0x68, 1);
	op_put(a, (uint32_t)imm, small ? 1 : 4);
}

void x86_push_m(struct x86_asm *a, struct x86_mem src)
{
	op_mem(a, OP(0xff), 6, src);
}

void x86_pop(struct x86_asm *a, enum x86_gpr r)
{
	op_plus(a, OP(0x58), r);
}

/* reg and rm are both general registers of width w */
static void two_regs(struct x86_asm *a, struct op op, enum x86_width w, enum x86_gpr reg,
		     enum x86_gpr rm)
{
	op = op_width(a, op, w);
	op.byte_reg = op.byte_rm = w == X86_B;
	op_reg(a, op, reg, rm);
}

static void reg_mem(struct x86_asm *a, struct op op, enum x86_width w, enum x86_gpr reg,
		    struct x86_mem m)
{
	op = op_width(a, op, w);
	op.byte_reg = w == X86_B;
	op_mem(a, op, reg, m);
}

static void digit_reg(struct x86_asm *a, struct op op, enum x86_width w, unsigned digit,
		      enum x86_gpr rm)
{
	op = op_width(a, op, w);
	op.byte_rm = w == X86_B;
	op_reg(a, op, digit, rm);
}

void x86_xchg_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr r1, enum x86_gpr r2)
{
	two_regs(a, OP(0x87), w, r2, r1);
}

/* -- arithmetic ------------------------------------------------------------ */

static struct op alu_op(struct x86_asm *a, enum x86_alu op, unsigned form)
{
	need(a, op <= X86_CMP);
	return OP((uint8_t)((unsigned)op << 3 | form));
}

void x86_alu_rr(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst,
		enum x86_gpr src)
{
	two_regs(a, alu_op(a, op, 1), w, src, dst);
}

/* 0x83: sign-extended imm8; there is no such form for byte operands, which have 0x80. */
static struct op alu_imm_op(bool small)
{
	return OP(small ? 0x83 : 0x81);
}

static bool alu_imm_small(enum x86_width w, int32_t imm)
{
	return w != X86_B && cut(w, imm) == (int8_t)imm;
}

void x86_alu_ri(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst, int32_t imm)
{
	bool small = alu_imm_small(w, imm);

	need(a, op <= X86_CMP);
	digit_reg(a, alu_imm_op(small), w, op, dst);
	op_imm(a, small ? X86_B : w, imm);
}

void x86_alu_rm(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst,
		struct x86_mem src)
{
	reg_mem(a, alu_op(a, op, 3), w, dst, src);
}

void x86_alu_mr(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		enum x86_gpr src)
{
	reg_mem(a, alu_op(a, op, 1), w, src, dst);
}

void x86_alu_mi(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		int32_t imm)
{
	bool small = alu_imm_small(w, imm);

	need(a, op <= X86_CMP);
	op_mem(a, op_width(a, alu_imm_op(small), w), op, dst);
	op_imm(a, small ? X86_B : w, imm);
}

static void shift(struct x86_asm *a, struct op opcode, enum x86_shift op, enum x86_width w,
		  enum x86_gpr dst)
{
	need(a, op == X86_ROL || op == X86_ROR || op == X86_SHL || op == X86_SHR || op == X86_SAR);
	digit_reg(a, opcode, w, op, dst);
}

void x86_shift_ri(struct x86_asm *a, enum x86_shift op, enum x86_width w, enum x86_gpr dst,
		  uint8_t bits)
{
	shift(a, OP(0xc1), op, w, dst);
	op_put(a, bits, 1);
}

void x86_shift_cl(struct x86_asm *a, enum x86_shift op, enum x86_width w, enum x86_gpr dst)
{
	shift(a, OP(0xd3), op, w, dst);
}

void x86_ror16(struct x86_asm *a, enum x86_gpr dst, uint8_t bits)
{
	x86_shift_ri(a, X86_ROR, X86_W, dst, bits);
}

void x86_neg(struct x86_asm *a, enum x86_width w, enum x86_gpr r)
{
	digit_reg(a, OP(0xf7), w, 3, r);
}

void x86_not(struct x86_asm *a, enum x86_width w, enum x86_gpr r)
{
	digit_reg(a, OP(0xf7), w, 2, r);
}

void x86_imul_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, enum x86_gpr src)
{
	need(a, w != X86_B); /* 0x0f 0xae is something else */
	op_reg(a, op_width(a, OP_0F(0xaf), w), dst, src);
}

void x86_lsl(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr selector)
{
	op_reg(a, OP_0F(0x03), dst, selector);
}

void x86_imul_rri(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, enum x86_gpr src,
		  int32_t imm)
{
	bool small = cut(w, imm) == (int8_t)imm;

	need(a, w != X86_B);
	op_reg(a, op_width(a, OP(small ? 0x6b : 0x69), w), dst, src);
	op_imm(a, small ? X86_B : w, imm);
}

void x86_div(struct x86_asm *a, enum x86_width w, enum x86_gpr r)
{
	digit_reg(a, OP(0xf7), w, 6, r);
}

void x86_idiv(struct x86_asm *a, enum x86_width w, enum x86_gpr r)
{
	digit_reg(a, OP(0xf7), w, 7, r);
}

void x86_cdq(struct x86_asm *a, enum x86_width w)
{
	need(a, w == X86_D || w == X86_Q);
	if (w == X86_Q)
		op_put(a, 0x48, 1);
	op_put(a, 0x99, 1);
}

void x86_bswap(struct x86_asm *a, enum x86_width w, enum x86_gpr r)
{
	need(a, w == X86_D || w == X86_Q); /* 16 bits: undefined result, SDM BSWAP */
	op_plus(a, op_width(a, OP_0F(0xc8), w), r);
}

void x86_test_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr r1, enum x86_gpr r2)
{
	two_regs(a, OP(0x85), w, r2, r1);
}

void x86_test_ri(struct x86_asm *a, enum x86_width w, enum x86_gpr r, int32_t imm)
{
	digit_reg(a, OP(0xf7), w, 0, r);
	op_imm(a, w, imm);
}

void x86_setcc(struct x86_asm *a, enum x86_cc cc, enum x86_gpr dst)
{
	struct op op = OP_0F((uint8_t)(0x90 | cc));

	need(a, cc <= X86_GT);
	op.byte_rm = true;
	op_reg(a, op, 0, dst);
}

void x86_cmov(struct x86_asm *a, enum x86_cc cc, enum x86_width w, enum x86_gpr dst,
	      enum x86_gpr src)
{
	need(a, cc <= X86_GT && w != X86_B);
	op_reg(a, op_width(a, OP_0F((uint8_t)(0x40 | cc)), w), dst, src);
}

void x86_inc_m(struct x86_asm *a, enum x86_width w, struct x86_mem m)
{
	op_mem(a, op_width(a, OP(0xff), w), 0, m);
}

void x86_dec_m(struct x86_asm *a, enum x86_width w, struct x86_mem m)
{
	op_mem(a, op_width(a, OP(0xff), w), 1, m);
}

/* -- atomics --------------------------------------------------------------- */

static struct op locked(struct op op)
{
	op.lock = 0xf0;
	return op;
}

void x86_lock_inc_m(struct x86_asm *a, enum x86_width w, struct x86_mem m)
{
	op_mem(a, op_width(a, locked(OP(0xff)), w), 0, m);
}

void x86_lock_alu_mr(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		     enum x86_gpr src)
{
	need(a, op != X86_CMP); /* cmp does not write: lock cmp is #UD */
	reg_mem(a, locked(alu_op(a, op, 1)), w, src, dst);
}

void x86_lock_xadd(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src)
{
	reg_mem(a, locked(OP_0F(0xc1)), w, src, dst);
}

void x86_xchg_mr(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src)
{
	reg_mem(a, OP(0x87), w, src, dst);
}

void x86_lock_cmpxchg(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src)
{
	reg_mem(a, locked(OP_0F(0xb1)), w, src, dst);
}

/* -- branches -------------------------------------------------------------- */

void x86_jcc(struct x86_asm *a, enum x86_cc cc, x86_label to)
{
	need(a, cc <= X86_GT);
	op_put(a, 0x0f, 1);
	op_put(a, 0x80u | cc, 1);
	op_fixup(a, to);
}

void x86_jmp(struct x86_asm *a, x86_label to)
{
	op_put(a, 0xe9, 1);
	op_fixup(a, to);
}

void x86_call(struct x86_asm *a, x86_label to)
{
	op_put(a, 0xe8, 1);
	op_fixup(a, to);
}

void x86_jcc_pc(struct x86_asm *a, enum x86_cc cc, uint64_t pc)
{
	need(a, cc <= X86_GT);
	op_put(a, 0x0f, 1);
	op_put(a, 0x80u | cc, 1);
	op_rel32(a, pc);
}

void x86_jmp_pc(struct x86_asm *a, uint64_t pc)
{
	op_put(a, 0xe9, 1);
	op_rel32(a, pc);
}

void x86_call_pc(struct x86_asm *a, uint64_t pc)
{
	op_put(a, 0xe8, 1);
	op_rel32(a, pc);
}

void x86_jmp_short_pc(struct x86_asm *a, uint64_t pc)
{
	int64_t rel = (int64_t)(pc - (x86_pc(a) + 2));

	if (rel != (int8_t)rel)
		x86_fail(a, -ERANGE);
	op_put(a, 0xeb, 1);
	op_put(a, (uint8_t)rel, 1);
}

void x86_jmp_m_pc(struct x86_asm *a, uint64_t pc)
{
	op_rip(a, OP(0xff), 4);
	op_rel32(a, pc);
}

void x86_call_m_pc(struct x86_asm *a, uint64_t pc)
{
	op_rip(a, OP(0xff), 2);
	op_rel32(a, pc);
}

void x86_jmp_m(struct x86_asm *a, x86_label to)
{
	op_rip(a, OP(0xff), 4);
	op_fixup(a, to);
}

void x86_jmp_r(struct x86_asm *a, enum x86_gpr r)
{
	op_reg(a, OP(0xff), 4, r);
}

void x86_call_r(struct x86_asm *a, enum x86_gpr r)
{
	op_reg(a, OP(0xff), 2, r);
}

void x86_call_far(struct x86_asm *a, uint64_t pc, enum x86_gpr scratch)
{
	x86_mov_ri(a, scratch, pc);
	x86_call_r(a, scratch);
}

void x86_call_to(struct x86_asm *a, uint64_t pc, enum x86_gpr scratch)
{
	int64_t rel = (int64_t)(pc - (x86_pc(a) + 5));

	if (rel == (int32_t)rel)
		x86_call_pc(a, pc);
	else
		x86_call_far(a, pc, scratch);
}

void x86_ret(struct x86_asm *a)
{
	op_put(a, 0xc3, 1);
}

void x86_lahf(struct x86_asm *a)
{
	op_put(a, 0x9f, 1);
}

void x86_sahf(struct x86_asm *a)
{
	op_put(a, 0x9e, 1);
}

void x86_leave(struct x86_asm *a)
{
	op_put(a, 0xc9, 1);
}

void x86_int3(struct x86_asm *a)
{
	op_put(a, 0xcc, 1);
}

void x86_ud2(struct x86_asm *a)
{
	op_put(a, 0x0b0f, 2);
}

void x86_mfence(struct x86_asm *a)
{
	op_put(a, 0xf0ae0f, 3);
}

/* nop dword [rax + rax + 0]: the SDM's recommended form of five bytes (vol. 2B, NOP). */
void x86_nop5(struct x86_asm *a)
{
	op_put(a, 0x0000441f0f, 5);
}
