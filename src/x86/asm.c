/*
 * x86/asm.c - see asm.h: bytes and labels, then REX, ModRM and SIB.
 *
 * Only op_put() and x86_bytes() write to the buffer; only op_reg(), op_mem() and
 * op_rip() form a ModRM.  The instructions themselves are in asm_insn.c.
 */
#include "x86/asm.h"

#include "base/types.h"
#include "base/vec.h"
#include "x86/asm_op.h"
#include "x86/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- bytes and labels ---------------------------------------------------- */

void x86_asm_init(struct x86_asm *a, void *buf, void *frame, size_t cap, uint64_t pc0)
{
	/* lengths are returned as int and rel32 must span the buffer */
	uint32_t bounded = cap > INT32_MAX ? INT32_MAX : (uint32_t)cap;

	*a = (struct x86_asm){ .buf = buf, .frame = frame, .cap = bounded, .pc0 = pc0 };
}

void x86_fail(struct x86_asm *a, int err)
{
	if (!a->err)
		a->err = err;
}

void x86_frame(struct x86_asm *a, uint8_t state)
{
	a->frame_state = state;
}

void x86_bytes(struct x86_asm *a, const void *p, size_t n)
{
	if (a->err || !n)
		return;
	if (a->cap - a->len < n) {
		x86_fail(a, -ENOSPC);
		return;
	}
	memcpy(a->buf + a->len, p, n);
	if (a->frame)
		memset(a->frame + a->len, a->frame_state, n);
	a->len += (uint32_t)n;
}

void x86_may_fault(struct x86_asm *a, uint32_t start, enum x86_gpr dst)
{
	uint32_t len = a->len - start;

	if (a->err || !a->frame)
		return;
	if (len < 2 || len > 15 || dst > R15) {
		x86_fail(a, -EINVAL);
		return;
	}
	a->frame[start + 1] = (uint8_t)(FRAME_FAULT | dst | (len == 2 ? FRAME_FAULT_SHORT : 0));
	if (len > 2)
		a->frame[start + 2] = (uint8_t)len;
}

void op_put(struct x86_asm *a, uint64_t v, unsigned n)
{
	x86_bytes(a, &v, n); /* little-endian host */
}

static int grow_u32(uint32_t *cap, void **at, uint32_t need, size_t elem)
{
	size_t n = *cap;
	int err = vec_grow(at, &n, need, elem);

	if (!err)
		*cap = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	return err;
}

x86_label x86_label_new(struct x86_asm *a)
{
	int err;

	if (a->err)
		return 0;
	err = grow_u32(&a->cap_labels, (void **)&a->label_off, a->nlabels + 1,
		       sizeof(*a->label_off));
	if (err) {
		x86_fail(a, err);
		return 0;
	}
	a->label_off[a->nlabels] = UINT32_MAX;
	return a->nlabels++;
}

void x86_bind(struct x86_asm *a, x86_label l)
{
	if (a->err)
		return;
	if (l >= a->nlabels || a->label_off[l] != UINT32_MAX)
		x86_fail(a, -EINVAL);
	else
		a->label_off[l] = a->len;
}

void op_fixup(struct x86_asm *a, x86_label to)
{
	int err;

	if (a->err)
		return;
	err = to < a->nlabels ? grow_u32(&a->cap_fixups, (void **)&a->fixup, a->nfixups + 1,
					 sizeof(*a->fixup)) :
				-EINVAL;
	if (err) {
		x86_fail(a, err);
		return;
	}
	a->fixup[a->nfixups++] = (struct x86_fixup){ .at = a->len, .to = to };
	op_put(a, 0, 4);
}

int x86_asm_finish(struct x86_asm *a)
{
	for (uint32_t i = 0; i < a->nfixups && !a->err; i++) {
		uint32_t at = a->fixup[i].at, off = a->label_off[a->fixup[i].to];
		uint32_t rel = off - (at + 4);

		if (off == UINT32_MAX)
			x86_fail(a, -EINVAL);
		else
			memcpy(a->buf + at, &rel, 4);
	}
	free(a->label_off);
	free(a->fixup);
	a->label_off = NULL;
	a->fixup = NULL;
	a->nlabels = a->cap_labels = a->nfixups = a->cap_fixups = 0;
	return a->err ? a->err : (int)a->len;
}

void x86_int3_to(struct x86_asm *a, uint32_t align)
{
	if (!align)
		x86_fail(a, -EINVAL);
	while (!a->err && x86_pc(a) % align)
		op_put(a, 0xcc, 1);
}

void x86_nop_to(struct x86_asm *a, uint32_t align)
{
	/* SDM vol. 2B, NOP, "Recommended Multi-Byte Sequence of NOP Instruction" */
	static const uint8_t nop[][8] = { { 0x90 },
					  { 0x66, 0x90 },
					  { 0x0f, 0x1f, 0x00 },
					  { 0x0f, 0x1f, 0x40, 0x00 },
					  { 0x0f, 0x1f, 0x44, 0x00, 0x00 },
					  { 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
					  { 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
					  { 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 } };
	uint32_t left = align ? (uint32_t)(-x86_pc(a) % align) : 0;

	if (!align || align & (align - 1))
		x86_fail(a, -EINVAL);
	while (left && !a->err) {
		uint32_t n = left < ARRAY_LEN(nop) ? left : (uint32_t)ARRAY_LEN(nop);

		x86_bytes(a, nop[n - 1], n);
		left -= n;
	}
}

void op_rel32(struct x86_asm *a, uint64_t pc)
{
	int64_t rel = (int64_t)(pc - (x86_pc(a) + 4));

	if (rel != (int32_t)rel)
		x86_fail(a, -ERANGE);
	op_put(a, (uint32_t)rel, 4);
}

/* -- REX, ModRM, SIB ------------------------------------------------------ */

struct op op_width(struct x86_asm *a, struct op op, enum x86_width w)
{
	switch (w) {
	case X86_B:
		op.byte &= 0xfe;
		break;
	case X86_W:
		op.prefix = 0x66;
		break;
	case X86_D:
		break;
	case X86_Q:
		op.rex_w = true;
		break;
	default:
		x86_fail(a, -EINVAL);
	}
	return op;
}

/* Everything before ModRM.  Without a REX, byte registers 4-7 are ah, ch, dh, bh. */
static void op_head(struct x86_asm *a, struct op op, unsigned reg, unsigned index, unsigned rm)
{
	uint8_t rex =
		(uint8_t)((unsigned)op.rex_w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3);

	if (reg > R15 || index > R15 || rm > R15)
		x86_fail(a, -EINVAL);
	if (op.lock)
		op_put(a, op.lock, 1);
	if (op.prefix)
		op_put(a, op.prefix, 1);
	if (rex || (op.byte_reg && reg >= RSP) || (op.byte_rm && rm >= RSP))
		op_put(a, 0x40u | rex, 1);
	if (op.escape)
		op_put(a, op.escape, 1);
	op_put(a, op.byte, 1);
}

void op_plus(struct x86_asm *a, struct op op, enum x86_gpr r)
{
	op.byte = (uint8_t)(op.byte + (r & 7));
	op_head(a, op, 0, 0, r);
}

void op_reg(struct x86_asm *a, struct op op, unsigned reg, unsigned rm)
{
	op_head(a, op, reg, 0, rm);
	op_put(a, 0xc0 | (reg & 7) << 3 | (rm & 7), 1);
}

/*
 * base 4 (rsp, r12) means "SIB follows" and mod 0 with base 5 (rbp, r13) means
 * "disp32, no base"; both need the longer form.  rsp cannot be an index.  A short
 * displacement counts in units: 64 bytes for EVEX (SDM vol. 2A 2.7.5), else 1.
 */
static void mem_tail(struct x86_asm *a, unsigned reg, struct x86_mem m, int32_t unit)
{
	bool has_index = m.index != X86_NO_REG;
	unsigned base = m.base, index = has_index ? m.index : RSP;
	bool small = m.disp % unit == 0 && m.disp / unit == (int8_t)(m.disp / unit);
	unsigned mod = m.disp == 0 && (base & 7) != RBP ? 0 : small ? 1 : 2;
	unsigned ss = m.scale == 8 ? 3 : m.scale >> 1;

	if (m.index == RSP || !m.scale || m.scale > 8 || (m.scale & (m.scale - 1)))
		x86_fail(a, -EINVAL);
	if (has_index || (base & 7) == RSP) {
		op_put(a, mod << 6 | (reg & 7) << 3 | 4, 1);
		op_put(a, ss << 6 | (index & 7) << 3 | (base & 7), 1);
	} else {
		op_put(a, mod << 6 | (reg & 7) << 3 | (base & 7), 1);
	}
	if (mod)
		op_put(a, (uint32_t)(mod == 1 ? m.disp / unit : m.disp), mod == 1 ? 1 : 4);
}

void op_mem(struct x86_asm *a, struct op op, unsigned reg, struct x86_mem m)
{
	op_head(a, op, reg, m.index != X86_NO_REG ? m.index : 0, m.base);
	mem_tail(a, reg, m, 1);
}

/*
 * Prefixes instead of REX and escape, with the register bits inverted.  VEX.256.0F.WIG has no
 * prefix of its own nor a second source (vvvv all ones); EVEX.512.0F.W0 no mask, no
 * broadcast, and of the 32 registers the lower half.
 */
void op_vector(struct x86_asm *a, uint8_t byte, unsigned reg, struct x86_mem m, bool zmm)
{
	unsigned index = m.index != X86_NO_REG ? m.index : 0;
	unsigned rxb = ~((reg >> 3) << 2 | (index >> 3) << 1 | m.base >> 3) & 7;

	if (reg > XMM15 || index > R15 || m.base > R15)
		x86_fail(a, -EINVAL);
	if (zmm) {
		op_put(a, 0x62, 1);
		op_put(a, rxb << 5 | 1 << 4 | 1, 1);
		op_put(a, 0x7c, 1);
		op_put(a, 2 << 5 | 1 << 3, 1);
	} else {
		op_put(a, 0xc4, 1);
		op_put(a, rxb << 5 | 1, 1);
		op_put(a, 0x7c, 1);
	}
	op_put(a, byte, 1);
	mem_tail(a, reg, m, zmm ? 64 : 1);
}

void op_rip(struct x86_asm *a, struct op op, unsigned reg)
{
	op_head(a, op, reg, 0, 0);
	op_put(a, (reg & 7) << 3 | 5, 1);
}

void op_imm(struct x86_asm *a, enum x86_width w, int32_t imm)
{
	op_put(a, (uint32_t)imm, w == X86_B ? 1 : w == X86_W ? 2 : 4);
}
