/*
 * gen_unit.c - see gen.h: the units that programs are made of.
 *
 * The generator knows of each register roughly what it holds, so that units find what they want; it
 * proves nothing.  Code is structured: a unit that is jumped over leaves the registers that it
 * changed without a meaning.
 */
#include "gen_priv.h"

static void unit_alu(struct gen *g)
{
	static const uint8_t ops[] = { BPF_ADD, BPF_SUB,  BPF_MUL, BPF_DIV, BPF_OR,
				       BPF_AND, BPF_LSH,  BPF_RSH, BPF_MOD, BPF_XOR,
				       BPF_MOV, BPF_ARSH, BPF_NEG, BPF_ADD, BPF_AND };
	unsigned op = ops[below(g, sizeof(ops))], src = number(g), dst = number(g);
	unsigned class = one_in(g, 3) ? BPF_ALU : BPF_ALU64;
	int32_t imm = small_imm(g);
	int off = 0;

	if (g->busy >> dst & 1) {
		dst = fresh(g);
		put_mov(g, dst, src);
	}
	set(g, dst, NUMBER, 0);
	if ((op == BPF_DIV || op == BPF_MOD) && !one_in(g, 6))
		op = BPF_ADD; /* the kernel knows little of quotients: few programs have one */
	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm = (int32_t)below(g, class == BPF_ALU ? 32 : 64);
	if (op == BPF_DIV || op == BPF_MOD) {
		imm = imm ? imm : 1;
		off = one_in(g, 4);
	}
	if (op == BPF_NEG)
		put(g, INSN(class | op, dst, 0, 0, 0));
	else if (one_in(g, 2) || (src == dst && !one_in(g, 20)))
		put(g, INSN(class | op | BPF_K, dst, 0, off, imm));
	else if (op == BPF_MOV && one_in(g, 2))
		put(g, INSN(class | op | BPF_X, dst, src,
			    class == BPF_ALU ? 8 << below(g, 2) : 8 << below(g, 3), 0));
	else
		put(g, INSN(class | op | BPF_X, dst, src, off, 0));
	if (one_in(g, 12))
		put(g, INSN(one_in(g, 2) ? BPF_ALU | BPF_END | BPF_X : BPF_ALU64 | BPF_END, dst, 0,
			    0, 16 << below(g, 3)));
}

static void unit_context(struct gen *g)
{
	int ctx = find(g, CONTEXT);
	unsigned dst = fresh(g);

	if (ctx < 0)
		return;
	put(g, INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, ctx, 8 * below(g, GEN_SLOTS), 0));
	set(g, dst, NUMBER, 0);
}

static void unit_frame(struct gen *g)
{
	unsigned slot = below(g, STACK / 8), r = below(g, 10), size = any_size(g);
	int off = -8 * (int)(slot + 1);

	switch (below(g, 4)) {
	case 0: /* a spill, of whatever it is */
		if (g->reg[r].kind == NOTHING)
			return;
		put(g, INSN(BPF_STX | BPF_MEM | BPF_DW, 10, r, off, 0));
		g->spilled[slot] = g->reg[r];
		return;
	case 1:
		put(g, INSN(BPF_ST | BPF_MEM | size, 10, 0,
			    off + (int)(below(g, 8) &
					-insn_bytes(&(struct bpf_insn){ .code = (__u8)size })),
			    small_imm(g)));
		g->spilled[slot] = (struct reg){ NUMBER, 0 };
		return;
	case 2:
		put(g, INSN(BPF_STX | BPF_MEM | BPF_W, 10, number(g), off, 0));
		g->spilled[slot] = (struct reg){ NUMBER, 0 };
		return;
	default:
		r = fresh(g);
		if (g->spilled[slot].kind != NUMBER)
			size = BPF_DW;
		put(g,
		    INSN(BPF_LDX | (size != BPF_DW && one_in(g, 4) ? INSN_MEMSX : BPF_MEM) | size,
			 r, 10, off, 0));
		g->reg[r] = g->spilled[slot];
	}
}

/*
 * Makes idx, a copy of some number, at most `most`, or one more by mistake; the jumps that leave if
 * it is not are in out[], to be landed behind the access.
 */
static unsigned bound(struct gen *g, unsigned idx, int32_t most, int *out)
{
	unsigned n = 0;

	most += one_in(g, 12);
	switch (below(g, one_in(g, 8) ? 7 : 6)) {
	case 0: /* a mask: the largest that fits */
		put(g, INSN((one_in(g, 2) ? BPF_ALU : BPF_ALU64) | BPF_AND | BPF_K, idx, 0, 0,
			    most ? (2 << (31 - __builtin_clz((unsigned)most + 1))) / 2 - 1 : 0));
		return 0;
	case 1:
		out[n++] = g->n;
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, idx, 0, 0, most));
		return n;
	case 2:
		out[n++] = g->n;
		put(g, INSN(BPF_JMP | BPF_JSLT | BPF_K, idx, 0, 0, 0));
		out[n++] = g->n;
		put(g,
		    INSN((one_in(g, 4) ? BPF_JMP32 : BPF_JMP) | BPF_JSGT | BPF_K, idx, 0, 0, most));
		return n;
	case 3: /* 32 bits compared, and used as 64: right only if the upper half is known to be 0 */
		if (!one_in(g, 6))
			put(g, INSN(BPF_ALU | BPF_MOV | BPF_X, idx, idx, 0, 0));
		out[n++] = g->n;
		put(g, INSN(BPF_JMP32 | BPF_JGE | BPF_K, idx, 0, 0, most + 1));
		return n;
	case 6:
		put(g, INSN(BPF_ALU64 | BPF_MOD | BPF_K, idx, 0, 0, most + 1));
		return 0;
	case 4:
		put(g, INSN(BPF_ALU64 | BPF_RSH | BPF_K, idx, 0, 0,
			    most ? 64 - (31 - __builtin_clz((unsigned)most + 1)) : 63));
		return 0;
	default: /* multiples of 8, or of 4 */
		put(g, INSN(BPF_ALU64 | BPF_AND | BPF_K, idx, 0, 0, one_in(g, 2) ? 7 : 3));
		put(g, INSN(BPF_ALU64 | (one_in(g, 2) ? BPF_LSH : BPF_MUL) | BPF_K, idx, 0, 0,
			    one_in(g, 2) ? 3 : 2));
		out[n++] = g->n;
		put(g, INSN(BPF_JMP | BPF_JGT | BPF_K, idx, 0, 0, most));
		return n;
	}
}

static void access_at(struct gen *g, unsigned base, int off, unsigned size)
{
	unsigned src, dst;

	switch (below(g, 5)) {
	case 0:
		put(g, INSN(BPF_ST | BPF_MEM | size, base, 0, off, small_imm(g)));
		return;
	case 1:
		src = number(g);
		put(g, INSN(BPF_STX | BPF_MEM | size, base, src, off, 0));
		return;
	case 2:
		if (size == BPF_W || size == BPF_DW) {
			src = number(g);
			if (!(g->busy >> src & 1))
				put(g, INSN(BPF_STX | BPF_ATOMIC | size, base, src, off,
					    one_in(g, 2) ? BPF_ADD : BPF_XOR | BPF_FETCH));
			return;
		}
		__attribute__((fallthrough));
	default:
		dst = fresh(g);
		put(g, INSN(BPF_LDX | BPF_MEM | size, dst, base, off, 0));
		set(g, dst, NUMBER, 0);
	}
}

/* Memory of so many bytes at base: at a constant, or at an index that is bounded. */
static void access_memory(struct gen *g, unsigned base, int start, int bytes)
{
	struct bpf_insn i = { .code = any_size(g) };
	unsigned size = BPF_SIZE(i.code), idx, at, held = g->busy, njumps;
	int width = (int)insn_bytes(&i), most = bytes - width, jump[4];
	struct reg before[10];

	if (one_in(g, 2)) {
		int off = (int)below(g, (unsigned)most + 1) & -(one_in(g, 4) ? 1 : width);

		access_at(g, base, start + off + (one_in(g, 40) ? width : 0), size);
		return;
	}
	g->busy |= 1u << base & 0x3ff;
	idx = number(g);
	at = fresh(g);
	put_mov(g, at, idx);
	idx = at;
	set(g, idx, NUMBER, 0);
	g->busy |= 1u << idx;
	at = fresh(g);
	set(g, at, NOTHING, 0);
	memcpy(before, g->reg, sizeof(before));
	njumps = bound(g, idx, most, jump);
	put_mov(g, at, base);
	put(g, INSN(BPF_ALU64 | BPF_ADD | BPF_X, at, idx, 0, 0));
	g->busy |= 1u << at;
	access_at(g, at, start, size);
	for (unsigned k = 0; k < njumps; k++)
		land(g, jump[k]);
	merge(g, before);
	g->busy = held;
}

static void unit_index(struct gen *g)
{
	int v = find(g, one_in(g, 3) ? RECORD : VALUE);

	if (v >= 0)
		access_memory(g, (unsigned)v, 0, g->reg[v].bytes);
	else if (one_in(g, 3)) {
		access_memory(g, 10, -STACK, STACK);
		for (unsigned k = 0; k < STACK / 8; k++)
			if (g->spilled[k].kind != NOTHING)
				g->spilled[k] = (struct reg){ NUMBER, 0 };
	}
}

/* if (a op b) { ... } or { ... } else { ... }. */
static void unit_if(struct gen *g)
{
	static const uint8_t ops[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				       BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };
	unsigned code = (one_in(g, 3) ? BPF_JMP32 : BPF_JMP) | ops[below(g, sizeof(ops))],
		 a = number(g);
	struct reg before[10];
	struct reg spilled[STACK / 8];
	int jump;

	unsigned b = number(g);

	if (one_in(g, 2) && (a != b || one_in(g, 20))) {
		jump = g->n;
		put(g, INSN(code | BPF_X, a, b, 0, 0));
	} else {
		jump = g->n;
		put(g, INSN(code | BPF_K, a, 0, 0, small_imm(g)));
	}
	memcpy(before, g->reg, sizeof(before));
	memcpy(spilled, g->spilled, sizeof(spilled));
	gen_block(g, 1 + below(g, 3));
	if (one_in(g, 3)) {
		struct reg then[10];
		int over = g->n;

		put(g, INSN(BPF_JMP | BPF_JA, 0, 0, 0, 0));
		land(g, jump);
		jump = over;
		memcpy(then, g->reg, sizeof(then));
		memcpy(g->reg, before, sizeof(before));
		memcpy(before, then, sizeof(then));
		gen_block(g, 1 + below(g, 2));
	}
	land(g, jump);
	merge(g, before);
	for (unsigned k = 0; k < STACK / 8; k++)
		if (memcmp(&spilled[k], &g->spilled[k], sizeof(spilled[k])))
			g->spilled[k] = (struct reg){ NOTHING, 0 };
}

/* for (r = 0; r < n; r++) { ... } */
static void unit_loop(struct gen *g)
{
	unsigned r = 6 + below(g, 4);
	struct reg before[10];
	int top;

	if (g->busy >> r & 1)
		return;
	put_imm(g, r, 0);
	set(g, r, NUMBER, 0);
	g->busy |= 1u << r;
	/* what the body wants at its second turn is what it leaves at the first: numbers above all */
	memcpy(before, g->reg, sizeof(before));
	top = g->n;
	gen_block(g, 1 + below(g, 3));
	put_add(g, r, 1);
	put(g, INSN(BPF_JMP | (one_in(g, 4) ? BPF_JNE : BPF_JLT) | BPF_K, r, 0, top - g->n - 1,
		    1 + (int32_t)below(g, 6)));
	merge(g, before);
	g->busy &= ~(1u << r);
}

/* Keeps what r0 has in a register that calls leave, and uses it there. */
static unsigned keep_result(struct gen *g, enum kind kind, unsigned bytes)
{
	unsigned r = 6 + below(g, 4);

	if (g->busy >> r & 1 || one_in(g, 3)) {
		set(g, 0, kind, bytes);
		return 0;
	}
	put_mov(g, r, 0);
	set(g, r, kind, bytes);
	set(g, 0, kind, bytes);
	return r;
}

static void put_key(struct gen *g, unsigned dst)
{
	int off = -8 * (int)(1 + below(g, STACK / 8));

	put(g, INSN(BPF_ST | BPF_MEM | BPF_W, 10, 0, off, (int32_t)below(g, GEN_ENTRIES + 2)));
	g->spilled[-off / 8 - 1] = (struct reg){ NOTHING, 0 };
	put_mov(g, dst, 10);
	put_add(g, dst, off);
}

static bool calls_allowed(struct gen *g)
{
	return !(g->busy & 0x3f);
}

static void unit_lookup(struct gen *g)
{
	struct reg before[10];
	int jump;

	if (!calls_allowed(g))
		return;
	put_key(g, 2);
	put_map(g, 1, one_in(g, 2) ? GEN_ARRAY : GEN_HASH);
	put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem));
	after_call(g);
	set(g, 0, NOTHING, 0);
	memcpy(before, g->reg, sizeof(before));
	jump = g->n;
	if (!one_in(g, 40)) { /* or nobody looks */
		if (one_in(g, 2) && !g->open) {
			put(g, INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 2, 0));
			put_imm(g, 0, 0);
			put(g, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
			keep_result(g, VALUE, GEN_VALUE_BYTES);
			return;
		}
		put(g, INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0));
	}
	keep_result(g, VALUE, GEN_VALUE_BYTES);
	unit_index(g);
	gen_block(g, 1 + below(g, 3));
	if (g->out[jump].code == (BPF_JMP | BPF_JEQ | BPF_K) && g->n > jump)
		land(g, jump);
	merge(g, before);
}

static void unit_record(struct gen *g)
{
	static const uint8_t bytes[] = { 8, 16, 24, 40, 64 };
	unsigned size = bytes[below(g, sizeof(bytes))], r = 6 + below(g, 4);
	struct reg before[10];
	int jump;

	if (!calls_allowed(g) || g->busy >> r & 1)
		return;
	put_map(g, 1, GEN_RING);
	put_imm(g, 2, (int32_t)size);
	put_imm(g, 3, 0);
	put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_reserve));
	after_call(g);
	set(g, 0, NOTHING, 0);
	put_mov(g, r, 0);
	set(g, r, NOTHING, 0);
	memcpy(before, g->reg, sizeof(before));
	jump = g->n;
	put(g, INSN(BPF_JMP | BPF_JEQ | BPF_K, one_in(g, 2) ? 0 : r, 0, 0, 0));
	set(g, r, RECORD, size);
	g->busy |= 1u << r;
	g->open++;
	gen_block(g, 1 + below(g, 4));
	g->open--;
	g->busy &= ~(1u << r);
	put_mov(g, 1, r);
	put_imm(g, 2, 0);
	if (!one_in(g, 30)) /* or it is lost */
		put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0,
			    one_in(g, 3) ? BPF_FUNC_ringbuf_discard : BPF_FUNC_ringbuf_submit));
	after_call(g);
	set(g, r, NOTHING, 0);
	for (unsigned k = 0; k < STACK / 8; k++)
		if (g->spilled[k].kind == RECORD)
			g->spilled[k] = (struct reg){ NOTHING, 0 };
	land(g, jump);
	merge(g, before);
}

/* Calls that take memory: its size is a constant, or a number that is bounded. */
static void unit_helper(struct gen *g)
{
	static const int32_t plain[] = { BPF_FUNC_ktime_get_ns, BPF_FUNC_get_current_pid_tgid,
					 BPF_FUNC_get_smp_processor_id };
	struct reg before[10];
	unsigned idx, njumps;
	int jump[4];

	if (!calls_allowed(g))
		return;
	if (one_in(g, 2)) {
		put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, plain[below(g, 3)]));
		after_call(g);
		return;
	}
	if (one_in(g, 2)) {
		put_key(g, 2);
		put_mov(g, 3, 10);
		put_add(g, 3, -STACK + 8 * (int)below(g, 3));
		put_imm(g, 4, 0);
		put_map(g, 1, one_in(g, 2) ? GEN_ARRAY : GEN_HASH);
		put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_update_elem));
		after_call(g);
		return;
	}
	idx = number(g);
	put_mov(g, 2, idx);
	set(g, 2, NUMBER, 0);
	for (unsigned r = 0; r <= 5; r++)
		set(g, r, NOTHING, 0); /* on both ways */
	memcpy(before, g->reg, sizeof(before));
	njumps = bound(g, 2, STACK, jump);
	put_mov(g, 1, 10);
	put_add(g, 1, -STACK);
	put_mov(g, 3, 10);
	put(g, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel));
	after_call(g);
	for (unsigned k = 0; k < njumps; k++)
		land(g, jump[k]);
	for (unsigned k = 0; k < STACK / 8; k++)
		if (g->spilled[k].kind != NOTHING)
			g->spilled[k] = (struct reg){ NUMBER, 0 };
	merge(g, before);
}

static void unit_call(struct gen *g)
{
	unsigned f = g->func + 1 + below(g, FUNCTIONS), args = 1 + below(g, 3);

	if (f > FUNCTIONS || !calls_allowed(g) || g->ncalls == 64)
		return;
	for (unsigned r = 1; r <= args; r++) {
		enum kind kind = one_in(g, 3) ? VALUE : one_in(g, 8) ? CONTEXT : NUMBER;
		int from;

		if (g->fn[f].called)
			kind = g->fn[f].arg[r].kind;
		if (kind == NOTHING)
			continue;
		from = kind == NUMBER ? (int)number(g) : find(g, kind);
		if (from < 0) {
			if (g->fn[f].called)
				return; /* nothing here is of the sort that it wants */
			kind = NUMBER;
			from = (int)number(g);
		}
		put_mov(g, r, (unsigned)from);
		set(g, r, kind, kind == VALUE ? GEN_VALUE_BYTES : 0);
	}
	if (!g->fn[f].called) {
		memcpy(g->fn[f].arg + 1, g->reg + 1, args * sizeof(struct reg));
		g->fn[f].called = true;
	} else if (g->fn[f].arg[args].kind == NOTHING ||
		   (args < 5 && g->fn[f].arg[args + 1].kind != NOTHING)) {
		return; /* it takes more, or fewer */
	}
	g->call[g->ncalls].at = g->n;
	g->call[g->ncalls++].func = f;
	put(g, INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0));
	after_call(g);
}

void gen_unit(struct gen *g)
{
	static void (*const units[])(struct gen *) = {
		unit_alu,   unit_alu,      unit_alu,      unit_alu,    unit_context, unit_context,
		unit_frame, unit_frame,    unit_index,    unit_index,  unit_index,   unit_if,
		unit_if,    unit_loop,     unit_lookup,   unit_lookup, unit_record,  unit_helper,
		unit_call,  gen_flow_unit, gen_flow_unit,
	};

	units[below(g, sizeof(units) / sizeof(units[0]))](g);
}
