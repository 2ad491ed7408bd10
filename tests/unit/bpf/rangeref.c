/* tests/unit/bpf/rangeref.c - see rangeref.h. */
#include "rangeref.h"

#include <linux/bpf.h>

const struct ref_op ref_alus[REF_NALU] = {
	{ "add", BPF_ADD, 0 }, { "sub", BPF_SUB, 0 },   { "mul", BPF_MUL, 0 },
	{ "div", BPF_DIV, 0 }, { "sdiv", BPF_DIV, 1 },  { "or", BPF_OR, 0 },
	{ "and", BPF_AND, 0 }, { "lsh", BPF_LSH, 0 },   { "rsh", BPF_RSH, 0 },
	{ "neg", BPF_NEG, 0 }, { "mod", BPF_MOD, 0 },   { "smod", BPF_MOD, 1 },
	{ "xor", BPF_XOR, 0 }, { "arsh", BPF_ARSH, 0 },
};

const struct ref_op ref_jumps[REF_NJMP] = {
	{ "==", BPF_JEQ, 0 },  { "!=", BPF_JNE, 0 },   { "&", BPF_JSET, 0 },
	{ ">", BPF_JGT, 0 },   { ">=", BPF_JGE, 0 },   { "<", BPF_JLT, 0 },
	{ "<=", BPF_JLE, 0 },  { "s>", BPF_JSGT, 0 },  { "s>=", BPF_JSGE, 0 },
	{ "s<", BPF_JSLT, 0 }, { "s<=", BPF_JSLE, 0 },
};

uint64_t ref_mask(unsigned width)
{
	return width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1;
}

int64_t ref_signed(uint64_t value, unsigned width)
{
	uint64_t sign = (uint64_t)1 << (width - 1);

	return (int64_t)((value ^ sign) - sign);
}

static int64_t signed_quotient(int64_t a, int64_t b)
{
	if (b == -1) /* also of the least number, which C does not define */
		return (int64_t)(0 - (uint64_t)a);
	return a / b;
}

static uint64_t alu(const struct ref_op *op, uint64_t a, uint64_t b, unsigned width)
{
	int64_t sa = ref_signed(a, width), sb = ref_signed(b, width);
	unsigned by = (unsigned)(b & (width - 1));

	switch (op->op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		if (!b)
			return 0;
		return op->off ? (uint64_t)signed_quotient(sa, sb) : a / b;
	case BPF_MOD:
		if (!b)
			return a;
		if (!op->off)
			return a % b;
		return sb == -1 ? 0 : (uint64_t)(sa % sb);
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << by;
	case BPF_RSH:
		return a >> by;
	case BPF_ARSH:
		return (uint64_t)(sa >> by);
	default:
		return -a;
	}
}

uint64_t ref_alu(const struct ref_op *op, uint64_t a, uint64_t b, unsigned width)
{
	return alu(op, a & ref_mask(width), b & ref_mask(width), width) & ref_mask(width);
}

bool ref_jump(const struct ref_op *op, uint64_t a, uint64_t b, unsigned width)
{
	int64_t sa, sb;

	a &= ref_mask(width);
	b &= ref_mask(width);
	sa = ref_signed(a, width);
	sb = ref_signed(b, width);
	switch (op->op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JSET:
		return a & b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	default:
		return sa <= sb;
	}
}

struct tnum ref_tnum(unsigned n)
{
	struct tnum t = { 0, 0 };

	for (unsigned bit = 0; n; bit++, n /= 3) {
		t.value |= (uint64_t)(n % 3 == 1) << bit;
		t.mask |= (uint64_t)(n % 3 == 2) << bit;
	}
	return t;
}

unsigned ref_power3(unsigned n)
{
	return n ? 3 * ref_power3(n - 1) : 1;
}

uint64_t ref_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}
