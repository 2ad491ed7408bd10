/*
 * x86/insn_move.c - see insn.h: encode an instruction again for another address.
 */
#include "x86/frame.h"
#include "x86/insn.h"

#include <errno.h>
#include <string.h>

/* Offset of the opcode of a branch: behind legacy prefixes and REX. */
static unsigned opcode_at(const uint8_t *code, unsigned len)
{
	unsigned i = 0;

	while (i + 1 < len && (code[i] == 0x26 || code[i] == 0x2e || code[i] == 0x36 ||
			       code[i] == 0x3e || (code[i] >= 0x64 && code[i] <= 0x67) ||
			       code[i] == 0xf2 || code[i] == 0xf3 || (code[i] & 0xf0) == 0x40))
		i++;
	return i;
}

static void move_jcc(struct x86_asm *a, const uint8_t *code, const struct x86_insn *insn)
{
	unsigned at = opcode_at(code, insn->len);
	uint8_t op = code[at] == 0x0f ? code[at + 1] : code[at];
	bool counts = op >= 0xe0 && op <= 0xe3; /* loopne, loope, loop, jrcxz: rel8 only */

	if (!counts) {
		x86_jcc_pc(a, (enum x86_cc)(op & 15), insn->target);
		return;
	}
	/* the prefixes stay: 0x67 counts in ecx; the rel8 hops over a two-byte jump */
	x86_bytes(a, code, at);
	x86_bytes(a, &op, 1);
	x86_bytes(a, &(uint8_t){ 2 }, 1);
	x86_jmp_short_pc(a, x86_pc(a) + 2 + 5);
	x86_jmp_pc(a, insn->target);
}

/* The bytes of an instruction with its disp32, if it has one, aimed at the same operand. */
static void move_bytes(struct x86_asm *a, uint8_t *code, const struct x86_insn *insn)
{
	if (insn->rip_relative) {
		int64_t disp = (int64_t)(insn->target - (x86_pc(a) + insn->len));
		int32_t disp32 = (int32_t)disp;

		if (disp != disp32)
			x86_fail(a, -ERANGE);
		memcpy(code + insn->disp_at, &disp32, 4);
	}
	x86_bytes(a, code, insn->len);
}

/*
 * The callee must return to the original code, where unwinders find the caller's
 * own tables: push that address as the call would, then jump.
 */
static void move_call(struct x86_asm *a, uint8_t *code, const struct x86_insn *insn, taddr_t pc)
{
	taddr_t ret = pc + insn->len;
	uint8_t state = a->frame_state;

	x86_push_i(a, (int32_t)ret);
	if (!(state & FRAME_RBP) && (state & 0x3f) < 0x3f)
		x86_frame(a, (uint8_t)(state + 1));
	if (ret != (taddr_t)(int32_t)ret)
		x86_store_i(a, X86_D, X86_MEM(RSP, 4), (int32_t)(ret >> 32));
	if (insn->flow == X86_FLOW_CALL) {
		x86_jmp_pc(a, insn->target);
	} else {
		uint8_t *modrm = &code[opcode_at(code, insn->len) + 1];

		*modrm = (uint8_t)((*modrm & ~0x38) | 4 << 3); /* FF /2 call, FF /4 jmp */
		move_bytes(a, code, insn);
	}
	x86_frame(a, state);
}

void x86_move(struct x86_asm *a, const void *code, const struct x86_insn *insn, taddr_t pc)
{
	uint8_t copy[16] = { 0 };

	if (insn->reason) {
		x86_fail(a, -ENOTSUP);
		return;
	}
	if (!insn->len || insn->len > 15) {
		x86_fail(a, -EINVAL);
		return;
	}
	memcpy(copy, code, insn->len);
	switch (insn->flow) {
	case X86_FLOW_JMP:
		x86_jmp_pc(a, insn->target);
		break;
	case X86_FLOW_JCC:
		move_jcc(a, copy, insn);
		break;
	case X86_FLOW_CALL:
	case X86_FLOW_CALL_IND:
		move_call(a, copy, insn, pc);
		break;
	default:
		move_bytes(a, copy, insn);
	}
}

uint8_t x86_insn_frame(uint8_t state, const struct x86_insn *insn)
{
	unsigned n = state & 0x3f, more = (unsigned)-insn->rsp_add / 8;
	bool rbp_at_16 = state == FRAME_CFA_RBP(1);

	if (state & FRAME_RBP) /* rsp does not matter; the frame ends with its rbp */
		return insn->pops_rbp ? FRAME_CFA(0) : state;
	if (insn->sets_rbp)
		return rbp_at_16 ? FRAME_RBP : state;
	if (insn->rsp_add % 8)
		return state;
	if (insn->rsp_add > 0) {
		more = (unsigned)insn->rsp_add / 8;
		n = n >= more ? n - more : 0;
		return (uint8_t)(insn->pops_rbp || !n ? FRAME_CFA(n) : (state & 0x40) | n);
	}
	if (n + more > 0x3f)
		return state;
	if (insn->pushes_rbp && n == 0)
		return FRAME_CFA_RBP(1);
	return (uint8_t)((state & 0x40) | (n + more));
}
