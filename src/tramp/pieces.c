/*
 * tramp/pieces.c - slots of an argument that its compiler took apart, knew or removed.
 *
 * rax is free.  Bytes that no piece tells are 0.  One piece that is all of its slot goes through
 * rax, with the value's sign; several in one are stored one by one, each in its size.
 *
 * Context  [ctl]
 */
#include "tramp/parts.h"

static const int8_t width[9] = { [1] = X86_B, [2] = X86_W, [4] = X86_D, [8] = X86_Q };

static uint64_t known_value(const struct tramp_plan *p, const struct fm_piece *piece)
{
	uint64_t v = (uint64_t)piece->value;

	return piece->from == FM_FUNC ? p->spec->func + v : v;
}

/* rax = the piece: of registers and memory its size, extended by zeros or its sign. */
static void load_piece(struct x86_asm *a, const struct tramp_plan *p, const struct fm_piece *piece,
		       bool is_signed)
{
	static const uint8_t gpr[] = { RDI, RSI, RDX, RCX, R8, R9 };
	enum x86_width w = (enum x86_width)width[piece->size];
	uint8_t unused = (uint8_t)(64 - 8 * piece->size);

	switch ((enum fm_from)piece->from) {
	case FM_CONST:
	case FM_FUNC:
		x86_mov_ri(a, RAX, known_value(p, piece));
		return;
	case FM_STACK:
		if (is_signed && piece->size < 8)
			x86_load_sx(a, w, RAX, X86_MEM(RBP, p->args + (int32_t)piece->value));
		else
			x86_load(a, w, RAX, X86_MEM(RBP, p->args + (int32_t)piece->value));
		return;
	case FM_GPR:
		if (piece->value)
			x86_lea(a, RAX, X86_MEM(gpr[piece->num], (int32_t)piece->value));
		else
			x86_mov_rr(a, RAX, (enum x86_gpr)gpr[piece->num]);
		break;
	case FM_XMM:
		return; /* stored without rax */
	}
	if (!unused)
		return;
	x86_shift_ri(a, X86_SHL, X86_Q, RAX, unused);
	x86_shift_ri(a, is_signed ? X86_SAR : X86_SHR, X86_Q, RAX, unused);
}

static void store_piece(struct x86_asm *a, const struct tramp_plan *p, const struct fm_piece *piece,
			struct x86_mem dst)
{
	if (piece->from != FM_XMM) {
		load_piece(a, p, piece, false);
		x86_store(a, (enum x86_width)width[piece->size], dst, RAX);
	} else if (piece->size == 8) {
		x86_movq_store(a, dst, (enum x86_xmm)piece->num);
	} else {
		x86_movd_store(a, dst, (enum x86_xmm)piece->num);
	}
}

static void show_slot(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v,
		      unsigned j)
{
	struct x86_mem dst = X86_MEM(RBP, p->ctx + 8 * ((int32_t)v->slot + (int32_t)j));
	const struct fm_piece *only = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < v->npieces; i++) {
		if (v->piece[i].offset / 8 != j)
			continue;
		only = &v->piece[i];
		n++;
	}
	if (n == 1 && only->offset % 8 == 0 && only->from != FM_XMM) {
		load_piece(a, p, only, v->flags & FM_SIGNED && only->size == v->size);
		x86_store(a, X86_Q, dst, RAX);
		return;
	}
	x86_store_i(a, X86_Q, dst, 0);
	for (unsigned i = 0; i < v->npieces; i++) {
		if (v->piece[i].offset / 8 == j)
			store_piece(a, p, &v->piece[i],
				    X86_MEM(dst.base, dst.disp + v->piece[i].offset % 8));
	}
}

bool parts_show_pieces(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v)
{
	if (!v->npieces && !(v->flags & FM_GONE))
		return false;
	for (unsigned j = 0; j < v->nslots; j++) {
		if (tramp_plan_fills(p, v->slot + j))
			show_slot(a, p, v, j);
	}
	return true;
}
