/*
 * bpf/tnum.h against brute force: all tnums of BITS bits.
 *
 * The best answer for a pair of tnums is found without any rule of tnums: of two constants it is
 * what the machine computes; where an operand has a bit that is not known, it is the smallest tnum
 * with both answers for that bit known.  Each pair so needs two that come before it in the table.
 * The operator's answer must have every value of the best one; sums and bitwise operators must be
 * the best one.  UTRAMP_TNUM_BITS=8 (make test-long) sees all 43 million pairs.
 */
#include "bpf/tnum.h"

#include "rangeref.h"

#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned bits = 6; /* of the pairs; single tnums are always of 8 */

/* What n's lowest unknown bit is worth in the number of a tnum; 0: n is a constant. */
static unsigned unknown_digit(unsigned n)
{
	for (unsigned worth = 1; n; worth *= 3, n /= 3)
		if (n % 3 == 2)
			return worth;
	return 0;
}

struct packed {
	uint8_t value, mask;
};

static struct tnum unpack(struct packed p)
{
	return (struct tnum){ p.value, p.mask };
}

/* The smallest with both: from the definition, a bit is known if it is known and the same in both. */
static struct packed both(struct packed a, struct packed b)
{
	uint8_t mask = a.mask | b.mask | (a.value ^ b.value);

	return (struct packed){ a.value & (uint8_t)~mask, mask };
}

struct binary {
	const char *name;
	struct tnum (*op)(struct tnum, struct tnum);
	uint8_t code;
	bool best;
};

static const struct binary binaries[] = {
	{ "add", tnum_add, BPF_ADD, true }, { "sub", tnum_sub, BPF_SUB, true },
	{ "and", tnum_and, BPF_AND, true }, { "or", tnum_or, BPF_OR, true },
	{ "xor", tnum_xor, BPF_XOR, true }, { "mul", tnum_mul, BPF_MUL, false },
};

static struct packed best_of(struct packed *best, unsigned n, unsigned a, unsigned b,
			     const struct ref_op *op)
{
	unsigned digit = unknown_digit(a);

	if (digit) /* digit 2 is two above 0, one above 1 */
		return both(best[(a - 2 * digit) * n + b], best[(a - digit) * n + b]);
	digit = unknown_digit(b);
	if (digit)
		return both(best[a * n + b - 2 * digit], best[a * n + b - digit]);
	return (struct packed){ (uint8_t)ref_alu(op, ref_tnum(a).value, ref_tnum(b).value, bits),
				0 };
}

static void check_pairs(const struct binary *o)
{
	unsigned n = ref_power3(bits), losses = 0;
	struct ref_op op = { o->name, o->code, 0 };
	struct packed *best = malloc((size_t)n * n * sizeof(*best));
	struct tnum *all = malloc(n * sizeof(*all));

	assert_non_null(best);
	assert_non_null(all);
	for (unsigned i = 0; i < n; i++)
		all[i] = ref_tnum(i);
	for (unsigned a = 0; a < n; a++)
		for (unsigned b = 0; b < n; b++) {
			struct packed want = best_of(best, n, a, b, &op);
			struct tnum got = tnum_cut(o->op(all[a], all[b]), bits);

			best[(size_t)a * n + b] = want;
			if (!tnum_is_subset(got, unpack(want)))
				fail_msg("%s of tnums %u and %u loses values", o->name, a, b);
			if (got.value & got.mask)
				fail_msg("%s of tnums %u and %u: value & mask", o->name, a, b);
			losses += !tnum_equal(got, unpack(want));
		}
	if (o->best)
		assert_int_equal(losses, 0);
	else if (losses >= n * n / 2) /* multiplication is exact for most pairs */
		fail_msg("%s: %u of %u pairs are not exact", o->name, losses, n * n);
	free(best);
	free(all);
}

static void test_pairs(void **state)
{
	for (unsigned i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++)
		check_pairs(&binaries[i]);
}

/* The smallest tnum with what f makes of every value of t, all of 8 bits. */
static struct tnum best_unary(struct tnum t, uint64_t (*f)(uint64_t, unsigned), unsigned arg)
{
	struct tnum best = { 0, 0 };
	bool any = false;

	for (unsigned v = 0; v < 256; v++) {
		uint64_t r;

		if (!tnum_contains(t, v))
			continue;
		r = f(v, arg);
		if (!any)
			best = tnum_const(r);
		best.mask |= r ^ best.value;
		any = true;
	}
	best.value &= ~best.mask;
	return best;
}

static uint64_t do_neg(uint64_t v, unsigned arg)
{
	return -v;
}

static uint64_t do_lsh(uint64_t v, unsigned by)
{
	return v << by;
}

static uint64_t do_rsh(uint64_t v, unsigned by)
{
	return v >> by;
}

static uint64_t do_arsh(uint64_t v, unsigned by)
{
	return (uint64_t)(ref_signed(v, 8) >> by) & 0xff;
}

static uint64_t do_cut(uint64_t v, unsigned n)
{
	return v % (1u << n);
}

static uint64_t do_extend(uint64_t v, unsigned n)
{
	return (uint64_t)ref_signed(v % (1u << n), n);
}

static uint64_t do_swap(uint64_t v, unsigned n)
{
	return n == 16 ? v << 8 : n == 32 ? v << 24 : v << 56;
}

static void same(struct tnum got, struct tnum want, const char *what, unsigned t, unsigned arg)
{
	if (!tnum_equal(got, want))
		fail_msg("%s of tnum %u by %u: %lx/%lx, not %lx/%lx", what, t, arg, got.value,
			 got.mask, want.value, want.mask);
}

static void test_single(void **state)
{
	for (unsigned i = 0; i < ref_power3(8); i++) {
		struct tnum t = ref_tnum(i);

		same(tnum_neg(t), best_unary(t, do_neg, 0), "neg", i, 0);
		for (unsigned by = 0; by < 8; by++) {
			same(tnum_lsh(t, by), best_unary(t, do_lsh, by), "lsh", i, by);
			same(tnum_rsh(t, by), best_unary(t, do_rsh, by), "rsh", i, by);
			same(tnum_arsh(t, by, 8), best_unary(t, do_arsh, by), "arsh", i, by);
			same(tnum_cut(t, by + 1), best_unary(t, do_cut, by + 1), "cut", i, by + 1);
			same(tnum_sign_extend(t, by + 1), best_unary(t, do_extend, by + 1),
			     "extend", i, by + 1);
		}
		for (unsigned n = 16; n <= 64; n *= 2)
			same(tnum_swap(t, n), best_unary(t, do_swap, n), "swap", i, n);
	}
}

/* Next and last member, least, largest, alignment: by looking at all values. */
static void test_members(void **state)
{
	for (unsigned i = 0; i < ref_power3(8); i++) {
		struct tnum t = ref_tnum(i);
		int next[257], last = -1;
		uint64_t any = 0, got;

		next[256] = -1;
		for (int v = 255; v >= 0; v--) {
			bool is = ((unsigned)v & ~t.mask & 0xff) == t.value;

			assert_int_equal(tnum_contains(t, (unsigned)v), is);
			next[v] = is ? v : next[v + 1];
			any |= is ? (unsigned)v : 0;
		}
		for (int v = 0; v < 256; v++) {
			last = next[v] == v ? v : last;
			if (tnum_ceil(t, (unsigned)v, &got) != (next[v] >= 0) ||
			    (next[v] >= 0 && got != (unsigned)next[v]))
				fail_msg("ceil of tnum %u from %d: not %d", i, v, next[v]);
			if (tnum_floor(t, (unsigned)v, &got) != (last >= 0) ||
			    (last >= 0 && got != (unsigned)last))
				fail_msg("floor of tnum %u from %d: not %d", i, v, last);
		}
		assert_int_equal(tnum_min(t), next[0]);
		assert_int_equal(tnum_max(t), last);
		for (uint64_t size = 1; size <= 256; size *= 2)
			assert_int_equal(tnum_is_aligned(t, size), !(any % size));
	}
}

static void test_ceil_wide(void **state)
{
	uint64_t got;

	assert_true(tnum_ceil((struct tnum){ 1, UINT64_MAX - 1 }, UINT64_MAX - 1, &got));
	assert_true(got == UINT64_MAX);
	assert_false(tnum_ceil((struct tnum){ 0, UINT64_MAX - 1 }, UINT64_MAX, &got));
	assert_true(tnum_floor((struct tnum){ 0, UINT64_MAX - 7 }, UINT64_MAX, &got));
	assert_true(got == UINT64_MAX - 7);
	assert_false(tnum_floor(tnum_const(5), 4, &got));
}

/* Sets of values of two tnums of 5 bits, as words: a bit for each value. */
static uint32_t values5(struct tnum t)
{
	uint32_t set = 0;

	for (unsigned v = 0; v < 32; v++)
		set |= (uint32_t)tnum_contains(t, v) << v;
	return set;
}

static void test_sets(void **state)
{
	for (unsigned i = 0; i < ref_power3(5); i++)
		for (unsigned j = 0; j < ref_power3(5); j++) {
			struct tnum a = ref_tnum(i), b = ref_tnum(j), out = { 7, 8 };
			uint32_t va = values5(a), vb = values5(b), u = values5(tnum_union(a, b));

			assert_int_equal(tnum_intersect(a, b, &out), !!(va & vb));
			if (va & vb)
				assert_int_equal(values5(out), va & vb);
			else
				assert_true(out.value == 7 && out.mask == 8);
			assert_int_equal(tnum_is_subset(a, b), !(vb & ~va));
			assert_int_equal(u & (va | vb), va | vb);
			for (unsigned k = 0; k < ref_power3(5) && i < j;
			     k += 7) /* none is smaller */
				if (!((va | vb) & ~values5(ref_tnum(k))))
					assert_int_equal(u & ~values5(ref_tnum(k)), 0);
		}
}

static void test_range(void **state)
{
	for (unsigned lo = 0; lo < 256; lo++) {
		uint64_t changed = 0;

		for (unsigned hi = lo; hi < 256; hi++) {
			struct tnum t = tnum_range(lo, hi);

			changed |= lo ^ hi;
			/* the bits that differ somewhere in between are those up to the highest */
			assert_true((t.mask & changed) == changed);
			assert_true(!(t.mask & (t.mask + 1)));
			assert_true(t.mask < 2 * changed || !changed);
			assert_true(tnum_contains(t, lo) && tnum_contains(t, hi));
		}
	}
	assert_true(tnum_is_unknown(tnum_range(0, UINT64_MAX)));
	assert_true(tnum_is_unknown(tnum_range(INT64_MAX, (uint64_t)INT64_MAX + 1)));
	assert_true(tnum_equal(tnum_range(UINT64_MAX, UINT64_MAX), tnum_const(UINT64_MAX)));
}

/* 64 bits: a value of each operand gives one of the result. */
static void test_wide(void **state)
{
	uint64_t seed = 1;

	for (unsigned n = 0; n < 200000; n++) {
		uint64_t x = ref_random(&seed), y = ref_random(&seed);
		uint64_t mx = ref_random(&seed) & ref_random(&seed), my = ref_random(&seed);
		struct tnum a = { x & ~mx, mx }, b = { y & ~my, my };
		unsigned by = (unsigned)ref_random(&seed) % 64, size = 1u << by % 4;

		for (unsigned i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
			struct ref_op op = { binaries[i].name, binaries[i].code, 0 };
			struct tnum t = binaries[i].op(a, b);

			if (!tnum_contains(t, ref_alu(&op, x, y, 64)) || t.value & t.mask)
				fail_msg("%s of %lx in %lx/%lx, %lx in %lx/%lx", op.name, x,
					 a.value, a.mask, y, b.value, b.mask);
		}
		assert_true(tnum_contains(tnum_neg(a), -x));
		assert_true(tnum_contains(tnum_lsh(a, by), x << by));
		assert_true(tnum_contains(tnum_rsh(a, by), x >> by));
		assert_true(tnum_contains(tnum_arsh(a, by, 64), (uint64_t)((int64_t)x >> by)));
		assert_true(tnum_contains(tnum_cast(a, size), x & ref_mask(8 * size)));
		assert_true(tnum_contains(tnum_sign_extend(a, 8 * size),
					  (uint64_t)ref_signed(x & ref_mask(8 * size), 8 * size)));
		assert_true(tnum_contains(tnum_swap(a, 64), __builtin_bswap64(x)));
		assert_true(tnum_contains(tnum_swap(a, 32), __builtin_bswap32((uint32_t)x)));
		assert_true(tnum_contains(tnum_swap(a, 16), __builtin_bswap16((uint16_t)x)));
	}
}

static void test_text(void **state)
{
	char buf[64];

	assert_int_equal(tnum_text((struct tnum){ 0, 0xff }, buf, sizeof(buf)), 11);
	assert_string_equal(buf, "(0x0; 0xff)");
	assert_int_equal(tnum_text(tnum_unknown(), buf, 4), 25);
	assert_string_equal(buf, "(0x");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),   cmocka_unit_test(test_single),
		cmocka_unit_test(test_members), cmocka_unit_test(test_ceil_wide),
		cmocka_unit_test(test_sets),    cmocka_unit_test(test_range),
		cmocka_unit_test(test_wide),    cmocka_unit_test(test_text),
	};
	const char *n = getenv("UTRAMP_TNUM_BITS");

	if (n)
		bits = (unsigned)atoi(n);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
