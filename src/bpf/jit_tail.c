/*
 * bpf/jit_tail.c - bpf_tail_call: from one program into another.
 *
 * A program that tail calls is entered by a stub, which keeps what the programs of one hit
 * share, and saves the one register that leads there.  Where a program goes is looked up twice:
 * the map, shared by all processes, has a program's number; the table of this process has its
 * code.  The function that makes the call leaves its frame as if it returned, and jumps.
 *
 *   stub's frame
 *   rbp - 48      r15
 *   rbp - 96 ..   struct jit_hit, at rsp; r15 points at it
 *
 * Context  [ctl]
 * Spec     bpf-helpers(7) bpf_tail_call; kernel/bpf/core.c (what is looked at, in which order)
 */
#include "bpf/check.h"
#include "bpf/insn.h"
#include "bpf/jit.h"
#include "rt/rt.h"
#include "shm/layout.h"
#include "x86/frame.h"

#include <errno.h>

static void store_hit(struct jit *j)
{
	struct x86_asm *a = j->a;

	x86_store_i(a, X86_Q, JIT_HIT(tails), 0);
	x86_mov_ri(a, RAX, j->cookie);
	x86_store(a, X86_Q, JIT_HIT(cookie), RAX);
	if (j->tramp) { /* at fixed distances from ctx: jit.c */
		x86_lea(a, RAX, X86_MEM(RDI, j->tramp->ret - j->tramp->ctx));
		x86_store(a, X86_Q, JIT_HIT(ret), RAX);
		x86_lea(a, RAX, X86_MEM(RDI, -j->tramp->ctx));
		x86_store(a, X86_Q, JIT_HIT(rbp), RAX);
	} else {
		x86_store_i(a, X86_Q, JIT_HIT(ret), 0);
		x86_store_i(a, X86_Q, JIT_HIT(rbp), 0);
	}
	x86_lea(a, RAX, X86_MEM(RSP, -TAIL_SUM));
	x86_store(a, X86_Q, JIT_HIT(lowest), RAX);
}

void jit_tail_stub(struct jit *j, x86_label body)
{
	struct x86_asm *a = j->a;

	x86_frame(a, FRAME_CFA(0));
	x86_push(a, RBP);
	x86_frame(a, FRAME_CFA_RBP(1));
	x86_mov_rr(a, RBP, RSP);
	x86_frame(a, FRAME_RBP);
	x86_alu_ri(a, X86_SUB, X86_Q, RSP, FRAME_FIXED + (int32_t)sizeof(struct jit_hit));
	x86_store(a, X86_Q, X86_MEM(RBP, FRAME_OFF_R15), R15);
	x86_frame(a, FRAME_RBP | FRAME_R15);
	x86_mov_rr(a, R15, RSP);
	store_hit(j);
	x86_call(a, body);
	x86_load(a, X86_Q, R15, X86_MEM(RBP, FRAME_OFF_R15));
	x86_leave(a);
	x86_frame(a, FRAME_CFA(0));
	x86_ret(a);
}

void jit_tailed_frame(struct jit *j)
{
	x86_load(j->a, X86_Q, R8, JIT_HIT(ret));
	x86_load(j->a, X86_Q, R9, JIT_HIT(rbp));
}

#define MAP(field) X86_MEM(RSI, (int32_t)offsetof(struct shm_map, field))

/* eax = the number that the map in rsi has at index edx, else it jumps to out. */
static void load_number(struct x86_asm *a, x86_label out)
{
	x86_alu_mi(a, X86_CMP, X86_D, MAP(type), BPF_MAP_TYPE_PROG_ARRAY);
	x86_jcc(a, X86_NE, out);
	x86_mov_rr32(a, RAX, RDX);
	x86_alu_rm(a, X86_CMP, X86_D, RAX, MAP(max_entries));
	x86_jcc(a, X86_NC, out);
	x86_load(a, X86_Q, R11, MAP(values));
	x86_alu_rm(a, X86_SUB, X86_Q, R11, MAP(self));
	x86_alu_rr(a, X86_ADD, X86_Q, R11, RSI);
	x86_load(a, X86_D, RAX, X86_MEM_IX(R11, RAX, 8, 0));
	x86_alu_ri(a, X86_CMP, X86_D, RAX, RT_TAILS);
	x86_jcc(a, X86_NC, out);
}

/*
 * Element 0 of the table is 0, as is that of a program which is not here.  A call that finds
 * nothing is not counted.
 */
void jit_tail_call(struct jit *j)
{
	struct x86_asm *a = j->a;
	x86_label out = x86_label_new(a);
	uint8_t state = a->frame_state;

	if (!j->env->tails) {
		x86_fail(a, -ENOTSUP);
		return;
	}
	load_number(a, out);
	x86_mov_ri(a, R11, j->env->tails);
	x86_load(a, X86_Q, R11, X86_MEM_IX(R11, RAX, 8, 0));
	x86_test_rr(a, X86_Q, R11, R11);
	x86_jcc(a, X86_E, out);
	x86_alu_mi(a, X86_CMP, X86_Q, JIT_HIT(tails), JIT_MAX_TAILS);
	x86_jcc(a, X86_NC, out);
	x86_alu_rm(a, X86_CMP, X86_Q, RSP, JIT_HIT(lowest));
	x86_jcc(a, X86_C, out);
	x86_alu_mi(a, X86_ADD, X86_Q, JIT_HIT(tails), 1);
	jit_leave(j);
	x86_jmp_r(a, R11);
	x86_frame(a, state);
	x86_bind(a, out);
}
