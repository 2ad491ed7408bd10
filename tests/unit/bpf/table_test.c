/*
 * table_test.c - every instruction with every pair of registers and the values at the
 * corners of their widths: interpreter and JIT against expressions written here.
 *
 * One program per instruction: all registers are loaded from in[], the instruction runs,
 * all registers are stored to out[].  So a register that the JIT borrows and does not
 * give back is found too.
 */
#include "run.h"

#include "bpf/insn.h"

#include <string.h>

typedef __int128 s128;
typedef unsigned __int128 u128;

static uint64_t in[10], out[12]; /* out: r0-r9, r10, marker */
static const struct engine_env no_env;

static const uint64_t corner[] = {
	0,
	1,
	2,
	3,
	7,
	31,
	32,
	33,
	63,
	64,
	0x7f,
	0x80,
	0x7fff,
	0x8000,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	0x123456789abcdef0,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffff80000000,
	0xfffffffffffffffe,
	0xffffffffffffffff,
};

static const int32_t imms[] = {
	1,   2,      3,     8,          31,         32, 33, 63,   64,   127,       128,
	255, 0x1000, 65535, 0x40000000, 0x7fffffff, -1, -2, -128, -129, INT32_MIN, INT32_MIN + 1,
	0,
};

/* -- a program around one instruction --------------------------------------------- */

struct code {
	struct bpf_insn insn[128];
	unsigned n;
};

static void put(struct code *c, struct bpf_insn i)
{
	assert_true(c->n < 128);
	c->insn[c->n++] = i;
}

static void put_lddw(struct code *c, unsigned reg, const void *p)
{
	uint64_t v = (uint64_t)(uintptr_t)p;

	put(c, INSN(BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, v));
	put(c, INSN(0, 0, 0, 0, v >> 32));
}

#define LDX(dst, src, off) INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define STX(dst, src, off) INSN(BPF_STX | BPF_MEM | BPF_DW, dst, src, off, 0)
#define ST(dst, off, imm)  INSN(BPF_ST | BPF_MEM | BPF_DW, dst, 0, off, imm)

static void head(struct code *c)
{
	c->n = 0;
	for (unsigned r = 0; r < 10; r++) {
		put_lddw(c, r, &in[r]);
		put(c, LDX(r, r, 0));
	}
}

static void tail(struct code *c)
{
	for (unsigned r = 0; r <= 10; r++)
		put(c, STX(10, r, -8 - 8 * (int)r));
	put_lddw(c, 1, out);
	for (unsigned k = 0; k < 12; k++) {
		put(c, LDX(2, 10, -8 - 8 * (int)k));
		put(c, STX(1, 2, 8 * k));
	}
	put(c, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0));
	put(c, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

static void around(struct code *c, struct bpf_insn i)
{
	head(c);
	put(c, ST(10, -96, 0));
	put(c, i);
	tail(c);
}

/* marker: 1 fell through, 2 jumped */
static void around_jump(struct code *c, struct bpf_insn i)
{
	head(c);
	i.off = 2;
	put(c, i);
	put(c, ST(10, -96, 1));
	put(c, INSN(BPF_JMP | BPF_JA, 0, 0, 1, 0));
	put(c, ST(10, -96, 2));
	tail(c);
}

/* Both engines, compiled once for many inputs. */
struct engines {
	struct program *p;
	jit_fn jit;
	const struct bpf_insn *what;
};

static void engines_open(struct engines *e, const struct code *c, const struct bpf_insn *what)
{
	e->p = run_load(PROGRAM_PLAIN, c->insn, c->n);
	e->jit = run_jit(e->p, &no_env);
	e->what = what;
}

static void set_in(void)
{
	for (unsigned r = 0; r < 10; r++)
		in[r] = 0xc0de000000000000 + 0x1111 * (r + 1) + ((uint64_t)r << 40);
}

/* want: in[] after the instruction; r10 is out[10] itself. */
static void check_out(const struct engines *e, const char *engine, const uint64_t want[10],
		      uint64_t marker)
{
	char text[96];

	if (!memcmp(out, want, 10 * sizeof(*want)) && out[11] == marker)
		return;
	program_format_insn(e->what, text, sizeof(text));
	for (unsigned r = 0; r < 10; r++)
		if (out[r] != want[r])
			print_error("r%u: in 0x%llx want 0x%llx got 0x%llx\n", r,
				    (unsigned long long)in[r], (unsigned long long)want[r],
				    (unsigned long long)out[r]);
	fail_msg("%s, %s: marker want %llu got %llu", engine, text, (unsigned long long)marker,
		 (unsigned long long)out[11]);
}

static void run_one(const struct engines *e, bool jit)
{
	memset(out, 0xee, sizeof(out));
	if (jit)
		e->jit(0, 0);
	else
		run_interp(e->p, &no_env, 0, 0);
}

/* -- arithmetic ----------------------------------------------------------------------- */

static uint64_t want_alu(const struct bpf_insn *i, uint64_t a, uint64_t b)
{
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	u128 ua = wide ? a : (uint32_t)a, ub = wide ? b : (uint32_t)b;
	s128 sa = wide ? (s128)(int64_t)a : (int32_t)a, sb = wide ? (s128)(int64_t)b : (int32_t)b;
	unsigned sh = (unsigned)(b % (wide ? 64 : 32));
	u128 v = 0;

	switch (BPF_OP(i->code)) {
	case BPF_ADD:
		v = ua + ub;
		break;
	case BPF_SUB:
		v = ua - ub;
		break;
	case BPF_MUL:
		v = ua * ub;
		break;
	case BPF_DIV:
		v = !ub ? 0 : i->off ? (u128)(sa / sb) : ua / ub;
		break;
	case BPF_MOD:
		v = !ub ? ua : i->off ? (u128)(sa % sb) : ua % ub;
		break;
	case BPF_OR:
		v = ua | ub;
		break;
	case BPF_AND:
		v = ua & ub;
		break;
	case BPF_XOR:
		v = ua ^ ub;
		break;
	case BPF_LSH:
		v = ua << sh;
		break;
	case BPF_RSH:
		v = ua >> sh;
		break;
	case BPF_ARSH:
		v = (u128)(sa >> sh);
		break;
	case BPF_NEG:
		v = (u128)-sa;
		break;
	case BPF_MOV:
		v = ub;
		if (i->off) { /* the sign bit weighs -2^(n-1) */
			u128 sign = (u128)1 << (i->off - 1);

			v = ((ub & (2 * sign - 1)) ^ sign) - sign;
		}
		break;
	default:
		fail_msg("no expression for 0x%02x", i->code);
	}
	return wide ? (uint64_t)v : (uint32_t)v;
}

static void check_alu(const struct engines *e, uint64_t a, uint64_t b)
{
	const struct bpf_insn *i = e->what;
	bool by_reg = BPF_SRC(i->code) == BPF_X;
	uint64_t want[10];

	set_in();
	if (by_reg && i->src_reg < 10)
		in[i->src_reg] = b;
	in[i->dst_reg] = a;
	for (int jit = 0; jit < 2; jit++) {
		run_one(e, jit);
		memcpy(want, in, sizeof(want));
		want[i->dst_reg] = want_alu(i, a,
					    !by_reg          ? (uint64_t)(int64_t)i->imm :
					    i->src_reg == 10 ? out[10] :
							       in[i->src_reg]);
		check_out(e, jit ? "jit" : "interpreter", want, 0);
	}
}

static void alu_all_values(struct bpf_insn i, bool second)
{
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	for (unsigned a = 0; a < ARRAY_LEN(corner); a++)
		for (unsigned b = 0; b < (second ? ARRAY_LEN(corner) : 1); b++)
			check_alu(&e, corner[a], corner[b]);
	program_put(e.p);
}

static const struct {
	uint8_t op, off;
} alu_ops[] = {
	{ BPF_ADD, 0 },  { BPF_SUB, 0 },  { BPF_MUL, 0 },  { BPF_DIV, 0 }, { BPF_DIV, 1 },
	{ BPF_MOD, 0 },  { BPF_MOD, 1 },  { BPF_OR, 0 },   { BPF_AND, 0 }, { BPF_XOR, 0 },
	{ BPF_LSH, 0 },  { BPF_RSH, 0 },  { BPF_ARSH, 0 }, { BPF_MOV, 0 }, { BPF_MOV, 8 },
	{ BPF_MOV, 16 }, { BPF_MOV, 32 },
};

static void test_alu_registers(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(alu_ops); k++)
		for (int class = BPF_ALU; class <= BPF_ALU64; class += BPF_ALU64 - BPF_ALU)
			for (unsigned dst = 0; dst < 10; dst++)
				for (unsigned src = 0; src <= 10; src++) {
					if (alu_ops[k].off == 32 && class == BPF_ALU)
						continue;
					alu_all_values(INSN(class | alu_ops[k].op | BPF_X, dst, src,
							    alu_ops[k].off, 0),
						       src != dst && src != 10);
				}
}

static void test_alu_immediates(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(alu_ops); k++)
		for (int class = BPF_ALU; class <= BPF_ALU64; class += BPF_ALU64 - BPF_ALU)
			for (unsigned dst = 0; dst < 10; dst++)
				for (unsigned m = 0; m < ARRAY_LEN(imms); m++) {
					bool div = alu_ops[k].op == BPF_DIV ||
						   alu_ops[k].op == BPF_MOD;

					if ((div && !imms[m]) || alu_ops[k].off >= 8)
						continue;
					alu_all_values(INSN(class | alu_ops[k].op | BPF_K, dst, 0,
							    alu_ops[k].off, imms[m]),
						       false);
				}
}

static void test_neg(void **state)
{
	for (unsigned dst = 0; dst < 10; dst++) {
		alu_all_values(INSN(BPF_ALU | BPF_NEG, dst, 0, 0, 0), false);
		alu_all_values(INSN(BPF_ALU64 | BPF_NEG, dst, 0, 0, 0), false);
	}
}

static uint64_t want_swap(const struct bpf_insn *i, uint64_t v)
{
	bool turn = BPF_CLASS(i->code) == BPF_ALU64 || BPF_SRC(i->code) == BPF_X;
	unsigned bytes = (unsigned)i->imm / 8;
	uint64_t r = 0;

	for (unsigned k = 0; k < bytes; k++)
		r |= (v >> 8 * k & 0xff) << 8 * (turn ? bytes - 1 - k : k);
	return r;
}

static void swap_all_values(struct bpf_insn i)
{
	uint64_t want[10];
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	for (unsigned a = 0; a < ARRAY_LEN(corner); a++) {
		set_in();
		in[i.dst_reg] = corner[a];
		memcpy(want, in, sizeof(want));
		want[i.dst_reg] = want_swap(&i, corner[a]);
		for (int jit = 0; jit < 2; jit++) {
			run_one(&e, jit);
			check_out(&e, jit ? "jit" : "interpreter", want, 0);
		}
	}
	program_put(e.p);
}

static void test_swaps(void **state)
{
	static const uint8_t code[] = { BPF_ALU | BPF_END | BPF_K, BPF_ALU | BPF_END | BPF_X,
					BPF_ALU64 | BPF_END };

	for (unsigned k = 0; k < ARRAY_LEN(code); k++)
		for (unsigned dst = 0; dst < 10; dst++)
			for (int bits = 16; bits <= 64; bits *= 2)
				swap_all_values(INSN(code[k], dst, 0, 0, bits));
}

/* -- jumps ------------------------------------------------------------------------------ */

static bool want_jump(const struct bpf_insn *i, uint64_t a, uint64_t b)
{
	bool wide = BPF_CLASS(i->code) == BPF_JMP;
	s128 sa = wide ? (s128)(int64_t)a : (int32_t)a, sb = wide ? (s128)(int64_t)b : (int32_t)b;
	u128 ua = wide ? a : (uint32_t)a, ub = wide ? b : (uint32_t)b;

	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return !(ua ^ ub);
	case BPF_JNE:
		return ua ^ ub;
	case BPF_JGT:
		return !(ua <= ub);
	case BPF_JGE:
		return !(ua < ub);
	case BPF_JLT:
		return !(ua >= ub);
	case BPF_JLE:
		return !(ua > ub);
	case BPF_JSET:
		return ua & ub;
	case BPF_JSGT:
		return sa - sb > 0;
	case BPF_JSGE:
		return sa - sb >= 0;
	case BPF_JSLT:
		return sa - sb < 0;
	default:
		return sa - sb <= 0;
	}
}

static void check_jump(const struct engines *e, uint64_t a, uint64_t b)
{
	const struct bpf_insn *i = e->what;
	bool by_reg = BPF_SRC(i->code) == BPF_X;

	set_in();
	if (by_reg && i->src_reg < 10)
		in[i->src_reg] = b;
	if (i->dst_reg < 10)
		in[i->dst_reg] = a;
	for (int jit = 0; jit < 2; jit++) {
		uint64_t x, y;

		run_one(e, jit);
		x = i->dst_reg == 10 ? out[10] : in[i->dst_reg];
		y = !by_reg          ? (uint64_t)(int64_t)i->imm :
		    i->src_reg == 10 ? out[10] :
				       in[i->src_reg];
		check_out(e, jit ? "jit" : "interpreter", in, want_jump(i, x, y) ? 2 : 1);
	}
}

static void jump_all_values(struct bpf_insn i, bool second)
{
	struct engines e;
	struct code c;

	around_jump(&c, i);
	engines_open(&e, &c, &i);
	for (unsigned a = 0; a < ARRAY_LEN(corner); a++)
		for (unsigned b = 0; b < (second ? ARRAY_LEN(corner) : 1); b++)
			check_jump(&e, corner[a], corner[b]);
	program_put(e.p);
}

static const uint8_t jumps[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				 BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };

static void test_jump_registers(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(jumps); k++)
		for (int class = BPF_JMP; class <= BPF_JMP32; class ++)
			for (unsigned dst = 0; dst <= 10; dst++)
				for (unsigned src = 0; src <= 10; src++)
					jump_all_values(INSN(class | jumps[k] | BPF_X, dst, src, 0,
							     0),
							src != dst && src != 10 && dst != 10);
}

static void test_jump_immediates(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(jumps); k++)
		for (int class = BPF_JMP; class <= BPF_JMP32; class ++)
			for (unsigned dst = 0; dst <= 10; dst++)
				for (unsigned m = 0; m < ARRAY_LEN(imms); m++)
					jump_all_values(INSN(class | jumps[k] | BPF_K, dst, 0, 0,
							     imms[m]),
							false);
}

/* -- loads and stores ---------------------------------------------------------------------- */

static uint8_t field[1 << 17]; /* accesses are around its middle */
#define MIDDLE (field + sizeof(field) / 2)

static const int16_t offs[] = { 0, 1, -3, 127, 128, -128, -129, 32767, -32768 };

static const struct {
	uint8_t size, bytes;
} sizes[] = { { BPF_B, 1 }, { BPF_H, 2 }, { BPF_W, 4 }, { BPF_DW, 8 } };

static void field_fill(void)
{
	for (size_t k = 0; k < sizeof(field); k++)
		field[k] = (uint8_t)(k * 167 + (k >> 8) * 59 + 13);
}

static void check_load(struct bpf_insn i, unsigned bytes)
{
	uint64_t want[10], v = 0;
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	set_in();
	in[i.src_reg] = (uint64_t)(uintptr_t)MIDDLE;
	memcpy(want, in, sizeof(want));
	for (unsigned k = 0; k < bytes; k++)
		v |= (uint64_t)MIDDLE[i.off + (int)k] << 8 * k;
	if (BPF_MODE(i.code) == INSN_MEMSX && v >> (8 * bytes - 1) & 1)
		v |= bytes < 8 ? ~0ull << 8 * bytes : 0;
	want[i.dst_reg] = v;
	for (int jit = 0; jit < 2; jit++) {
		run_one(&e, jit);
		check_out(&e, jit ? "jit" : "interpreter", want, 0);
	}
	program_put(e.p);
}

static void test_loads(void **state)
{
	field_fill();
	for (unsigned s = 0; s < ARRAY_LEN(sizes); s++)
		for (unsigned o = 0; o < ARRAY_LEN(offs); o++)
			for (unsigned dst = 0; dst < 10; dst++)
				for (unsigned src = 0; src < 10; src++) {
					check_load(INSN(BPF_LDX | BPF_MEM | sizes[s].size, dst, src,
							offs[o], 0),
						   sizes[s].bytes);
					if (sizes[s].size != BPF_DW)
						check_load(INSN(BPF_LDX | INSN_MEMSX |
									sizes[s].size,
								dst, src, offs[o], 0),
							   sizes[s].bytes);
				}
}

static void check_store(struct bpf_insn i, unsigned bytes)
{
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	set_in();
	in[i.dst_reg] = (uint64_t)(uintptr_t)MIDDLE;
	for (int jit = 0; jit < 2; jit++) {
		uint64_t v = BPF_CLASS(i.code) == BPF_ST ? (uint64_t)(int64_t)i.imm : in[i.src_reg];
		uint8_t *at = MIDDLE + i.off, before[24];

		memset(at - 8, 0xa5, 24);
		memset(before, 0xa5, 24);
		for (unsigned k = 0; k < bytes; k++)
			before[8 + k] = (uint8_t)(v >> 8 * k);
		run_one(&e, jit);
		check_out(&e, jit ? "jit" : "interpreter", in, 0);
		assert_memory_equal(at - 8, before, 24);
	}
	program_put(e.p);
}

static void test_stores(void **state)
{
	static const int32_t imm[] = { 0, 0x12345678, -2, INT32_MIN, 0x80, 0x8000 };

	for (unsigned s = 0; s < ARRAY_LEN(sizes); s++)
		for (unsigned o = 0; o < ARRAY_LEN(offs); o++)
			for (unsigned dst = 0; dst < 10; dst++) {
				for (unsigned src = 0; src < 10; src++)
					check_store(INSN(BPF_STX | BPF_MEM | sizes[s].size, dst,
							 src, offs[o], 0),
						    sizes[s].bytes);
				for (unsigned m = 0; m < ARRAY_LEN(imm); m++)
					check_store(INSN(BPF_ST | BPF_MEM | sizes[s].size, dst, 0,
							 offs[o], imm[m]),
						    sizes[s].bytes);
			}
}

/* The frame pointer as base, and as the value stored. */
static void test_stack_accesses(void **state)
{
	for (unsigned s = 0; s < ARRAY_LEN(sizes); s++)
		for (unsigned r = 0; r < 10; r++) {
			struct bpf_insn load =
				INSN(BPF_LDX | BPF_MEM | sizes[s].size, r, 10, -504, 0);
			uint64_t want[10], mask = sizes[s].bytes < 8 ?
							  (1ull << 8 * sizes[s].bytes) - 1 :
							  ~0ull;
			struct engines e;
			struct code c;

			head(&c);
			put(&c, ST(10, -96, 0));
			put(&c, ST(10, -504, 0));
			put(&c, INSN(BPF_STX | BPF_MEM | sizes[s].size, 10, r, -504, 0));
			put(&c, load);
			tail(&c);
			engines_open(&e, &c, &load);
			set_in();
			memcpy(want, in, sizeof(want));
			want[r] &= mask;
			for (int jit = 0; jit < 2; jit++) {
				run_one(&e, jit);
				check_out(&e, jit ? "jit" : "interpreter", want, 0);
			}
			program_put(e.p);
		}
}

/* -- atomics ------------------------------------------------------------------------------- */

static const int32_t atomics[] = {
	BPF_ADD,
	BPF_OR,
	BPF_AND,
	BPF_XOR,
	BPF_ADD | BPF_FETCH,
	BPF_OR | BPF_FETCH,
	BPF_AND | BPF_FETCH,
	BPF_XOR | BPF_FETCH,
	BPF_XCHG,
	BPF_CMPXCHG,
};

/* What memory and registers are after i; old: the cell's value. */
static uint64_t want_atomic(const struct bpf_insn *i, uint64_t old, uint64_t src, uint64_t r[10])
{
	bool wide = BPF_SIZE(i->code) == BPF_DW;
	uint64_t mask = wide ? ~0ull : 0xffffffff, now = old, low = old & mask;

	switch (i->imm & ~BPF_FETCH) {
	case BPF_ADD:
		now = old + src;
		break;
	case BPF_OR:
		now = old | src;
		break;
	case BPF_AND:
		now = old & src;
		break;
	case BPF_XOR:
		now = old ^ src;
		break;
	case BPF_XCHG & ~BPF_FETCH:
		now = src;
		break;
	default:
		if ((r[0] & mask) == low)
			now = src;
		r[0] = low;
	}
	if (i->imm & BPF_FETCH && i->imm != BPF_CMPXCHG)
		r[i->src_reg] = low;
	return (now & mask) | (old & ~mask);
}

static void check_atomic(struct bpf_insn i, uint64_t old, uint64_t operand, bool equal)
{
	uint64_t *cell = (uint64_t *)(void *)(MIDDLE + i.off), want[10], after;
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	set_in();
	if (i.src_reg < 10)
		in[i.src_reg] = operand;
	if (equal)
		in[0] = BPF_SIZE(i.code) == BPF_DW ? old : (uint32_t)old | 0xabcull << 40;
	in[i.dst_reg] = (uint64_t)(uintptr_t)MIDDLE;
	for (int jit = 0; jit < 2; jit++) {
		*cell = old;
		run_one(&e, jit);
		memcpy(want, in, sizeof(want));
		after = want_atomic(&i, old, i.src_reg == 10 ? out[10] : in[i.src_reg], want);
		check_out(&e, jit ? "jit" : "interpreter", want, 0);
		assert_int_equal(*cell, after);
	}
	program_put(e.p);
}

static void test_atomics(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(atomics); k++)
		for (unsigned dst = 0; dst < 10; dst++)
			for (unsigned src = 0; src <= 10; src++)
				for (int size = BPF_W; size <= BPF_DW; size += BPF_DW - BPF_W) {
					struct bpf_insn i = INSN(BPF_STX | BPF_ATOMIC | size, dst,
								 src, 8, atomics[k]);

					if (src == 10 && insn_writes(&i) == 10)
						continue;
					check_atomic(i, 0xfedcba9876543210, 0x1122334455667788,
						     false);
					check_atomic(i, 0xfedcba9876543210, 0x1122334455667788,
						     true);
					check_atomic(i, ~0ull, 1, true);
					check_atomic(i, 0, ~0ull, false);
				}
}

/* On the stack: the base is r10. */
static void test_atomics_on_stack(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(atomics); k++)
		for (unsigned src = 0; src < 10; src++) {
			struct bpf_insn i =
				INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, src, -96, atomics[k]);
			uint64_t want[10], after;
			struct engines e;
			struct code c;

			head(&c);
			put(&c, ST(10, -96, 0x1234567));
			put(&c, i);
			tail(&c);
			engines_open(&e, &c, &i);
			set_in();
			memcpy(want, in, sizeof(want));
			after = want_atomic(&i, 0x1234567, in[src], want);
			for (int jit = 0; jit < 2; jit++) {
				run_one(&e, jit);
				check_out(&e, jit ? "jit" : "interpreter", want, after);
			}
			program_put(e.p);
		}
}

/* -- load-acquire, store-release --------------------------------------------------------- */

static void check_ordered(struct bpf_insn i, unsigned base, unsigned bytes)
{
	uint64_t *cell = (uint64_t *)(void *)(MIDDLE + i.off), want[10];
	uint64_t mask = bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1, old = 0xfedcba9876543210;
	struct engines e;
	struct code c;

	around(&c, i);
	engines_open(&e, &c, &i);
	set_in();
	in[base] = (uint64_t)(uintptr_t)MIDDLE;
	for (int jit = 0; jit < 2; jit++) {
		uint64_t after = old, src;

		*cell = old;
		run_one(&e, jit);
		memcpy(want, in, sizeof(want));
		if (i.imm == INSN_LOAD_ACQ) {
			want[i.dst_reg] = old & mask;
		} else {
			src = i.src_reg == 10 ? out[10] : in[i.src_reg];
			after = (old & ~mask) | (src & mask);
		}
		check_out(&e, jit ? "jit" : "interpreter", want, 0);
		assert_int_equal(*cell, after);
	}
	program_put(e.p);
}

static void test_ordered(void **state)
{
	static const struct {
		uint8_t code, bytes;
	} size[] = { { BPF_B, 1 }, { BPF_H, 2 }, { BPF_W, 4 }, { BPF_DW, 8 } };

	for (unsigned k = 0; k < ARRAY_LEN(size); k++)
		for (unsigned dst = 0; dst < 10; dst++)
			for (unsigned src = 0; src <= 10; src++) {
				unsigned code = BPF_STX | BPF_ATOMIC | size[k].code;

				if (src < 10)
					check_ordered(INSN(code, dst, src, 16, INSN_LOAD_ACQ), src,
						      size[k].bytes);
				check_ordered(INSN(code, dst, src, -24, INSN_STORE_REL), dst,
					      size[k].bytes);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alu_registers),
		cmocka_unit_test(test_alu_immediates),
		cmocka_unit_test(test_neg),
		cmocka_unit_test(test_swaps),
		cmocka_unit_test(test_jump_registers),
		cmocka_unit_test(test_jump_immediates),
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_stack_accesses),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_atomics_on_stack),
		cmocka_unit_test(test_ordered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
