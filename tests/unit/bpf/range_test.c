/*
 * bpf/range.h at its real width: what programs rely on is proved (no less precise than users
 * expect), what other verifiers believed by mistake is not, and random values of random ranges are
 * never lost.  Every value of every range of a small word: range_narrow_test.c.
 */
#include "bpf/range.h"

#include "rangeref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void is_text(const struct range *r, const char *want)
{
	char buf[256];

	int length = range_text(r, 0, buf, sizeof(buf));

	assert_int_equal(length, strlen(buf));
	assert_string_equal(buf, want);
}

static struct range alu(struct range dst, uint8_t op, struct range src)
{
	range_alu(&dst, op, true, 0, &src);
	return dst;
}

static struct range alu32(struct range dst, uint8_t op, struct range src)
{
	range_alu(&dst, op, false, 0, &src);
	return dst;
}

static struct range number(int64_t v)
{
	return range_const((uint64_t)v);
}

/* r, once "if r op v" was taken (or not), by 64 bits or by 32. */
static struct range after(struct range r, uint8_t op, bool is64, int64_t v, bool taken)
{
	struct range k = number(v);

	assert_true(range_branch(op, is64, &r, &k, taken));
	assert_true(range_equal(&k, &(struct range[]){ number(v) }[0]) || !is64);
	return r;
}

static struct range if_op(struct range r, uint8_t op, int64_t v)
{
	return after(r, op, true, v, true);
}

static struct range if_not(struct range r, uint8_t op, int64_t v)
{
	return after(r, op, true, v, false);
}

static struct range if_op32(struct range r, uint8_t op, int64_t v)
{
	return after(r, op, false, v, true);
}

static struct range if_not32(struct range r, uint8_t op, int64_t v)
{
	return after(r, op, false, v, false);
}

static void between(struct range r, int64_t lo, int64_t hi)
{
	if (r.smin != lo || r.smax != hi ||
	    (lo >= 0 && (r.umin != (uint64_t)lo || r.umax != (uint64_t)hi))) {
		char buf[256];

		range_text(&r, 0, buf, sizeof(buf));
		fail_msg("%s is not %ld to %ld", buf, (long)lo, (long)hi);
	}
}

static void test_masks_and_shifts(void **state)
{
	struct range x = range_unknown();

	between(alu(x, BPF_AND, number(0xff)), 0, 0xff);
	between(alu32(x, BPF_AND, number(0xff)), 0, 0xff);
	between(alu(x, BPF_RSH, number(56)), 0, 0xff);
	between(alu32(x, BPF_RSH, number(28)), 0, 15);
	between(alu(x, BPF_ARSH, number(56)), -128, 127);
	between(alu(alu(x, BPF_ARSH, number(63)), BPF_AND, number(-13)), -13, 0);
	between(alu(alu(x, BPF_AND, number(7)), BPF_LSH, number(3)), 0, 56);
	between(alu(alu(x, BPF_LSH, number(32)), BPF_RSH, number(32)), 0, UINT32_MAX);
	between(alu(alu(x, BPF_LSH, number(32)), BPF_ARSH, number(32)), INT32_MIN, INT32_MAX);
	between(alu(number(1), BPF_LSH, alu(x, BPF_AND, number(3))), 1, 8);
	between(alu(alu(x, BPF_AND, number(0xf0)), BPF_OR, number(3)), 3, 0xf3);
	between(alu(alu(x, BPF_AND, number(0xf)), BPF_XOR, number(0x10)), 0x10, 0x1f);
	assert_true(tnum_is_aligned(alu(x, BPF_AND, number(-8)).bits, 8));
	assert_true(tnum_is_aligned(alu(x, BPF_MUL, number(24)).bits, 8));
	assert_false(tnum_is_aligned(alu(x, BPF_MUL, number(24)).bits, 16));
	assert_true(tnum_is_aligned(alu(alu(x, BPF_LSH, number(4)), BPF_ADD, number(32)).bits, 16));
	assert_true(tnum_is_aligned(alu(alu(x, BPF_LSH, number(4)), BPF_MOD, number(80)).bits, 16));
}

static void test_sums_and_products(void **state)
{
	struct range x = range_unsigned(1, 8), y = range_signed(-4, 4);

	between(alu(x, BPF_SUB, number(1)), 0, 7);
	between(alu(x, BPF_ADD, y), -3, 12);
	between(alu(x, BPF_SUB, y), -3, 12);
	between(alu(x, BPF_MUL, y), -32, 32);
	between(alu(y, BPF_MUL, y), -16, 16);
	between(alu(x, BPF_MUL, number(24)), 24, 192);
	between(alu(x, BPF_NEG, x), -8, -1);
	between(alu(range_unsigned(0, 1000), BPF_DIV, number(8)), 0, 125);
	between(alu(range_unknown(), BPF_MOD, number(10)), 0, 9);
	between(alu(range_unsigned(20, 25), BPF_MOD, number(10)), 0, 5);
	between(alu(range_unsigned(0, 7), BPF_MOD, number(10)), 0, 7);
	between(alu32(range_unsigned(3, 9), BPF_SUB, number(2)), 1, 7);
	/* an overflow of some only: all may be; of all: known again */
	assert_true(
		range_is_unknown(&(struct range[]){ alu(range_unknown(), BPF_ADD, number(1)) }[0]));
	between(alu(range_unsigned(UINT64_MAX - 3, UINT64_MAX - 1), BPF_ADD, number(5)), 1, 3);
	between(alu32(range_unsigned(UINT32_MAX - 3, UINT32_MAX - 1), BPF_ADD, number(5)), 1, 3);
	between(alu32(range_unsigned(0, 1), BPF_SUB, number(1)), 0, UINT32_MAX);
	between(alu(range_unsigned(0, 1), BPF_SUB, number(1)), -1, 0);
}

static void test_signed_division(void **state)
{
	struct range x = range_signed(-100, 50), ten = number(10), minus = number(-10);

	range_alu(&x, BPF_DIV, true, 1, &ten);
	between(x, -10, 5);
	range_alu(&x, BPF_MOD, true, 1, &minus);
	between(x, -9, 5);
	range_alu(&x, BPF_DIV, true, 1, &minus);
	between(x, 0, 0);
	x = range_signed(-100, -50);
	range_alu(&x, BPF_MOD, false, 1, &ten); /* zero-extended: 0, and -9 to -1 as 32 bits */
	assert_int_equal(x.smin32, -9);
	assert_int_equal(x.smax32, 0);
	between(x, 0, UINT32_MAX);
}

static void test_constants_fold(void **state)
{
	static const uint64_t edge[] = { 0,
					 1,
					 2,
					 7,
					 31,
					 32,
					 63,
					 64,
					 255,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 INT64_MAX,
					 (uint64_t)INT64_MIN,
					 (uint64_t)-2,
					 (uint64_t)-1 };
	const unsigned n = sizeof(edge) / sizeof(edge[0]);

	for (unsigned i = 0; i < REF_NALU * n * n * 2; i++) {
		const struct ref_op *op = &ref_alus[i / 2 / n / n];
		uint64_t x = edge[i / 2 / n % n], y = edge[i / 2 % n];
		struct range a = range_const(x), b = range_const(y), want;

		want = range_const(ref_alu(op, x, y, i % 2 ? 64 : 32));
		range_alu(&a, op->op, i % 2, (int16_t)op->off, &b);
		if (!range_equal(&a, &want))
			fail_msg("%s%s of %lx and %lx is not folded", op->name, i % 2 ? "" : "32",
				 x, y);
	}
	for (unsigned i = 0; i < REF_NJMP * n * n * 2; i++) {
		const struct ref_op *op = &ref_jumps[i / 2 / n / n];
		uint64_t x = edge[i / 2 / n % n], y = edge[i / 2 % n];
		struct range a = range_const(x), b = range_const(y);

		assert_int_equal(range_decide(op->op, i % 2, &a, &b),
				 ref_jump(op, x, y, i % 2 ? 64 : 32));
	}
}

static void test_bounds_checks(void **state)
{
	struct range x = range_unknown();

	between(if_op(x, BPF_JLT, 100), 0, 99);
	between(if_op(x, BPF_JLE, 100), 0, 100);
	between(if_not(x, BPF_JGT, 100), 0, 100);
	between(if_not(x, BPF_JGE, 100), 0, 99);
	between(if_op(if_op(x, BPF_JSGT, 0), BPF_JSLT, 64), 1, 63);
	between(if_not(if_not(x, BPF_JSLT, 0), BPF_JSGE, 64), 0, 63);
	between(if_op(x, BPF_JEQ, -7), -7, -7);
	between(if_not(x, BPF_JNE, 12), 12, 12);
	between(if_op(range_unsigned(0, 9), BPF_JNE, 0), 1, 9);
	between(if_not(range_unsigned(0, 9), BPF_JEQ, 9), 0, 8);
	between(if_op(alu(x, BPF_AND, number(8)), BPF_JNE, 0), 8, 8);
	between(if_op(alu(x, BPF_AND, number(8)), BPF_JSET, 8), 8, 8);
	between(if_not(alu(x, BPF_AND, number(15)), BPF_JSET, 12), 0, 3);
	/* by 32 bits: holds for the low half, for all once it is all there is */
	assert_true(if_op32(x, BPF_JLT, 100).umax > UINT32_MAX);
	between(alu32(x, BPF_MOV, if_op32(x, BPF_JLT, 100)), 0, 99);
	/* as compilers extend what they compared: low halves by two shifts */
	between(alu(alu(if_op32(x, BPF_JLE, 4), BPF_LSH, number(32)), BPF_RSH, number(32)), 0, 4);
	between(alu(alu(if_op32(x, BPF_JLE, 4), BPF_LSH, number(33)), BPF_RSH, number(33)), 0, 4);
	between(alu(alu(if_op32(if_op32(x, BPF_JSGE, -3), BPF_JSLE, 4), BPF_LSH, number(32)),
		    BPF_ARSH, number(32)),
		-3, 4);
	between(if_op32(range_load(4, false), BPF_JLT, 100), 0, 99);
	between(if_op32(range_load(4, false), BPF_JEQ, 5), 5, 5);
	between(if_op32(if_op32(range_load(4, false), BPF_JSGT, 0), BPF_JSLT, 64), 1, 63);
	between(if_not32(if_not32(range_load(4, true), BPF_JSLT, -5), BPF_JSGT, 5), -5, 5);
	/* multiples in bounds: the ends are multiples too */
	between(if_op(alu(x, BPF_AND, number(-8)), BPF_JLT, 60), 0, 56);
	between(if_not(if_op(alu(x, BPF_AND, number(-8)), BPF_JLE, 15), BPF_JLE, 7), 8, 8);
}

static void test_two_registers(void **state)
{
	struct range a = range_unsigned(0, 100), b = range_unsigned(10, 50);

	assert_true(range_branch(BPF_JLT, true, &a, &b, true));
	between(a, 0, 49);
	between(b, 10, 50);
	assert_true(range_branch(BPF_JGT, true, &a, &b, false));
	assert_true(range_branch(BPF_JEQ, true, &a, &b, true));
	between(a, 10, 49);
	between(b, 10, 49);
	b = range_signed(49, 1000);
	assert_true(range_branch(BPF_JSGE, true, &a, &b, true));
	between(a, 49, 49);
	between(b, 49, 49);
	assert_false(range_branch(BPF_JNE, true, &a, &b, true));
	a = range_unknown();
	b = range_load(1, false);
	assert_true(range_branch(BPF_JEQ, true, &a, &b, true));
	between(a, 0, 255);
}

static void test_decided(void **state)
{
	struct range a = range_unsigned(1, 8), b = range_unsigned(9, 20), c = range_signed(-3, -1);
	struct range d = alu(range_unknown(), BPF_AND, number(-2)), one = number(1);

	assert_int_equal(range_decide(BPF_JLT, true, &a, &b), 1);
	assert_int_equal(range_decide(BPF_JGE, true, &a, &b), 0);
	assert_int_equal(range_decide(BPF_JEQ, true, &a, &b), 0);
	assert_int_equal(range_decide(BPF_JNE, false, &a, &b), 1);
	assert_int_equal(range_decide(BPF_JLT, true, &c, &a), 0); /* -1 is large */
	assert_int_equal(range_decide(BPF_JSLT, true, &c, &a), 1);
	assert_int_equal(range_decide(BPF_JSLT, false, &c, &a), 1);
	assert_int_equal(range_decide(BPF_JEQ, true, &d, &one), 0); /* even */
	assert_int_equal(range_decide(BPF_JSET, true, &d, &one), 0);
	assert_int_equal(range_decide(BPF_JLT, true, &b, &b), -1);
	assert_int_equal(range_decide(BPF_JLE, true, &a, &(struct range[]){ number(7) }[0]), -1);
}

/*
 * What others' verifiers believed (reference/engine.md 4.5 (a)): each case is the value that was
 * ruled out, or the bound that was too tight.
 */
static void has_value(struct range r, uint64_t v)
{
	char buf[256];

	range_text(&r, 0, buf, sizeof(buf));
	if (!range_contains(&r, v))
		fail_msg("0x%lx is not in %s", v, buf);
}

static void test_mov32_of_minus_one(void **state) /* CVE-2017-16995 */
{
	struct range r = alu32(range_unknown(), BPF_MOV, number(-1)), k = number(-1);

	between(r, UINT32_MAX, UINT32_MAX);
	assert_int_equal(range_decide(BPF_JNE, true, &r, &k), 1);
	assert_int_equal(range_decide(BPF_JNE, false, &r, &k), 0);
}

static void test_jump32_says_nothing_of_high(void **state) /* CVE-2020-8835 */
{
	struct range r = if_op32(range_unknown(), BPF_JLE, 1);

	has_value(r, 0x100000001);
	has_value(r, 0xffffffff00000000);
	r = if_op32(range_unsigned(1, 0x100000001), BPF_JLE, 1);
	has_value(r, 0x100000000);
	has_value(r, 1);
	assert_true(r.umax == 0x100000001);
}

static void test_or_of_halves(void **state) /* CVE-2020-27194 */
{
	struct range r = alu(range_unsigned(1, 0x600000002), BPF_OR, number(0));

	has_value(r, 0x100000000);
	has_value(alu(range_unsigned(1, 0x600000002), BPF_OR, range_unsigned(0, 1)), 0x2ffffffff);
	assert_int_equal(r.umin32, 0);
	assert_true(r.umax32 == UINT32_MAX);
}

static void test_bitwise_known_half(void **state) /* CVE-2021-3490 */
{
	struct range high = alu(alu(range_unknown(), BPF_RSH, number(32)), BPF_LSH, number(32));
	struct range r;

	r = alu(alu(high, BPF_ADD, number(1)), BPF_XOR, number(3));
	assert_true(r.umin32 == 2 && r.umax32 == 2 && r.smin32 == 2 && r.smax32 == 2);
	r = alu(alu(high, BPF_ADD, number(1)), BPF_AND, number(3));
	between(r, 1, 1);
	r = alu(high, BPF_OR, number(1));
	assert_true(r.umin32 == 1 && r.umax32 == 1);
	has_value(r, 0xffffffff00000001);
	/* bounds of the half that do not fit its bits are no way out */
	r = alu(if_op32(alu(high, BPF_ADD, number(1)), BPF_JLE, 1), BPF_AND, number(2));
	between(r, 0, 0);
}

static void test_word_bounds_to_half(void **state) /* CVE-2021-31440 */
{
	struct range r = if_op(if_op(range_unknown(), BPF_JSGE, 2), BPF_JSLE, 0x100000001);

	has_value(r, 0x100000000);
	has_value(r, 0xffffffff);
	assert_int_equal(r.umin32, 0);
	r = if_op(range_unknown(), BPF_JSGE, 1);
	assert_true(r.umin32 == 0 && r.smin32 == INT32_MIN);
	has_value(alu32(range_unknown(), BPF_MOV, r), 0);
}

static void test_mov32_of_negative(void **state) /* CVE-2021-45402 */
{
	struct range r = alu32(range_unknown(), BPF_MOV, range_signed(-1, 0));

	has_value(r, UINT32_MAX);
	has_value(r, 0);
	assert_true(r.smin == 0 && r.umax == UINT32_MAX);
	r = alu32(range_unknown(), BPF_MOV, range_signed(INT32_MIN, -1));
	between(r, 0x80000000, UINT32_MAX);
}

static void test_rest32_by_zero(void **state) /* CVE-2021-3444 */
{
	between(alu32(range_unsigned(0x100000005, 0x100000005), BPF_MOD, number(0)), 5, 5);
	between(alu32(range_unsigned(0x100000005, 0x100000005), BPF_DIV, number(0)), 0, 0);
	between(alu(number(-5), BPF_MOD, number(0)), -5, -5);
	between(alu(number(-5), BPF_DIV, number(0)), 0, 0);
	has_value(alu(range_unsigned(50, 60), BPF_MOD, range_unsigned(0, 3)), 60);
	has_value(alu(range_unsigned(50, 60), BPF_DIV, range_unsigned(0, 3)), 0);
	has_value(alu32(range_unsigned(0x100000032, 0x10000003c), BPF_MOD, number(0x100000000)),
		  60);
}

static void test_least_by_minus_one(void **state) /* CVE-2024-49888 */
{
	struct range least = number(INT64_MIN), least32 = number(INT32_MIN), minus = number(-1);
	struct range r = least;

	range_alu(&r, BPF_DIV, true, 1, &minus);
	between(r, INT64_MIN, INT64_MIN);
	range_alu(&r, BPF_MOD, true, 1, &minus);
	between(r, 0, 0);
	r = least32;
	range_alu(&r, BPF_DIV, false, 1, &minus);
	between(r, 0x80000000, 0x80000000);
	r = range_signed(INT64_MIN, -1);
	range_alu(&r, BPF_DIV, true, 1, &(struct range[]){ range_signed(-1, 1) }[0]);
	has_value(r, (uint64_t)INT64_MIN);
	has_value(r, 1);
	has_value(r, 0);
}

static void test_casts_and_swaps(void **state)
{
	struct range r = range_unknown();

	between(range_load(1, false), 0, 255);
	between(range_load(2, true), INT16_MIN, INT16_MAX);
	between(range_load(4, true), INT32_MIN, INT32_MAX);
	assert_true(range_is_unknown(&(struct range[]){ range_load(8, true) }[0]));
	range_alu(&r, BPF_MOV, true, 8, &r);
	between(r, -128, 127);
	r = range_unsigned(0x7e, 0x81);
	range_alu(&r, BPF_MOV, false, 8, &r);
	between(r, 0x7e, 0xffffff81); /* both signs, as 32 bits */
	assert_int_equal(r.smin32, -128);
	r = range_unsigned(0xfff0, 0xffff);
	range_sign_extend(&r, 2);
	between(r, -16, -1);
	r = range_unsigned(0x1fff0, 0x20003); /* goes round */
	range_sign_extend(&r, 2);
	between(r, -16, 3);
	range_cast(&r, 2);
	between(r, 0, 0xffff);
	r = range_unsigned(0x1200, 0x12ff);
	range_swap(&r, 16, true);
	between(r, 0x0012, 0xff12);
	r = number(0x1122334455667788);
	range_swap(&r, 32, true);
	between(r, 0x88776655, 0x88776655);
	r = number(0x1122334455667788);
	range_swap(&r, 64, true);
	assert_true(range_contains(&r, 0x8877665544332211) && range_is_const(&r));
	range_swap(&r, 16, false);
	between(r, 0x2211, 0x2211);
}

/* What is no arithmetic, and no jump, is believed to do anything, and to tell nothing. */
static void test_nonsense(void **state)
{
	struct range r = number(1), k = number(2);

	range_alu(&r, BPF_END, true, 0, &k);
	assert_true(range_is_unknown(&r));
	r = number(1);
	range_alu(&r, BPF_MOV, true, 1, &k); /* a cast of address spaces */
	assert_true(range_is_unknown(&r));
	r = number(1);
	range_alu(&r, BPF_ADD, true, 1, &k);
	assert_true(range_is_unknown(&r));
	r = number(1);
	range_alu(&r, BPF_DIV, true, -1, &k);
	assert_true(range_is_unknown(&r));
	r = number(1);
	range_alu(&r, BPF_MOV, false, 32, &k);
	assert_true(range_is_unknown(&r));
	r = number(1);
	range_swap(&r, 24, true);
	assert_true(range_is_unknown(&r));
	r = number(1);
	assert_true(range_branch(BPF_CALL, true, &r, &k, true));
	assert_int_equal(range_decide(BPF_EXIT, true, &r, &k), -1);
	between(r, 1, 1);
}

static void test_sets(void **state)
{
	struct range a = range_unsigned(4, 8), b = range_unsigned(20, 24), c = a;

	range_join(&c, &b);
	between(c, 4, 24);
	assert_true(range_within(&c, &a) && range_within(&c, &b) && !range_within(&a, &c));
	assert_true(range_within(&c, &c) && range_equal(&c, &c) && !range_equal(&a, &b));
	assert_false(range_intersect(&a, &b));
	assert_true(range_intersect(&c, &b));
	between(c, 20, 24);
	c = range_unknown();
	c.umax = 5;
	c.smin = 6;
	assert_false(range_deduce(&c));
	c = range_unknown();
	c.bits = (struct tnum){ 1, 0xfe };
	c.umin32 = c.umax32 = 2;
	assert_false(range_deduce(&c));
}

static void test_text(void **state)
{
	struct range r = range_unknown();
	char buf[256];

	is_text(&r, "scalar()");
	is_text(&(struct range[]){ number(-5) }[0], "-5");
	is_text(&(struct range[]){ number(70000) }[0], "0x11170");
	r = range_load(1, false);
	is_text(&r, "scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))");
	r = range_unsigned(1, 70000);
	is_text(&r, "scalar(smin=umin=smin32=umin32=1,smax=umax=smax32=umax32=0x11170,"
		    "var_off=(0x0; 0x1ffff))");
	r = range_signed(-2, 5);
	is_text(&r, "scalar(smin=smin32=-2,smax=smax32=5)");
	assert_int_equal(range_text(&r, 3, buf, sizeof(buf)), 41);
	assert_string_equal(buf, "scalar(id=3,smin=smin32=-2,smax=smax32=5)");
	assert_int_equal(range_text(&r, 3, buf, 8), 41);
	assert_string_equal(buf, "scalar(");
	r = range_unknown();
	assert_int_equal(range_text(&r, 7, buf, sizeof(buf)), 12);
	assert_string_equal(buf, "scalar(id=7)");
}

/* Numbers near those where something changes, more often than others. */
static uint64_t random_value(uint64_t *seed)
{
	uint64_t v = ref_random(seed), how = ref_random(seed) % 8;

	if (how < 3)
		return ((uint64_t)1 << v % 64) + (v >> 8) % 5 - 2;
	if (how == 3)
		return (v >> 8) % 5 - 2;
	if (how == 4)
		return v % 512;
	if (how == 5)
		return (v & 0xffffffff00000000) + v % 5 - 2;
	return v >> (v & 63);
}

/* A range with v in it. */
static struct range random_range(uint64_t *seed, uint64_t v)
{
	struct range r = range_unknown();
	uint64_t how = ref_random(seed), x;

#define HOLD(lo, hi, type) \
	do { \
		type x_ = (type)random_value(seed), y_ = (type)random_value(seed); \
		lo = x_ <= (type)v ? x_ : lo; \
		hi = y_ >= (type)v ? y_ : hi; \
	} while (0)
	if (how & 1)
		HOLD(r.umin, r.umax, uint64_t);
	if (how & 2)
		HOLD(r.smin, r.smax, int64_t);
	if (how & 4)
		HOLD(r.umin32, r.umax32, uint32_t);
	if (how & 8)
		HOLD(r.smin32, r.smax32, int32_t);
	x = random_value(seed);
	if (how & 16)
		r.bits = (struct tnum){ v & ~x, x };
	if (!(how & 0xf00))
		r = range_const(v);
	if (!range_deduce(&r) || !range_contains(&r, v))
		fail_msg("deduction loses 0x%lx", v);
	return r;
}

static void not_lost(const char *what, const struct range *r, uint64_t v, uint64_t x, uint64_t y)
{
	char buf[256];

	range_text(r, 0, buf, sizeof(buf));
	if (!range_contains(r, v))
		fail_msg("%s of 0x%lx and 0x%lx: 0x%lx is not in %s", what, x, y, v, buf);
}

static void check_moves(const struct range *a, uint64_t x)
{
	for (unsigned n = 8; n < 64; n *= 2) {
		struct range r = range_unknown();

		range_alu(&r, BPF_MOV, true, (int16_t)n, a);
		not_lost("movsx", &r, (uint64_t)ref_signed(x & ref_mask(n), n), x, n);
		if (n < 32) {
			range_alu(&r, BPF_MOV, false, (int16_t)n, a);
			not_lost("movsx32", &r, (uint32_t)ref_signed(x & ref_mask(n), n), x, n);
		}
		r = *a;
		range_cast(&r, n / 8);
		not_lost("cast", &r, x & ref_mask(n), x, n);
		r = *a;
		range_sign_extend(&r, n / 8);
		not_lost("sign extension", &r, (uint64_t)ref_signed(x & ref_mask(n), n), x, n);
		r = *a;
		range_swap(&r, 2 * n, true);
		not_lost("swap", &r, __builtin_bswap64(x) >> (64 - 2 * n), x, 2 * n);
		r = *a;
		range_swap(&r, 2 * n, false);
		not_lost("cut", &r, x & ref_mask(2 * n), x, 2 * n);
	}
}

static void check_pair(const struct range *a, uint64_t x, const struct range *b, uint64_t y)
{
	for (unsigned i = 0; i < 2 * REF_NALU; i++) {
		const struct ref_op *op = &ref_alus[i / 2];
		struct range r = *a;

		range_alu(&r, op->op, i % 2, (int16_t)op->off, b);
		not_lost(op->name, &r, ref_alu(op, x, y, i % 2 ? 64 : 32), x, y);
	}
	for (unsigned i = 0; i < 2 * REF_NJMP; i++) {
		const struct ref_op *op = &ref_jumps[i / 2];
		struct range ra = *a, rb = *b;
		bool taken = ref_jump(op, x, y, i % 2 ? 64 : 32);

		if (range_decide(op->op, i % 2, a, b) == !taken ||
		    !range_branch(op->op, i % 2, &ra, &rb, taken))
			fail_msg("0x%lx %s 0x%lx: not possible", x, op->name, y);
		not_lost(op->name, &ra, x, x, y);
		not_lost(op->name, &rb, y, x, y);
	}
}

static void test_random(void **state)
{
	const char *runs = getenv("UTRAMP_RUNS");
	unsigned n = runs ? (unsigned)atoi(runs) : 10000;
	uint64_t seed = 8;

	while (n--) {
		uint64_t x = random_value(&seed), y = random_value(&seed);
		struct range a = random_range(&seed, x), b, r;

		y = ref_random(&seed) % 4 ? y : x;
		b = random_range(&seed, y);
		check_pair(&a, x, &b, y);
		check_moves(&a, x);
		r = a;
		range_join(&r, &b);
		not_lost("join", &r, x, x, y);
		not_lost("join", &r, y, x, y);
		r = a;
		range_alu(&r, BPF_ADD, true, 0, &r); /* the same object */
		not_lost("doubled", &r, 2 * x, x, x);
		if (x == y && !range_intersect(&r, &r))
			fail_msg("a range has nothing in common with itself");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masks_and_shifts),
		cmocka_unit_test(test_sums_and_products),
		cmocka_unit_test(test_signed_division),
		cmocka_unit_test(test_constants_fold),
		cmocka_unit_test(test_bounds_checks),
		cmocka_unit_test(test_two_registers),
		cmocka_unit_test(test_decided),
		cmocka_unit_test(test_mov32_of_minus_one),
		cmocka_unit_test(test_jump32_says_nothing_of_high),
		cmocka_unit_test(test_or_of_halves),
		cmocka_unit_test(test_bitwise_known_half),
		cmocka_unit_test(test_word_bounds_to_half),
		cmocka_unit_test(test_mov32_of_negative),
		cmocka_unit_test(test_rest32_by_zero),
		cmocka_unit_test(test_least_by_minus_one),
		cmocka_unit_test(test_casts_and_swaps),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
