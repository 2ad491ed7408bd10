/*
 * bpf/jit_fault.c - see jit.h: loads through pointers of the target's, where there may be no memory.
 *
 * With a handler for faults in the target (rt/fault.c) such a load is a plain one, marked in its
 * frame states (x86/frame.h, FRAME_FAULT): what faults there yields 0.  A fault costs some
 * microseconds, and NULL is no rare value of pointers; so the first page, where nothing is ever
 * mapped (vm.mmap_min_addr), is told by a comparison.  What is compared is the base: a field far
 * into a struct at NULL is found as well.
 *
 * Without one (env->load) it is a call of a function that asks the kernel.  That preserves
 * all registers but the scratch ones and takes any stack alignment, so there is no
 * difference to the code around it.
 *
 * Context  [ctl]
 */
#include "bpf/insn.h"
#include "bpf/jit.h"

#define FIRST_PAGE 4096

bool jit_calls_to_load(const struct program *p, const struct engine_env *env)
{
	return p->strays && env->load;
}

static void load(struct x86_asm *a, const struct bpf_insn *i, enum x86_width w, enum x86_gpr dst,
		 struct x86_mem from)
{
	if (BPF_MODE(i->code) == INSN_MEMSX)
		x86_load_sx(a, w, dst, from);
	else
		x86_load(a, w, dst, from);
}

/* r11: the address, then the word there, as it lies in memory; r10: how many bytes of it. */
static void load_by_call(struct jit *j, const struct bpf_insn *i, enum x86_width w,
			 struct x86_mem from)
{
	enum x86_gpr dst = jit_reg(i->dst_reg);
	struct x86_asm *a = j->a;

	x86_lea(a, R11, from);
	x86_mov_ri(a, R10, insn_bytes(i));
	x86_call_to(a, j->env->load, R9);
	if (w == X86_Q)
		x86_mov_rr(a, dst, R11);
	else if (BPF_MODE(i->code) == INSN_MEMSX)
		x86_movsx_rr(a, w, true, dst, R11);
	else if (w == X86_D)
		x86_mov_rr32(a, dst, R11);
	else
		x86_movzx_rr(a, w, dst, R11);
}

void jit_load_stray(struct jit *j, const struct bpf_insn *i, enum x86_width w, struct x86_mem from)
{
	enum x86_gpr dst = jit_reg(i->dst_reg), base = (enum x86_gpr)from.base;
	struct x86_asm *a = j->a;
	x86_label there, done;
	uint32_t start;

	if (j->env->load) {
		load_by_call(j, i, w, from);
		return;
	}
	there = x86_label_new(a);
	done = x86_label_new(a);
	if (dst != base)
		x86_alu_rr(a, X86_XOR, X86_D, dst, dst);
	x86_alu_ri(a, X86_CMP, X86_Q, base, FIRST_PAGE);
	if (dst == base) {
		x86_jcc(a, X86_NC, there);
		x86_alu_rr(a, X86_XOR, X86_D, dst, dst);
		x86_jmp(a, done);
		x86_bind(a, there);
	} else {
		x86_jcc(a, X86_C, done);
	}
	start = a->len;
	load(a, i, w, dst, from);
	x86_may_fault(a, start, dst);
	x86_bind(a, done);
}
