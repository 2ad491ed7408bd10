/*
 * bpf/jit_ctx.c - see jit.h: loads from ctx that need no ctx.
 *
 * An argument that the trampoline has anyway - in its register, saved, or on the caller's stack - is
 * read there.  At the call site that is rbp of the trampoline, or its rsp; a program that was called
 * goes by the ctx pointer that it would have read through: all of the frame lies at fixed distances
 * from it.
 *
 * Context  [ctl]
 */
#include "bpf/insn.h"
#include "bpf/jit.h"

void jit_find_homes(struct jit *j)
{
	const struct body_facts *f = &j->p->facts;

	for (unsigned s = 0; j->tramp && j->tramp->home && s < BODY_MAX_SLOTS; s++) {
		if (j->tramp->home[s].bytes && f->direct[s / 64] >> (s % 64) & 1)
			j->homed[s / 64] |= 1ull << (s % 64);
	}
}

static void from_reg(struct jit *j, const struct body_home *h, enum x86_gpr dst, bool wide)
{
	if (wide && h->bytes == 8)
		x86_mov_rr(j->a, dst, h->reg);
	else if (wide && h->is_signed)
		x86_movsx_rr(j->a, X86_D, true, dst, h->reg);
	else
		x86_mov_rr32(j->a, dst, h->reg);
}

bool jit_load_home(struct jit *j, const struct bpf_insn *i)
{
	int slot = j->p->ctx_slot[j->at];
	enum x86_gpr dst = jit_reg(i->dst_reg);
	bool wide = BPF_SIZE(i->code) == BPF_DW;
	const struct body_home *h;
	struct x86_mem m;

	if (slot < 0 || !(j->homed[slot / 64] >> (slot % 64) & 1))
		return false;
	h = &j->tramp->home[slot];
	if (h->in_reg) {
		from_reg(j, h, dst, wide);
		return true;
	}
	m = h->mem;
	if (!j->in_line) /* src + off is the slot's address in ctx */
		m = X86_MEM(jit_reg(i->src_reg), i->off - 8 * slot + m.disp - j->tramp->ctx);
	if (wide && h->bytes == 4 && h->is_signed)
		x86_load_sx(j->a, X86_D, dst, m);
	else
		x86_load(j->a, wide && h->bytes == 8 ? X86_Q : X86_D, dst, m);
	return true;
}
