/*
 * listprog.c - see listprog.h.
 *
 * Unit: [0..1] form, [2] dst, [3] src, [4..5] off, [6..7] and a corner or not: imm.
 */
#include "listprog.h"

#include "bpf/insn.h"
#include "bpf/jit.h"

#include <string.h>

#define MAX_UNITS   256
#define MAX_FORMS   256
#define SMALL_INSNS JIT_INLINE_MAX_INSNS
#define UNIT_INSNS  12 /* at most, of one unit */

enum use {
	USE_PLAIN,
	USE_SHIFT,
	USE_DIV,
	USE_SWAP,
	USE_LDDW,
	USE_JUMP,
	USE_LOAD,
	USE_STORE,
	USE_ATOMIC,
	USE_CALL,
	USE_FUSED,
	USE_FP
};

struct form {
	uint8_t code, use;
	int16_t off; /* of ALU */
	int32_t imm; /* of atomics and byte swaps */
};

static struct form forms[MAX_FORMS];
static unsigned nforms;

struct list {
	const uint8_t *at;
	struct bpf_insn *out;
	int n, cap, helper;
	uint64_t mem;
	bool small;
	int unit[MAX_UNITS + 8], nunits;
	struct {
		int at, unit;
	} jump[MAX_UNITS];
	int njumps;
};

/* -- the table of all instructions ---------------------------------------------------------- */

static void add_form(unsigned code, enum use use, int off, int imm)
{
	forms[nforms++] = (struct form){ (uint8_t)code, (uint8_t)use, (int16_t)off, imm };
}

static void add_alu(unsigned class)
{
	static const uint8_t plain[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_OR,
					 BPF_AND, BPF_XOR, BPF_MOV };
	static const uint8_t shift[] = { BPF_LSH, BPF_RSH, BPF_ARSH };

	for (unsigned src = BPF_K; src <= BPF_X; src += BPF_X) {
		for (unsigned k = 0; k < sizeof(plain); k++)
			add_form(class | src | plain[k], USE_PLAIN, 0, 0);
		for (unsigned k = 0; k < sizeof(shift); k++)
			add_form(class | src | shift[k], USE_SHIFT, 0, 0);
		for (int sign = 0; sign < 2; sign++) {
			add_form(class | src | BPF_DIV, USE_DIV, sign, 0);
			add_form(class | src | BPF_MOD, USE_DIV, sign, 0);
		}
	}
	add_form(class | BPF_NEG, USE_SWAP, 0, 0);
	for (int bits = 8; bits <= (class == BPF_ALU ? 16 : 32); bits *= 2)
		add_form(class | BPF_X | BPF_MOV, USE_PLAIN, bits, 0);
	for (int bits = 16; bits <= 64; bits *= 2) {
		add_form(class | BPF_END, USE_SWAP, 0, bits);
		if (class == BPF_ALU)
			add_form(class | BPF_END | BPF_X, USE_SWAP, 0, bits);
	}
}

static void add_jumps(unsigned class)
{
	static const uint8_t ops[] = { BPF_JEQ,  BPF_JNE,  BPF_JGT,  BPF_JGE,  BPF_JLT, BPF_JLE,
				       BPF_JSET, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE };

	for (unsigned k = 0; k < sizeof(ops); k++) {
		add_form(class | BPF_K | ops[k], USE_JUMP, 0, 0);
		add_form(class | BPF_X | ops[k], USE_JUMP, 0, 0);
	}
	add_form(class | BPF_JA, USE_JUMP, 0, 0);
}

static void add_memory(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	static const uint8_t ops[] = { BPF_ADD, BPF_OR, BPF_AND, BPF_XOR };

	for (unsigned s = 0; s < 4; s++) {
		add_form(BPF_LDX | BPF_MEM | sizes[s], USE_LOAD, 0, 0);
		if (sizes[s] != BPF_DW)
			add_form(BPF_LDX | INSN_MEMSX | sizes[s], USE_LOAD, 0, 0);
		add_form(BPF_ST | BPF_MEM | sizes[s], USE_STORE, 0, 0);
		add_form(BPF_STX | BPF_MEM | sizes[s], USE_STORE, 0, 0);
		add_form(BPF_STX | BPF_ATOMIC | sizes[s], USE_ATOMIC, 0, INSN_LOAD_ACQ);
		add_form(BPF_STX | BPF_ATOMIC | sizes[s], USE_ATOMIC, 0, INSN_STORE_REL);
	}
	for (unsigned size = BPF_W; size <= BPF_DW; size += BPF_DW - BPF_W) {
		for (unsigned k = 0; k < 4; k++) {
			add_form(BPF_STX | BPF_ATOMIC | size, USE_ATOMIC, 0, ops[k]);
			add_form(BPF_STX | BPF_ATOMIC | size, USE_ATOMIC, 0, ops[k] | BPF_FETCH);
		}
		add_form(BPF_STX | BPF_ATOMIC | size, USE_ATOMIC, 0, BPF_XCHG);
		add_form(BPF_STX | BPF_ATOMIC | size, USE_ATOMIC, 0, BPF_CMPXCHG);
		add_form(BPF_LDX | BPF_MEM | size, USE_FUSED, 0, BPF_ALU64);
	}
	add_form(BPF_LDX | BPF_MEM | BPF_W, USE_FUSED, 0, BPF_ALU);
}

unsigned listprog_forms(void)
{
	if (nforms)
		return nforms;
	add_alu(BPF_ALU);
	add_alu(BPF_ALU64);
	add_jumps(BPF_JMP);
	add_jumps(BPF_JMP32);
	add_memory();
	add_form(BPF_JMP | INSN_JCOND, USE_JUMP, 0, 0);
	add_form(BPF_LD | BPF_IMM | BPF_DW, USE_LDDW, 0, 0);
	add_form(BPF_JMP | BPF_CALL, USE_CALL, 0, 0);
	for (int k = 0; k < 4; k++) /* r10 as an operand: unit_fp() */
		add_form(0, USE_FP, 0, k);
	return nforms;
}

/* -- units ------------------------------------------------------------------------------------ */

static void put(struct list *l, struct bpf_insn i)
{
	if (l->n < l->cap)
		l->out[l->n] = i;
	l->n++;
}

static void put_lddw(struct list *l, unsigned reg, uint64_t v)
{
	put(l, INSN(BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, v));
	put(l, INSN(0, 0, 0, 0, v >> 32));
}

static unsigned dst_of(const struct list *l)
{
	return l->at[2] % (l->small ? 6 : 10);
}

static unsigned src_of(const struct list *l)
{
	return l->at[3] % (l->small ? 6 : 10);
}

static int16_t off_of(const struct list *l)
{
	return (int16_t)(l->at[4] | l->at[5] << 8);
}

/* A corner of some width, or sixteen bits spread over all. */
static int32_t imm_of(const struct list *l)
{
	static const int32_t corner[] = { 0,      1,     2,          31,           32,  63,
					  64,     127,   128,        -1,           -2,  -127,
					  -128,   -129,  255,        256,          511, 32767,
					  -32768, 65535, 0x40000000, INT32_MAX,    8,   16,
					  4096,   7,     INT32_MIN,  INT32_MIN + 1 };
	unsigned bits = (unsigned)l->at[6] | (unsigned)l->at[7] << 8;

	if (l->at[0] & 0x80)
		return corner[bits % (sizeof(corner) / sizeof(*corner))];
	return (int32_t)(bits * 0x9e3779b1u);
}

static uint64_t value_of(const struct list *l)
{
	uint64_t v = (uint64_t)(int64_t)imm_of(l);

	switch (l->at[2] >> 5) {
	case 0:
		return v << 32;
	case 1:
		return v << 31;
	case 2:
		return v * 0x9e3779b97f4a7c15;
	default:
		return v;
	}
}

static void unit_alu(struct list *l, const struct form *f)
{
	bool by_reg = BPF_SRC(f->code) == BPF_X;
	int32_t imm = imm_of(l);

	if (f->use == USE_SWAP) {
		put(l, INSN(f->code, dst_of(l), 0, 0, f->imm));
		return;
	}
	if (f->use == USE_SHIFT && l->small) /* the checks stay on there */
		imm &= BPF_CLASS(f->code) == BPF_ALU ? 31 : 63;
	if (f->use == USE_DIV)
		imm += !imm;
	put(l, INSN(f->code, dst_of(l), by_reg ? src_of(l) : 0, f->off, by_reg ? 0 : imm));
}

static void unit_jump(struct list *l, const struct form *f)
{
	bool by_reg = BPF_SRC(f->code) == BPF_X, ja = BPF_OP(f->code) == BPF_JA;

	if (f->code == (BPF_JMP | INSN_JCOND)) {
		if (l->small) /* it needs a frame */
			return;
		ja = true;
	}
	l->jump[l->njumps].at = l->n;
	l->jump[l->njumps++].unit = l->nunits + 1 + (off_of(l) & 7);
	put(l, INSN(f->code, ja ? 0 : dst_of(l), by_reg && !ja ? src_of(l) : 0, 0,
		    by_reg || ja ? 0 : imm_of(l)));
}

/*
 * The register that an access goes through, loaded for it.  On the stack the ends are
 * initialised: 64 bytes each.
 */
static unsigned base_for(struct list *l, unsigned reg, int align, int16_t *off)
{
	unsigned at = (unsigned)(l->at[4] ^ l->at[6]);

	*off = off_of(l);
	if (!l->small && l->at[3] & 0x80) {
		at = at % (64 - 8) & (unsigned)-align;
		*off = (int16_t)((int)at - (l->at[5] & 1 ? 512 : 64));
		return INSN_FP;
	}
	at = at % (LISTPROG_MEM - 8) & (unsigned)-align;
	put_lddw(l, reg, l->mem + at - (uint64_t)(int64_t)*off);
	return reg;
}

static void unit_load(struct list *l, const struct form *f)
{
	int16_t off;
	unsigned base = base_for(l, src_of(l), 1, &off);

	put(l, INSN(f->code, dst_of(l), base, off, 0));
}

static void unit_store(struct list *l, const struct form *f)
{
	bool imm = BPF_CLASS(f->code) == BPF_ST;
	int16_t off;
	unsigned base = base_for(l, dst_of(l), f->use == USE_ATOMIC ? 8 : 1, &off);

	if (f->imm == INSN_LOAD_ACQ && f->use == USE_ATOMIC)
		put(l, INSN(f->code, src_of(l), base, off, f->imm));
	else if (f->use == USE_ATOMIC)
		put(l, INSN(f->code, base, src_of(l), off, f->imm));
	else
		put(l, INSN(f->code, base, imm ? 0 : src_of(l), off, imm ? imm_of(l) : 0));
}

/* What the JIT may make one instruction of. */
static void unit_fused(struct list *l, const struct form *f)
{
	unsigned size = BPF_SIZE(f->code), r = dst_of(l), base;
	int16_t off;

	base = base_for(l, src_of(l), 8, &off);
	if (r == base)
		r = (r + 1) % 6;
	put(l, INSN(f->code, r, base, off, 0));
	put(l, INSN((unsigned)f->imm | BPF_ADD | BPF_K, r, 0, 0, imm_of(l)));
	put(l, INSN(BPF_STX | BPF_MEM | size, base, r, off, 0));
	if (l->at[2] & 0x80)
		put_lddw(l, r, value_of(l));
}

static void unit_call(struct list *l)
{
	if (l->small)
		return;
	put(l, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, l->helper));
	for (unsigned r = 1; r <= 5; r++)
		put_lddw(l, r, value_of(l) + r);
}

/* Where the stack lies differs between engines, so r10 must cancel out. */
static void unit_fp(struct list *l, const struct form *f)
{
	static const uint8_t back[] = { BPF_SUB, BPF_ADD, BPF_XOR },
			     there[] = { BPF_ADD, BPF_SUB, BPF_XOR };
	unsigned r = dst_of(l);

	if (l->small)
		return;
	if (f->imm < 3) {
		put(l, INSN(BPF_ALU64 | BPF_X | there[f->imm], r, INSN_FP, 0, 0));
		put(l, INSN(BPF_ALU64 | BPF_X | back[f->imm], r, INSN_FP, 0, 0));
		return;
	}
	put(l, INSN(BPF_STX | BPF_MEM | BPF_DW, INSN_FP, INSN_FP, -8, 0));
	put(l, INSN(BPF_LDX | BPF_MEM | BPF_DW, r, INSN_FP, -8, 0));
	put(l, INSN(BPF_ALU64 | BPF_X | BPF_SUB, r, INSN_FP, 0, 0));
	put(l, INSN(BPF_STX | BPF_MEM | BPF_DW, INSN_FP, r, -8, 0));
	put(l, INSN(BPF_STX | BPF_ATOMIC | BPF_DW, INSN_FP, INSN_FP, -8, BPF_ADD));
	put(l, INSN(BPF_LDX | BPF_MEM | BPF_DW, r, INSN_FP, -8, 0));
	put(l, INSN(BPF_JMP | BPF_X | BPF_JEQ, r, INSN_FP, 1, 0));
	put(l, INSN(BPF_ALU64 | BPF_K | BPF_MOV, r, 0, 0, 1));
	put(l, INSN(BPF_ALU64 | BPF_X | BPF_SUB, r, INSN_FP, 0, 0));
	put(l, INSN(BPF_ST | BPF_MEM | BPF_DW, INSN_FP, 0, -8, 1));
}

static void unit(struct list *l)
{
	const struct form *f = &forms[(l->at[0] | l->at[1] << 8) % listprog_forms()];

	switch (f->use) {
	case USE_JUMP:
		unit_jump(l, f);
		break;
	case USE_LDDW:
		put_lddw(l, dst_of(l), value_of(l));
		break;
	case USE_LOAD:
		unit_load(l, f);
		break;
	case USE_STORE:
	case USE_ATOMIC:
		unit_store(l, f);
		break;
	case USE_CALL:
		unit_call(l);
		break;
	case USE_FUSED:
		unit_fused(l, f);
		break;
	case USE_FP:
		unit_fp(l, f);
		break;
	default:
		unit_alu(l, f);
	}
}

static void begin(struct list *l)
{
	for (unsigned r = 0; r < (l->small ? 6 : 10); r++)
		put(l, INSN(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, 0x01010101 * (int)r - 5));
	for (int off = 8; !l->small && off <= 64; off += 8) {
		put(l, INSN(BPF_ST | BPF_MEM | BPF_DW, INSN_FP, 0, -off, off));
		put(l, INSN(BPF_ST | BPF_MEM | BPF_DW, INSN_FP, 0, off - 520, -off));
	}
}

static void end(struct list *l)
{
	l->unit[l->nunits] = l->n;
	for (unsigned r = 1; r < (l->small ? 6 : 10); r++) {
		put(l, INSN(BPF_ALU64 | BPF_MUL | BPF_K, 0, 0, 0, 31));
		put(l, INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, r, 0, 0));
	}
	put(l, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

int listprog_make(const uint8_t *bytes, size_t nbytes, bool small, void *mem, int helper,
		  struct bpf_insn *out, int cap)
{
	struct list l = { .at = bytes, .out = out, .cap = cap, .helper = helper, .small = small };
	int room = small ? SMALL_INSNS - 11 : cap - 19;

	l.mem = (uint64_t)(uintptr_t)mem;
	begin(&l);
	for (; nbytes >= 8 && l.nunits < MAX_UNITS && l.n + UNIT_INSNS <= room; nbytes -= 8) {
		l.unit[l.nunits] = l.n;
		unit(&l);
		l.nunits++;
		l.at += 8;
	}
	end(&l);
	for (int j = 0; j < l.njumps; j++) {
		int to = l.jump[j].unit < l.nunits ? l.jump[j].unit : l.nunits;
		int at = l.jump[j].at, away = l.unit[to] - at - 1;

		if (out[at].code == (BPF_JMP32 | BPF_JA))
			out[at].imm = away;
		else
			out[at].off = (__s16)away;
	}
	return l.n;
}
