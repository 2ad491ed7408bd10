/*
 * verify_progs.c - see verify_progs.h.
 *
 * Registers of all programs: r6 the context, r7 a number that nobody knows, r8 what is counted.
 */
#include "verify_progs.h"

#include <linux/bpf.h>
#include <string.h>

static struct bpf_insn *out;
static uint32_t n;

static void put(unsigned code, unsigned dst, unsigned src, int off, int imm)
{
	out[n++] = (struct bpf_insn){ .code = (uint8_t)code,
				      .dst_reg = dst & 15,
				      .src_reg = src & 15,
				      .off = (int16_t)off,
				      .imm = imm };
}

static void set(unsigned r, int imm)
{
	put(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, imm);
}

static void copy(unsigned r, unsigned from)
{
	put(BPF_ALU64 | BPF_MOV | BPF_X, r, from, 0, 0);
}

static void add(unsigned r, int imm)
{
	put(BPF_ALU64 | BPF_ADD | BPF_K, r, 0, 0, imm);
}

static void jump(unsigned op, unsigned r, int imm, int off)
{
	put(BPF_JMP | op | BPF_K, r, 0, off, imm);
}

static void load(unsigned r, unsigned from, int off)
{
	put(BPF_LDX | BPF_MEM | BPF_DW, r, from, off, 0);
}

static void store(unsigned to, int off, unsigned r)
{
	put(BPF_STX | BPF_MEM | BPF_DW, to, r, off, 0);
}

static void call(int helper)
{
	put(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void leave(void)
{
	set(0, 0);
	put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void begin(void)
{
	copy(6, 1);
	load(7, 6, 0);
	set(8, 0);
}

/* r0: a value of the map, key k; leaves if there is none */
static void lookup(int k)
{
	put(BPF_ST | BPF_MEM | BPF_W, 10, 0, -4, k);
	copy(2, 10);
	add(2, -4);
	put(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, PROGS_MAP);
	put(0, 0, 0, 0, 0);
	call(BPF_FUNC_map_lookup_elem);
	jump(BPF_JNE, 0, 0, 2);
	leave();
}

/* if (x & 1 << k) counted += k: the branches are of one number, which lives on */
static void diamonds_scalar(void)
{
	begin();
	for (int k = 0; n < PROGS_BRANCHY - 4; k++) {
		jump(BPF_JSET, 7, 1 << k % 31, 1);
		jump(BPF_JA, 0, 0, 1);
		add(8, k + 1);
	}
	leave();
}

/* the same of arguments, each read for its own branch */
static void diamonds_context(void)
{
	begin();
	for (int k = 0; n < PROGS_BRANCHY - 8; k++) {
		load(1, 6, 8 * (k % 6));
		jump(BPF_JSGT, 1, k, 2);
		add(8, k);
		jump(BPF_JA, 0, 0, 1);
		put(BPF_ALU64 | BPF_XOR | BPF_K, 8, 0, 0, k);
	}
	leave();
}

static void diamonds_stack(void)
{
	begin();
	for (int k = 0; k < 16; k++)
		put(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * (k + 1), 0);
	for (int k = 0; n < PROGS_BRANCHY - 8; k++) {
		int slot = -8 * (k % 16 + 1);

		jump(BPF_JSET, 7, 1 << k % 31, 3);
		load(1, 10, slot);
		add(1, k);
		store(10, slot, 1);
		load(7, 6, 8 * (k % 6));
	}
	leave();
}

static void diamonds_map(void)
{
	begin();
	lookup(1);
	copy(9, 0);
	for (int k = 0; n < PROGS_BRANCHY - 8; k++) {
		load(1, 9, 8 * (k % 6));
		jump(BPF_JGT, 1, k, 2);
		add(1, k);
		store(9, 8 * (k % 6), 1);
		put(BPF_ALU64 | BPF_ADD | BPF_X, 8, 1, 0, 0);
	}
	leave();
}

static void nested_loops(void)
{
	begin();
	for (unsigned r = 1; r <= 3; r++) {
		store(10, -8 * (int)r, 8);
	}
	for (int depth = 3; depth; depth--)
		put(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * depth, 0);
	/* the innermost counter is set to 0 where the one around it has grown */
	add(8, 1);
	for (int depth = 3; depth; depth--) {
		load(1, 10, -8 * depth);
		add(1, 1);
		store(10, -8 * depth, 1);
		jump(BPF_JLT, 1, 10, 0);
		out[n - 1].off = (int16_t)(9 - (int)n);
		put(BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8 * depth, 0);
	}
	leave();
}

static void unrolled_lookups(void)
{
	begin();
	for (int k = 0; n < PROGS_BRANCHY - 20; k++) {
		lookup(k);
		load(1, 0, 8);
		jump(BPF_JEQ, 1, 5, 1);
		add(8, 1);
		store(0, 8, 8);
	}
	leave();
}

/* for (i = 0; i < 256 && text[i]; i++) hash = hash * 31 + text[i] */
static void string_loop(void)
{
	begin();
	copy(1, 10);
	add(1, -256);
	set(2, 256);
	copy(3, 7);
	call(BPF_FUNC_probe_read_user_str);
	set(1, 0);
	copy(2, 10);
	add(2, -256);
	put(BPF_ALU64 | BPF_ADD | BPF_X, 2, 1, 0, 0);
	put(BPF_LDX | BPF_MEM | BPF_B, 3, 2, 0, 0);
	jump(BPF_JEQ, 3, 0, 4);
	put(BPF_ALU64 | BPF_MUL | BPF_K, 8, 0, 0, 31);
	put(BPF_ALU64 | BPF_ADD | BPF_X, 8, 3, 0, 0);
	add(1, 1);
	jump(BPF_JLT, 1, 256, -9);
	leave();
}

static void callbacks(void)
{
	uint32_t at;

	begin();
	store(10, -8, 8);
	set(1, 1000);
	at = n;
	put(BPF_LD | BPF_IMM | BPF_DW, 2, BPF_PSEUDO_FUNC, 0, 0);
	put(0, 0, 0, 0, 0);
	copy(3, 10);
	add(3, -8);
	set(4, 0);
	call(BPF_FUNC_loop);
	leave();
	out[at].imm = (int)(n - at - 1);
	for (int k = 0; k < 60; k++) {
		load(4, 2, 0);
		jump(BPF_JSET, 1, 1 << k % 31, 1);
		add(4, k);
		store(2, 0, 4);
	}
	set(0, 0);
	put(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* so many functions, each calls the next `calls` times; each has this much of its stack in use */
static void chain(int depth, int calls, int slots)
{
	uint32_t at[4] = { 0 };

	for (int f = 0; f < depth; f++) {
		for (int c = 0; c < calls && f; c++)
			out[at[c]].imm = (int)(n - at[c] - 1);
		copy(6, 1);
		if (!f)
			load(6, 1, 0);
		for (int k = 0; k < slots; k++)
			store(10, -8 * (k + 1), 6);
		for (int c = 0; c < calls && f + 1 < depth; c++) {
			jump(BPF_JSET, 6, 1 << c, 1);
			add(6, c + 1);
			copy(1, 6);
			at[c] = n;
			put(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
		}
		for (int k = 0; k < 6; k++) {
			jump(BPF_JSET, 6, 1 << k, 1);
			add(6, k);
		}
		for (int k = 0; k < slots && k < 8; k++)
			load(1, 10, -8 * (k + 1));
		leave();
	}
}

static void calls_deep(void)
{
	chain(8, 2, 8);
}

static void frames_full(void)
{
	chain(8, 2, 8 * 8);
}

/* each branch leaves another sum, and the sum is an index: all ways count */
static void exponential(void)
{
	begin();
	lookup(0);
	for (int k = 0; k < 30; k++) {
		load(1, 6, 8 * (k % 6));
		jump(BPF_JSET, 1, 1, 1);
		put(BPF_ALU64 | BPF_OR | BPF_K, 8, 0, 0, 1 << k);
	}
	jump(BPF_JGT, 8, 8, 3);
	put(BPF_ALU64 | BPF_ADD | BPF_X, 0, 8, 0, 0);
	load(1, 0, 0);
	jump(BPF_JA, 0, 0, 0);
	leave();
}

/* the same, each index kept on the stack, so states are large */
static void exponential_spills(void)
{
	begin();
	lookup(0);
	copy(9, 0);
	for (int k = 1; k < 60; k++) {
		load(1, 6, 8 * (k % 6));
		set(2, 0);
		jump(BPF_JSET, 1, 1, 1);
		set(2, k % 32);
		store(10, -8 * (k + 1), 2);
	}
	for (int k = 1; k < 60; k++) {
		load(2, 10, -8 * (k + 1));
		copy(1, 9);
		put(BPF_ALU64 | BPF_ADD | BPF_X, 1, 2, 0, 0);
		put(BPF_LDX | BPF_MEM | BPF_B, 1, 1, 0, 0);
	}
	leave();
}

static void straight(void)
{
	begin();
	while (n < PROGS_MOST - 8) {
		add(8, 1);
		store(10, -8, 8);
		load(1, 10, -8);
	}
	leave();
}

static void huge_switch(void)
{
	begin();
	for (int k = 0; n < 30000; k++) {
		jump(BPF_JNE, 7, k, 1);
		add(8, k);
	}
	leave();
}

static void long_loop(void)
{
	begin();
	add(8, 1);
	load(1, 6, 8);
	jump(BPF_JSET, 1, 1, 1);
	store(10, -8, 1);
	jump(BPF_JLT, 8, 100000, -5);
	leave();
}

static void endless(void)
{
	begin();
	add(8, 1);
	jump(BPF_JSGT, 8, -1, -2);
	leave();
}

/* seven functions, each with all of its stack in use, and the last one's call of what follows */
static void deep(void)
{
	uint32_t at = 0;

	for (int f = 0; f < 8; f++) {
		if (f)
			out[at].imm = (int)(n - at - 1);
		copy(6, 1);
		for (int k = 0; k < 64; k++) {
			load(7, 6, 8 * (k % 6));
			store(10, -8 * (k + 1), 7);
		}
		if (f == 7)
			return;
		copy(1, 6);
		at = n;
		put(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
		for (int k = 0; k < 64; k++)
			load(7, 10, -8 * (k + 1));
		leave();
	}
}

static void leave_deep(void)
{
	for (int k = 0; k < 64; k++)
		load(7, 10, -8 * (k + 1));
	leave();
}

static void endless_deep(void)
{
	deep();
	set(8, 0);
	add(8, 1);
	store(10, -8, 8);
	jump(BPF_JSGT, 8, -1, -3);
	leave_deep();
}

static void exponential_deep(void)
{
	deep();
	set(8, 0);
	for (int k = 0; k < 30; k++) {
		load(1, 6, 8 * (k % 6));
		jump(BPF_JSET, 1, 1, 1);
		put(BPF_ALU64 | BPF_OR | BPF_K, 8, 0, 0, 1 << k);
	}
	put(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, PROGS_MAP);
	put(0, 0, 0, 0, 0);
	copy(2, 10);
	add(2, -8);
	call(BPF_FUNC_map_lookup_elem);
	jump(BPF_JEQ, 0, 0, 3);
	jump(BPF_JGT, 8, 8, 2);
	put(BPF_ALU64 | BPF_ADD | BPF_X, 0, 8, 0, 0);
	load(1, 0, 0);
	leave_deep();
}

const struct progs_family progs_families[] = {
	{ "diamonds: one number", diamonds_scalar },
	{ "diamonds: arguments", diamonds_context },
	{ "diamonds: stack slots", diamonds_stack },
	{ "diamonds: values of a map", diamonds_map },
	{ "nested loops, 10 x 10 x 10", nested_loops },
	{ "unrolled lookups", unrolled_lookups },
	{ "string loop of 256", string_loop },
	{ "bpf_loop callback", callbacks },
	{ "calls, 8 deep", calls_deep },
	{ "8 frames of 512 bytes", frames_full },
	{ "loop of 100,000", long_loop },
	{ "loop without end", endless },
	{ "loop without end, 8 x 512", endless_deep },
	{ "exponential, 8 x 512", exponential_deep },
	{ "exponential, an index", exponential },
	{ "exponential, spilled", exponential_spills },
	{ "switch of 15,000", huge_switch },
	{ "straight, 1,000,000", straight },
	{ NULL, NULL },
};

uint32_t progs_make(const struct progs_family *f, struct bpf_insn *to)
{
	memset(to, 0, PROGS_MOST * sizeof(*to));
	out = to;
	n = 0;
	f->make();
	return n;
}
