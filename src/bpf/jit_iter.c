/*
 * bpf/jit_iter.c - bpf_iter_num_* in line: what iter_num() does (bpf/interp.c).
 *
 * The iterator is at rdi; its number at [rdi], its end at [rdi + 4].  r9-r11 are free: what r1-r5
 * hold is lost in a call anyway.
 *
 * Context  [ctl]
 */
#include "bpf/insn.h"
#include "bpf/jit.h"
#include "bpf/kfunc.h"

#include <errno.h>

#define NUMBER X86_MEM(RDI, 0)
#define END    X86_MEM(RDI, 4)

static void emit_new(struct x86_asm *a)
{
	x86_label empty = x86_label_new(a), done = x86_label_new(a);

	x86_movsx_rr(a, X86_D, true, R9, RSI);
	x86_movsx_rr(a, X86_D, true, R10, RDX);
	x86_mov_ri(a, RAX, (uint64_t)-EINVAL);
	x86_alu_rr(a, X86_CMP, X86_Q, R9, R10);
	x86_jcc(a, X86_GT, empty);
	x86_mov_ri(a, RAX, (uint64_t)-E2BIG);
	x86_mov_rr(a, R11, R10);
	x86_alu_rr(a, X86_SUB, X86_Q, R11, R9);
	x86_alu_ri(a, X86_CMP, X86_Q, R11, INSN_MAX_LOOPS);
	x86_jcc(a, X86_GT, empty);
	x86_alu_ri(a, X86_SUB, X86_D, R9, 1);
	x86_store(a, X86_D, NUMBER, R9);
	x86_store(a, X86_D, END, R10);
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_jmp(a, done);
	x86_bind(a, empty);
	x86_store_i(a, X86_Q, NUMBER, 0);
	x86_bind(a, done);
}

/* Of 0 and 0 the next number is none: 1 < 0 is false. */
static void emit_next(struct x86_asm *a)
{
	x86_label over = x86_label_new(a), done = x86_label_new(a);

	x86_load(a, X86_D, R9, NUMBER);
	x86_alu_ri(a, X86_ADD, X86_D, R9, 1);
	x86_alu_rm(a, X86_CMP, X86_D, R9, END);
	x86_jcc(a, X86_GE, over);
	x86_store(a, X86_D, NUMBER, R9);
	x86_mov_rr(a, RAX, RDI);
	x86_jmp(a, done);
	x86_bind(a, over);
	x86_store_i(a, X86_Q, NUMBER, 0);
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_bind(a, done);
}

void jit_iter_num(struct x86_asm *a, uint32_t id)
{
	switch (id) {
	case KFUNC_ITER_NUM_NEW:
		emit_new(a);
		break;
	case KFUNC_ITER_NUM_NEXT:
		emit_next(a);
		break;
	case KFUNC_ITER_NUM_DESTROY:
		x86_store_i(a, X86_Q, NUMBER, 0);
		x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
		break;
	default:
		x86_fail(a, -ENOTSUP);
	}
}
