/*
 * numbers.c - arithmetic, branches and what they tell, by results: a number that the verifier knows decides a
 * branch whose other way is wrong, and what is returned is compared.
 */
#include "cases.h"

#include "../rangeref.h"

#include <stdio.h>

/* Unknown to the verifier, 5 when it runs. */
#define FIVE(reg_) "ldxdw " reg_ ", [r1+8]\n"

static const struct {
	const char *name;
	uint8_t op;
	int off;
} ops[] = {
	{ "add", BPF_ADD, 0 },   { "sub", BPF_SUB, 0 }, { "mul", BPF_MUL, 0 },
	{ "div", BPF_DIV, 0 },   { "mod", BPF_MOD, 0 }, { "sdiv", BPF_DIV, 1 },
	{ "smod", BPF_MOD, 1 },  { "and", BPF_AND, 0 }, { "or", BPF_OR, 0 },
	{ "xor", BPF_XOR, 0 },   { "lsh", BPF_LSH, 0 }, { "rsh", BPF_RSH, 0 },
	{ "arsh", BPF_ARSH, 0 },
};

static const struct {
	uint64_t a;
	int32_t b;
} operands[] = {
	{ 5, 3 },          { UINT64_MAX, 7 }, { 0x8000000000000000, -1 }, { 0xfffffffff, 31 },
	{ 0x80000000, 2 },
};

/* Known operands: the other way is never looked at, so the result is what the verifier says. */
static unsigned constants(const char *name, const struct ref_op *op, bool wide, uint64_t a,
			  int32_t b)
{
	bool shift = op->op == BPF_LSH || op->op == BPF_RSH || op->op == BPF_ARSH;
	uint64_t want;
	char text[256];
	struct verify_case c = { .text = text, .kind = M };

	if (shift && (b < 0 || b > 31))
		return 0;
	want = ref_alu(op, a, (uint64_t)(int64_t)b, wide ? 64 : 32);
	c.r0 = want;
	snprintf(
		text, sizeof(text),
		"lddw r0, 0x%llx\nmov r2, %d\nlddw r3, 0x%llx\n%s%s r0, r2\njeq r0, r3, e\n" OUTSIDE
		"e: exit\n",
		(unsigned long long)a, b, (unsigned long long)want, name, wide ? "" : "32");
	return !verify_one(&c);
}

void verify_numbers_constants(void **state)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		for (unsigned k = 0; k < ARRAY_LEN(operands); k++)
			for (unsigned wide = 0; wide < 2; wide++) {
				struct ref_op op = { ops[i].name, ops[i].op, ops[i].off };

				bad += constants(ops[i].name, &op, wide, operands[k].a,
						 operands[k].b);
			}
	assert_int_equal(bad, 0);
}

/* r6 is 5 but not known; what is known of it then is enough for 64 bytes. */
void verify_numbers_bounds(void **state)
{
	static const struct verify_case c[] = {
		GIVES(5, FIVE("r6") "and r6, 63\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(5, FIVE("r6") "and32 r6, 63\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(5, FIVE("r6") "mod r6, 64\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(0, FIVE("r6") "rsh r6, 58\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(0, FIVE("r6") "rsh32 r6, 26\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(10, FIVE("r6") "and r6, 31\nadd r6, r6\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(20, FIVE("r6") "and r6, 15\nlsh r6, 2\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(15, FIVE("r6") "and r6, 15\nmul r6, 3\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(37, FIVE("r6") "and r6, 31\nor r6, 32\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(58, FIVE("r6") "and r6, 63\nxor r6, 63\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(58, FIVE("r6") "and r6, 63\nmov r7, 63\nsub r7, r6\n" TOUCH(
				  "r7") "mov r0, r2\n" RET),
		GIVES(1, FIVE("r6") "and r6, 255\ndiv r6, 4\n" TOUCH("r6") "mov r0, r2\n" RET),
		GIVES(5, FIVE("r6") "movsx8 r6, r6\njslt r6, 0, e\njsgt r6, 63, e\n" TOUCH(
				 "r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "jsge r6, 64, e\njslt r6, 0, e\n" TOUCH(
				 "r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "jlt r6, 64, +1\nja e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5,
		      FIVE("r6") "mov r7, 63\njgt r6, r7, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") FIVE("r7") "and r7, 63\njgt r6, r7, e\n" TOUCH(
				 "r6") "mov r0, r2\n" RET END),
		GIVES(5,
		      FIVE("r6") "mov r7, r6\njgt r7, 63, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(8, FIVE("r6") "mov r7, r6\nadd r7, 3\njgt r7, 63, e\n" TOUCH(
				 "r7") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "jset r6, -64, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "jne r6, 5, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, "ldxw r6, [r1+8]\njgt r6, 63, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, "ldxb r6, [r1+8]\njgt r6, 63, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "bswap64 r6\nrsh r6, 56\njgt r6, 63, e\n" TOUCH(
				 "r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "le16 r6\njgt r6, 63, e\n" TOUCH("r6") "mov r0, r2\n" RET END),
		GIVES(5, FIVE("r6") "neg r6\nneg r6\njgt r6, 63, e\n" TOUCH(
				 "r6") "mov r0, r2\n" RET END),
	};

	VERIFY_CASES(c);
}

/* One more than is enough, or the other end forgotten. */
void verify_numbers_loose(void **state)
{
	static const struct verify_case c[] = {
		REFUSED("R1 max value is outside", FIVE("r6") "and r6, 64\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside", FIVE("r6") "mod r6, 65\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside", FIVE("r6") "rsh r6, 57\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside", FIVE("r6") "rsh32 r6, 25\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside",
			FIVE("r6") "and r6, 31\nadd r6, r6\nadd r6, 2\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside",
			FIVE("r6") "and r6, 31\nlsh r6, 2\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside",
			FIVE("r6") "and r6, 31\nmul r6, 3\n" TOUCH("r6") OK),
		REFUSED("R1 min value is outside",
			FIVE("r6") "and r6, 63\nor r6, 64\n" TOUCH("r6") OK),
		REFUSED("R1 min value is outside",
			FIVE("r6") "and r6, 63\nxor r6, 127\n" TOUCH("r6") OK),
		REFUSED("R1 min value is outside",
			FIVE("r6") "and r6, 63\nmov r7, 62\nsub r7, r6\n" TOUCH("r7") OK),
		REFUSED("R1 min value is outside",
			FIVE("r6") "and r6, 63\nneg r6\n" TOUCH("r6") OK),
		REFUSED("R1 min value is outside",
			FIVE("r6") "movsx8 r6, r6\njsgt r6, 63, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value", FIVE("r6") "jsgt r6, 63, e\n" TOUCH("r6") END),
		REFUSED("R1 unbounded memory access", FIVE("r6") "jslt r6, 0, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value", FIVE("r6") "jset r6, 63, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value", FIVE("r6") "jeq r6, 5, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value", FIVE("r6") "jgt32 r6, 63, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value",
			FIVE("r6") "jslt32 r6, 0, e\njsgt32 r6, 63, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value",
			FIVE("r6") FIVE("r7") "jgt r6, r7, e\n" TOUCH("r6") END),
		REFUSED("unbounded min value",
			FIVE("r6") "mov r7, r6\nadd r7, 3\njgt r7, 63, e\n" TOUCH("r6") END),
		REFUSED("R1 max value is outside", "ldxb r6, [r1+8]\n" TOUCH("r6") OK),
		REFUSED("R1 max value is outside", "ldxh r6, [r1+8]\n" TOUCH("r6") OK),
		REFUSED("R1 min value is outside",
			"ldxsb r6, [r1+8]\njsgt r6, 63, e\n" TOUCH("r6") END),
		REFUSED("shift by more than the register's width", "mov r2, 1\nlsh r2, 64\n" OK),
		REFUSED("shift by more than the register's width", "mov r2, 1\nrsh32 r2, 32\n" OK),
		REFUSED("shift by more than the register's width", "mov r2, 1\narsh r2, -1\n" OK),
	};

	VERIFY_CASES(c);
}
