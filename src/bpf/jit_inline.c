/*
 * bpf/jit_inline.c - see jit.h: programs that stand at their call site.
 *
 * What such a program needs is looked at instruction by instruction: it is short and has one
 * function.  Liveness is judged along straight code only; at a branch
 * everything is taken for live.
 *
 * Context  [ctl]
 */
#include "bpf/insn.h"
#include "bpf/jit.h"

static const struct bpf_insn *insn_at(const struct program *p, uint32_t at)
{
	return at < p->ninsns ? &p->insn[at] : NULL;
}

static uint32_t next(const struct program *p, uint32_t at)
{
	return at + (insn_is_lddw(&p->insn[at]) ? 2 : 1);
}

static bool is_mov(const struct bpf_insn *i)
{
	return insn_is_alu(i) && BPF_OP(i->code) == BPF_MOV;
}

static bool is_homed(const struct program *p, uint32_t at, const uint64_t *homed)
{
	int slot = p->ctx_slot[at];

	return homed && slot >= 0 && homed[slot / 64] >> (slot % 64) & 1;
}

/* Registers it reads, as bits; never too few.  An exit's result only where somebody asks. */
static unsigned reads(const struct program *p, uint32_t at, const uint64_t *homed)
{
	const struct bpf_insn *i = &p->insn[at];
	unsigned dst = 1u << i->dst_reg, src = BPF_SRC(i->code) == BPF_X ? 1u << i->src_reg : 0;

	if (insn_is_lddw(i))
		return 0;
	if (insn_is_exit(i))
		return p->kind == PROGRAM_FENTRY || p->kind == PROGRAM_FEXIT ? 0 : 1;
	if (insn_is_call(i) || insn_is_atomic(i))
		return ~0u;
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		return is_homed(p, at, homed) ? 0 : 1u << i->src_reg;
	case BPF_ST:
		return dst;
	case BPF_STX:
		return dst | 1u << i->src_reg;
	default:
		return is_mov(i) ? src : dst | src;
	}
}

static bool is_target(const struct program *p, uint32_t at)
{
	for (uint32_t n = 0; n < p->ninsns; n = next(p, n)) {
		const struct bpf_insn *i = &p->insn[n];

		if (insn_is_branch(i) && !insn_is_nop(i) && insn_target(i, n) == at)
			return true;
	}
	return false;
}

/* Is what r holds before the instruction at `at` never read? */
static bool is_dead(const struct program *p, uint32_t at, unsigned r, const uint64_t *homed)
{
	for (; at < p->ninsns; at = next(p, at)) {
		const struct bpf_insn *i = &p->insn[at];

		if (insn_is_nop(i))
			continue;
		if (reads(p, at, homed) & 1u << r || insn_is_branch(i))
			return false;
		if (insn_is_exit(i) || insn_writes(i) == (int)r)
			return true;
	}
	return false;
}

/* Helpers that return elsewhere, or call functions of the program. */
static bool calls_back(const struct bpf_insn *i)
{
	return i->src_reg != CALL_HELPER || i->imm == BPF_FUNC_tail_call ||
	       i->imm == BPF_FUNC_loop || i->imm == BPF_FUNC_for_each_map_elem ||
	       i->imm == BPF_FUNC_user_ringbuf_drain;
}

bool jit_may_inline(const struct program *p)
{
	if (p->kind == PROGRAM_FSESSION || p->nsub != 1 || p->ninsns > JIT_INLINE_MAX_INSNS)
		return false;
	for (uint32_t n = 0; n < p->ninsns; n = next(p, n)) {
		const struct bpf_insn *i = &p->insn[n];

		if ((insn_is_call(i) && calls_back(i)) || insn_is_may_goto(i))
			return false;
	}
	return true;
}

/*
 * r = *(r1 + off); r += imm; *(r1 + off) = r, and r is not read again.  The hardware's
 * instruction changes the same bytes.
 */
bool jit_inline_fuses(const struct program *p, uint32_t at)
{
	const struct bpf_insn *ld = insn_at(p, at), *op = insn_at(p, at + 1),
			      *st = insn_at(p, at + 2);

	if (!ld || !op || !st || ld->code != (BPF_LDX | BPF_MEM | BPF_SIZE(ld->code)) ||
	    (BPF_SIZE(ld->code) != BPF_DW && BPF_SIZE(ld->code) != BPF_W) ||
	    st->code != (BPF_STX | BPF_MEM | BPF_SIZE(ld->code)))
		return false;
	if (!insn_is_alu(op) || BPF_OP(op->code) != BPF_ADD || BPF_SRC(op->code) != BPF_K ||
	    (BPF_SIZE(ld->code) == BPF_DW && BPF_CLASS(op->code) != BPF_ALU64))
		return false;
	return ld->src_reg == st->dst_reg && ld->off == st->off && ld->src_reg != ld->dst_reg &&
	       ld->dst_reg == op->dst_reg && op->dst_reg == st->src_reg && !is_target(p, at + 1) &&
	       !is_target(p, at + 2) && is_dead(p, at + 3, ld->dst_reg, NULL);
}

bool jit_inline_drops(const struct program *p, uint32_t at, const uint64_t *homed)
{
	const struct bpf_insn *i = &p->insn[at];

	return (is_mov(i) || insn_is_lddw(i)) && is_dead(p, next(p, at), i->dst_reg, homed);
}

bool jit_inline_wants_ctx(const struct program *p, const uint64_t *homed)
{
	return !is_dead(p, 0, BPF_REG_1, homed);
}

/* A load from ctx: r1 cannot have been changed before, there are no jumps back. */
static bool loads_ctx(const struct program *p, uint32_t at)
{
	const struct bpf_insn *i = &p->insn[at];

	if (BPF_CLASS(i->code) != BPF_LDX || i->src_reg != BPF_REG_1)
		return false;
	for (uint32_t n = 0; n < at; n = next(p, n)) {
		if (insn_writes(&p->insn[n]) == BPF_REG_1)
			return false;
	}
	return true;
}

static bool touches_memory(const struct bpf_insn *i)
{
	unsigned class = BPF_CLASS(i->code);

	return class == BPF_LDX || class == BPF_ST || class == BPF_STX;
}

bool jit_inline_one_step(const struct program *p)
{
	unsigned steps = 0;

	if (p->kind != PROGRAM_FENTRY && p->kind != PROGRAM_FEXIT)
		return false;
	for (uint32_t n = 0; n < p->ninsns; n = next(p, n)) {
		const struct bpf_insn *i = &p->insn[n];

		if (insn_is_call(i) || (insn_is_branch(i) && insn_target(i, n) <= n))
			return false;
		if (!touches_memory(i) || loads_ctx(p, n))
			continue;
		/* one of BPF that is several of the hardware would be no single step */
		if (insn_is_atomic(i) && i->imm & BPF_FETCH)
			return false;
		steps++;
		if (jit_inline_fuses(p, n))
			n += 2;
	}
	return steps <= 1;
}

/* What r1 is at the call at `at`, as the JIT finds it on its way. */
static const struct map *map_at(const struct program *p, uint32_t at)
{
	const struct map *m = NULL;

	for (uint32_t n = 0; n < at; n = next(p, n)) {
		const struct bpf_insn *i = &p->insn[n];

		if (is_target(p, n))
			m = NULL;
		if (insn_is_lddw(i) && i->src_reg == LDDW_MAP && i->dst_reg == BPF_REG_1)
			m = p->map[i->imm];
		else if (insn_is_call(i) || insn_writes(i) == BPF_REG_1)
			m = NULL;
	}
	return is_target(p, at) ? NULL : m;
}

static x86_regset call_clobbers(const struct program *p, const struct engine_env *env, uint32_t at)
{
	return jit_helper_clobbers(p, env, (uint32_t)p->insn[at].imm, map_at(p, at));
}

bool jit_inline_calls(const struct program *p, const struct engine_env *env)
{
	for (uint32_t n = 0; n < p->ninsns; n = next(p, n)) {
		if (insn_is_call(&p->insn[n]) && call_clobbers(p, env, n) == X86_CALLER_SAVED)
			return true;
	}
	return false;
}

x86_regset jit_inline_clobbers(const struct program *p, const struct engine_env *env)
{
	x86_regset set = jit_inline_wants_ctx(p, NULL) ? X86_REG(RDI) : 0;

	for (uint32_t n = 0; n < p->ninsns; n = next(p, n)) {
		const struct bpf_insn *i = &p->insn[n];
		int w = insn_writes(i);

		if (jit_inline_drops(p, n, NULL))
			continue;
		if (jit_inline_fuses(p, n)) {
			n += 2;
			continue;
		}
		if (w >= 0)
			set |= X86_REG(jit_reg((unsigned)w));
		if (jit_takes_scratch(i))
			set |= JIT_SCRATCH;
		if (insn_is_call(i))
			set |= call_clobbers(p, env, n);
	}
	return set;
}
