/*
 * bpf/dead.c - see dead.h: reachability with constants of one basic block; constants of .rodata.
 *
 * At an instruction that some jump names as its target nothing is known about registers, so
 * every instruction has one state and is walked once: time and memory are linear.
 */
#include "bpf/dead.h"

#include "bpf/insn.h"
#include "bpf/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET = 1, REACHED = 2, QUEUED = 4 };

/* Bit by register: value is known, or is the offset of a byte in a map of constants. */
struct dead_regs {
	uint32_t known, constant;
	uint64_t value[16];
	const uint8_t *data[16];
	uint32_t size[16];
};

struct dead_walk {
	const struct bpf_insn *insn;
	struct bpf_insn *fold; /* the same, to be changed; NULL: it is only looked at */
	const struct program *program;
	const struct arena *arena;
	uint32_t n;
	uint8_t *flags;
	uint32_t *queue, nqueue;
};

bool dead_is_poison(const struct bpf_insn *in)
{
	if (!insn_is_call(in))
		return false;
	return in->src_reg == CALL_KFUNC ? !in->imm && !in->off :
					   in->src_reg == CALL_HELPER && in->imm >= DEAD_POISON_MIN;
}

/* Where the instruction at i can go beside the next one; -1: nowhere, or outside. */
static int64_t other_way(const struct dead_walk *w, uint32_t i)
{
	const struct bpf_insn *in = &w->insn[i];
	int64_t to = -1;

	if (in->code == (BPF_JMP32 | BPF_JA)) /* gotol */
		to = (int64_t)i + 1 + in->imm;
	else if (insn_is_branch(in))
		to = (int64_t)i + 1 + in->off;
	else if (insn_is_local_call(in) || (insn_is_lddw(in) && in->src_reg == LDDW_FUNC))
		to = (int64_t)i + 1 + in->imm;
	return to >= 0 && to < w->n ? to : -1;
}

static void mark_targets(struct dead_walk *w)
{
	int64_t to;
	uint32_t i;

	for (i = 0; i < w->n; i++) {
		to = other_way(w, i);
		if (to >= 0)
			w->flags[to] |= TARGET;
		if (insn_is_lddw(&w->insn[i]))
			i++;
	}
}

static void push(struct dead_walk *w, int64_t to)
{
	if (to < 0 || w->flags[to] & QUEUED)
		return;
	w->flags[to] |= QUEUED;
	w->queue[w->nqueue++] = (uint32_t)to;
}

static void set_reg(struct dead_regs *r, unsigned reg, bool known, uint64_t value)
{
	r->constant &= ~(1u << reg);
	r->known = known ? r->known | 1u << reg : r->known & ~(1u << reg);
	r->value[reg] = value;
}

static void forget(struct dead_regs *r, uint32_t regs)
{
	r->known &= ~regs;
	r->constant &= ~regs;
}

/* The address of what no one changes any more: .rodata, once libbpf has filled and frozen it. */
static void set_address(const struct dead_walk *w, const struct bpf_insn *in, struct dead_regs *r)
{
	const struct map *m = w->program->map[in->imm];
	unsigned reg = in->dst_reg;

	if (!m->frozen || !(m->attr.flags & BPF_F_RDONLY_PROG))
		return;
	r->data[reg] = shm_ptr(w->arena, m->shm->values, m->attr.value_size);
	r->size[reg] = m->attr.value_size;
	r->value[reg] = (uint32_t)in[1].imm;
	if (r->data[reg])
		r->constant |= 1u << reg;
}

/* A pointer into constants stays one; false: it is something else. */
static bool step_address(const struct bpf_insn *in, struct dead_regs *r)
{
	unsigned to = in->dst_reg, from = in->src_reg;

	if (in->code == (BPF_ALU64 | BPF_MOV | BPF_X) && !in->off && r->constant & 1u << from) {
		set_reg(r, to, false, r->value[from]);
		r->data[to] = r->data[from];
		r->size[to] = r->size[from];
		r->constant |= 1u << to;
		return true;
	}
	if (in->code == (BPF_ALU64 | BPF_ADD | BPF_K) && r->constant & 1u << to) {
		r->value[to] += (uint64_t)(int64_t)in->imm;
		return true;
	}
	return false;
}

/* The load at i becomes its value, if that fits an instruction of its size. */
static void fold_load(struct dead_walk *w, uint32_t i, const struct dead_regs *r)
{
	struct bpf_insn *in = &w->fold[i];
	unsigned n = insn_bytes(in), from = in->src_reg;
	uint64_t at = r->value[from] + (uint64_t)(int64_t)in->off, v = 0;

	if (!(r->constant & 1u << from) || at > r->size[from] || n > r->size[from] - at ||
	    (BPF_MODE(in->code) != BPF_MEM && BPF_MODE(in->code) != INSN_MEMSX))
		return;
	memcpy(&v, r->data[from] + at, n);
	if (BPF_MODE(in->code) == INSN_MEMSX)
		v = (uint64_t)((int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n));
	if (v == (uint32_t)v)
		*in = (struct bpf_insn){ .code = BPF_ALU | BPF_MOV | BPF_K,
					 .dst_reg = in->dst_reg,
					 .imm = (int32_t)(uint32_t)v };
	else if (v == (uint64_t)(int64_t)(int32_t)v)
		*in = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
					 .dst_reg = in->dst_reg,
					 .imm = (int32_t)v };
}

/* What compilers do to a small constant before they compare it; false: something else. */
static bool step_masked(const struct bpf_insn *in, struct dead_regs *r)
{
	uint64_t *v = &r->value[in->dst_reg];
	unsigned bits = (unsigned)in->imm & 63;

	if (BPF_CLASS(in->code) != BPF_ALU64 || BPF_SRC(in->code) != BPF_K ||
	    !(r->known & 1u << in->dst_reg))
		return false;
	switch (BPF_OP(in->code)) {
	case BPF_AND:
		*v &= (uint64_t)(int64_t)in->imm;
		return true;
	case BPF_LSH:
		*v <<= bits;
		return true;
	case BPF_RSH:
		*v >>= bits;
		return true;
	case BPF_ARSH:
		*v = (uint64_t)((int64_t)*v >> bits);
		return true;
	default:
		return false;
	}
}

/* What an instruction that is no jump leaves in the registers. */
static void step(const struct bpf_insn *in, struct dead_regs *r)
{
	bool wide = BPF_CLASS(in->code) == BPF_ALU64;
	uint64_t v;

	if (insn_is_alu(in)) {
		bool mov = BPF_OP(in->code) == BPF_MOV && !in->off;
		bool reg = BPF_SRC(in->code) == BPF_X;

		v = reg ? r->value[in->src_reg] : (uint64_t)(int64_t)in->imm;
		set_reg(r, in->dst_reg, mov && (!reg || r->known & 1u << in->src_reg),
			wide ? v : (uint32_t)v);
	} else if (insn_is_lddw(in)) {
		set_reg(r, in->dst_reg, in->src_reg == LDDW_IMM,
			(uint32_t)in[0].imm | (uint64_t)(uint32_t)in[1].imm << 32);
	} else if (insn_is_call(in)) {
		forget(r, 0x3f);
	} else if (BPF_CLASS(in->code) == BPF_LDX || BPF_CLASS(in->code) == BPF_LD) {
		forget(r, 1u << in->dst_reg | 1u);
	} else if (BPF_CLASS(in->code) == BPF_STX) { /* atomics give src or r0 */
		forget(r, 1u << in->src_reg | 1u << in->dst_reg | 1u);
	}
}

/* 1: the jump is taken, 0: it is not, -1: not known.  RFC 9669 section 4.3. */
static int decide(const struct bpf_insn *in, const struct dead_regs *r)
{
	bool wide = BPF_CLASS(in->code) == BPF_JMP, reg = BPF_SRC(in->code) == BPF_X;
	uint64_t a = r->value[in->dst_reg];
	uint64_t b = reg ? r->value[in->src_reg] : (uint64_t)(int64_t)in->imm;
	int64_t sa = wide ? (int64_t)a : (int32_t)a, sb = wide ? (int64_t)b : (int32_t)b;

	if (!(r->known & 1u << in->dst_reg) || (reg && !(r->known & 1u << in->src_reg)))
		return -1;
	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (BPF_OP(in->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		return -1;
	}
}

/* One basic block and those it falls into. */
static void walk(struct dead_walk *w, uint32_t i)
{
	struct dead_regs r = { 0 };
	const struct bpf_insn *in;
	int taken;

	for (; i < w->n; i++) {
		if (w->flags[i] & REACHED)
			return;
		if (w->flags[i] & TARGET)
			forget(&r, UINT32_MAX);
		w->flags[i] |= REACHED;
		in = &w->insn[i];
		if (insn_is_exit(in))
			return;
		if (insn_is_branch(in)) {
			taken = insn_is_ja(in) ? 1 : decide(in, &r);
			if (taken != 0)
				push(w, other_way(w, i));
			if (w->fold && taken >= 0 && !insn_is_ja(in))
				w->fold[i] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA,
								.off = taken ? in->off : 0 };
			if (taken == 1)
				return;
			continue;
		}
		if (insn_is_lddw(in) && i + 1 >= w->n)
			return;
		if (w->fold && BPF_CLASS(in->code) == BPF_LDX)
			fold_load(w, i, &r);
		if (!step_address(in, &r) && !step_masked(in, &r))
			step(in, &r);
		if (w->fold && insn_is_lddw(in) && in->src_reg == LDDW_VALUE)
			set_address(w, in, &r);
		push(w, other_way(w, i));
		if (insn_is_lddw(in))
			i++;
	}
}

static int replace(struct bpf_insn *insn, uint32_t n, const uint8_t *flags)
{
	int count = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (dead_is_poison(&insn[i]) && !(flags[i] & REACHED)) {
			insn[i] = (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
			count++;
		}
		if (insn_is_lddw(&insn[i]))
			i++;
	}
	return count;
}

int dead_remove_poison(struct bpf_insn *insn, uint32_t n)
{
	struct dead_walk w = { .insn = insn, .n = n };
	int count = -ENOMEM;
	uint32_t i;

	for (i = 0; i < n && !dead_is_poison(&insn[i]); i++)
		if (insn_is_lddw(&insn[i]))
			i++;
	if (i >= n)
		return 0;
	w.flags = calloc(n, 1);
	w.queue = calloc(n, sizeof(*w.queue));
	if (w.flags && w.queue) {
		mark_targets(&w);
		push(&w, 0);
		while (w.nqueue)
			walk(&w, w.queue[--w.nqueue]);
		count = replace(insn, n, w.flags);
	}
	free(w.flags);
	free(w.queue);
	return count;
}

static bool has_constants(const struct program *p)
{
	bool any = false;

	for (uint32_t i = 0; i < p->nmaps; i++)
		any |= p->map[i]->frozen && p->map[i]->attr.flags & BPF_F_RDONLY_PROG;
	return any;
}

/* The last one stays, whatever it is: no program ends with what goes on. */
static void take_out(struct program *p, const uint8_t *flags)
{
	const struct bpf_insn nop = { .code = BPF_JMP | BPF_JA };

	for (uint32_t i = 0; i + 1 < p->ninsns; i++) {
		bool wide = insn_is_lddw(&p->insn[i]), dead = !(flags[i] & REACHED);

		if (dead)
			p->insn[i] = nop;
		if (dead && wide && i + 2 < p->ninsns)
			p->insn[i + 1] = nop;
		i += wide;
	}
}

int dead_fold(struct program *p, const struct arena *arena)
{
	struct dead_walk w = {
		.insn = p->insn, .fold = p->insn, .program = p, .arena = arena, .n = p->ninsns
	};
	int err = -ENOMEM;

	if (!arena || !has_constants(p))
		return 0;
	w.flags = calloc(w.n, 1);
	w.queue = calloc(w.n, sizeof(*w.queue));
	if (w.flags && w.queue) {
		mark_targets(&w);
		push(&w, 0);
		while (w.nqueue)
			walk(&w, w.queue[--w.nqueue]);
		take_out(p, w.flags);
		err = 0;
	}
	free(w.queue);
	free(w.flags);
	return err;
}
