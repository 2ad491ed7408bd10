/* gen.c - see gen.h: functions, calls between them, and what is changed afterwards. */
#include "gen_priv.h"

void gen_block(struct gen *g, unsigned units)
{
	if (g->depth == 4)
		return;
	g->depth++;
	while (units-- && g->n < GEN_MAX_INSNS / (FUNCTIONS + 1) * (int)(g->func + 1) - ROOM)
		gen_unit(g);
	g->depth--;
}

static void function(struct gen *g, unsigned f)
{
	memset(g->reg, 0, sizeof(g->reg));
	memset(g->spilled, 0, sizeof(g->spilled));
	g->busy = g->open = 0;
	g->func = f;
	g->fn[f].start = g->n;
	if (f)
		memcpy(g->reg, g->fn[f].arg, sizeof(g->fn[f].arg));
	else
		set(g, 1, CONTEXT, 0);
	for (unsigned r = 1; r <= 5; r++)
		if (g->reg[r].kind != NOTHING && !one_in(g, 4)) {
			put_mov(g, 5 + r < 10 ? 5 + r : 9, r);
			g->reg[5 + r < 10 ? 5 + r : 9] = g->reg[r];
		}
	for (unsigned k = 0; k < STACK / 8; k++) {
		if (one_in(g, 800))
			continue; /* a hole */
		put(g, INSN(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * (int)(k + 1), small_imm(g)));
		g->spilled[k] = (struct reg){ NUMBER, 0 };
	}
	gen_block(g, f ? 2 + below(g, 4) : 4 + below(g, 10));
	if (!f && one_in(g, 60) && g->reg[0].kind == NUMBER)
		; /* any number is returned */
	else
		put_imm(g, 0, 0);
	put(g, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

/* A field or two of an instruction become others. */
static void change(struct gen *g)
{
	struct bpf_insn *i = &g->out[below(g, (unsigned)g->n)];
	bool lddw = i->code == (BPF_LD | BPF_IMM | BPF_DW) || !i->code;

	if (lddw)
		return;
	switch (below(g, 9)) {
	case 0:
		i->dst_reg = below(g, 11) & 15;
		break;
	case 1:
		if (BPF_CLASS(i->code) == BPF_STX || BPF_CLASS(i->code) == BPF_LDX)
			i->src_reg = below(g, 11) & 15;
		break;
	case 2:
		i->imm += (int32_t)below(g, 3) - 1;
		break;
	case 3:
		if (insn_is_branch(i) || BPF_CLASS(i->code) == BPF_LDX ||
		    BPF_CLASS(i->code) == BPF_STX)
			i->off = (__s16)(i->off + (int)below(g, 3) - 1);
		break;
	case 4:
		if (insn_is_alu(i) || (insn_is_branch(i) && i->code != (BPF_JMP | BPF_JA)))
			i->code ^=
				(__u8)(insn_is_alu(i) ? BPF_ALU ^ BPF_ALU64 : BPF_JMP ^ BPF_JMP32);
		break;
	case 5:
		if (BPF_CLASS(i->code) == BPF_LDX || BPF_CLASS(i->code) == BPF_STX)
			i->code = (__u8)((i->code & ~0x18) | any_size(g));
		break;
	case 6:
		if (insn_is_branch(i) && i->code != (BPF_JMP | BPF_JA))
			i->code = (__u8)((i->code & 0xf) | (BPF_JEQ + 16 * below(g, 4)));
		break;
	case 7:
		if (!insn_is_exit(i))
			*i = INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0);
		break;
	default:
		if (insn_is_alu(i) && BPF_OP(i->code) == BPF_ADD)
			i->code = (__u8)((i->code & 0xf) | BPF_SUB);
	}
}

int gen_program(uint64_t seed, struct bpf_insn *out)
{
	struct gen g = { .r = { .s = seed * 0x9e3779b97f4a7c15 + 1 }, .out = out };

	for (unsigned f = 0; f <= FUNCTIONS; f++)
		if (!f || g.fn[f].called)
			function(&g, f);
	for (unsigned k = 0; k < g.ncalls; k++)
		out[g.call[k].at].imm = g.fn[g.call[k].func].start - g.call[k].at - 1;
	for (unsigned k = 0; k < g.ncallbacks; k++) {
		out[g.callback[k]].imm = g.n - g.callback[k] - 1;
		gen_callback_body(&g);
	}
	if (one_in(&g, 2))
		for (unsigned k = 1 + below(&g, 2); k; k--)
			change(&g);
	return g.n;
}
