/*
 * range_pairs_test.c [TEST] - bpf/range.h against brute force, every pair of ranges of some kinds: the
 * product's source with RANGE_WORD 8 (halves of 4 bits) or 4 (halves of 2).
 *
 *	of 4 bits  all ranges that there are, whatever their fields; all pairs of them
 *	of 8 bits, all pairs of
 *	tnums      all 6,561 sets of values by bits
 *	intervals  all 16,512 intervals of one sign, which is what operators work on: range_alu.c takes
 *	           a range apart into one interval for each sign
 *	ends       all unsigned and all signed intervals (65,792) with all 256 constants: how the
 *	           parts are put together again
 *	any        ranges with random fields; a sample
 *
 * What an operator makes of two sets is known from what it makes of values: of two intervals it is the
 * hull of that of [lo, hi-1] and of hi, of two tnums that of the two which have an unknown bit known, so
 * a pair costs one step.  A hull is the least range with a set's values, so a range has all of them if
 * and only if it has the hull.
 *
 * UTRAMP_RANGE_STEP: every so manyth first operand, from UTRAMP_RANGE_FROM on; 1: all.
 */
#include "range4.h"
#include "rangehull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TNUMS (WORD == 8 ? 6561 : 81)
#define ONES  (SIGN * (SIGN + 1)) /* intervals of one sign */
#define ENDS  (VALUES * (VALUES + 1) / 2)
#define ANY   4096
#define MOST  (2 * ENDS > ANY ? 2 * ENDS : ANY)

static struct hull point[VALUES];
static struct range constants[VALUES], tnums[TNUMS], ones[ONES], any[ANY];
static uint8_t result[2][REF_NALU][VALUES][VALUES]; /* [0] by the half; of [y][x]: x op y */
static bool jumps[2][REF_NJMP][VALUES][VALUES];
static struct values any_has[ANY];
static unsigned nany;
static unsigned step = WORD == 8 ? 4999 : 397, from;
static uint64_t pairs, answers;

__attribute__((noreturn)) static void lost(const char *what, bool wide, const struct range *a,
					   const struct range *b)
{
	char ta[256], tb[256];

	range_text(a, 0, ta, sizeof(ta));
	range_text(b, 0, tb, sizeof(tb));
	fail_msg("%s, %s: values of %s and %s are lost", what, wide ? "word" : "half", ta, tb);
	abort();
}

/* -- families of second operands --------------------------------------------------------------- */

struct family {
	const char *name;
	const struct range *range;
	unsigned n;
	/* from what is known with each constant, what is with each member */
	void (*fold)(const struct hull *column, struct hull *out);
	bool loose; /* a member's fields may say less than its values do */
};

static void fold_tnums(const struct hull *column, struct hull *out)
{
	for (unsigned n = 0; n < TNUMS; n++) {
		unsigned digit = 1, left = n;

		for (; left && left % 3 != 2; left /= 3)
			digit *= 3;
		if (left) { /* digit 2 is unknown: 0 or 1 */
			out[n] = out[n - digit];
			hull_join(&out[n], &out[n - 2 * digit]);
		} else {
			out[n] = column[tnums[n].bits.value];
		}
	}
}

static void fold_ones(const struct hull *column, struct hull *out)
{
	unsigned n = 0;

	for (unsigned lo = 0; lo < VALUES; lo++) {
		struct hull h = hull_none;

		for (unsigned hi = lo; hi < (lo < SIGN ? SIGN : VALUES); hi++) {
			hull_join(&h, &column[hi]);
			out[n++] = h;
		}
	}
}

/* Unsigned and signed ones by turns, as test_ends() has them. */
static void fold_ends(const struct hull *column, struct hull *out)
{
	unsigned n = 0;

	for (unsigned lo = 0; lo < VALUES; lo++) {
		struct hull u = hull_none, s = hull_none;

		for (unsigned hi = lo; hi < VALUES; hi++) {
			hull_join(&u, &column[hi]);
			hull_join(&s, &column[hi ^ SIGN]);
			out[n++] = u;
			out[n++] = s;
		}
	}
}

static void fold_constants(const struct hull *column, struct hull *out)
{
	memcpy(out, column, VALUES * sizeof(*out));
}

/* Of any ranges: value by value. */
static void fold_any(const struct hull *column, struct hull *out)
{
	for (unsigned k = 0; k < nany; k++) {
		out[k] = hull_none;
		for (unsigned v = 0; v < any_has[k].n; v++)
			hull_join(&out[k], &column[any_has[k].value[v]]);
	}
}

static const struct family of_tnums = { "tnums", tnums, TNUMS, fold_tnums };
static const struct family of_ones = { "intervals of one sign", ones, ONES, fold_ones };
static const struct family of_constants = { "constants", constants, VALUES, fold_constants };
static struct family of_any = { "any", any, 0, fold_any };
static struct family of_ends = { "intervals", NULL, 2 * ENDS, fold_ends };

/* -- one first operand with all second ones ---------------------------------------------------- */

struct first {
	const struct range *range;
	struct values has;
};

static struct hull want[MOST], want_b[MOST];

static void check_alu(const struct first *f, const struct family *with, unsigned op, bool wide)
{
	const struct ref_op *o = &ref_alus[op];
	struct hull column[VALUES];

	for (unsigned y = 0; y < VALUES; y++) {
		column[y] = hull_none;
		for (unsigned k = 0; k < f->has.n; k++)
			hull_join(&column[y], &point[result[wide][op][y][f->has.value[k]]]);
	}
	with->fold(column, want);
	for (unsigned k = 0; k < with->n; k++) {
		struct range r = *f->range;

		range_alu(&r, o->op, wide, (int16_t)o->off, &with->range[k]);
		if (!hull_within(&r, &want[k]))
			lost(o->name, wide, f->range, &with->range[k]);
	}
	answers += with->n;
}

/* What remains of both if the jump is taken, or is not. */
static void check_branch(const struct first *f, const struct family *with, unsigned op, bool wide,
			 bool taken)
{
	const struct ref_op *o = &ref_jumps[op];
	struct hull column[VALUES], column_b[VALUES];

	for (unsigned y = 0; y < VALUES; y++) {
		column[y] = hull_none;
		for (unsigned k = 0; k < f->has.n; k++)
			if (jumps[wide][op][y][f->has.value[k]] == taken)
				hull_join(&column[y], &point[f->has.value[k]]);
		column_b[y] = hull_is_none(&column[y]) ? hull_none : point[y];
	}
	with->fold(column, want);
	with->fold(column_b, want_b);
	for (unsigned k = 0; k < with->n; k++) {
		const struct range *b = &with->range[k];
		struct range ra = *f->range, rb = *b;
		bool can = range_branch(o->op, wide, &ra, &rb, taken);

		if (!can && !hull_is_none(&want[k]))
			lost(o->name, wide, f->range, b);
		if (!can)
			continue;
		if (!hull_within(&ra, &want[k]) || !hull_within(&rb, &want_b[k]))
			lost(o->name, wide, f->range, b);
		if (!range_within(f->range, &ra) || !range_within(b, &rb))
			fail_msg("%s: a branch made a range larger", o->name);
	}
	answers += with->n;
}

/* Sets of values: join has all of both, intersect those of both, within is told of no other. */
static void check_sets(const struct first *f, const struct family *with)
{
	struct hull all = hull_none, column[VALUES];

	for (unsigned y = 0; y < VALUES; y++)
		column[y] = hull_none;
	for (unsigned k = 0; k < f->has.n; k++) {
		hull_join(&all, &point[f->has.value[k]]);
		column[f->has.value[k]] = point[f->has.value[k]];
	}
	with->fold(column, want); /* of both */
	with->fold(point, want_b);
	for (unsigned k = 0; k < with->n; k++) {
		const struct range *b = &with->range[k];
		struct range r = *f->range, i = *f->range;
		bool some = range_intersect(&i, b), told_within, is_within;

		range_join(&r, b);
		if (!hull_within(&r, &all) || !hull_within(&r, &want_b[k]))
			lost("join", true, f->range, b);
		if (some ? !hull_within(&i, &want[k]) : !hull_is_none(&want[k]))
			lost("intersect", true, f->range, b);
		told_within = range_within(f->range, b);
		is_within = hull_within(f->range, &want_b[k]);
		if (told_within != is_within && (told_within || !with->loose))
			lost("within", true, f->range, b);
	}
	answers += 3 * with->n;
}

/* "not less" is "greater or equal" taken, which is looked at for itself; ==, != and & have none such. */
static bool is_own_opposite(unsigned op)
{
	return ref_jumps[op].op == BPF_JSET;
}

enum { ALU = 1, JUMPS = 2, HALVES = 4, OPPOSITES = 8, ALL = 15 };

static void check_with(const struct range *a, const struct family *with, unsigned what)
{
	struct first f = { a, values_of(a, point) };

	for (unsigned wide = what & HALVES ? 0 : 1; wide < 2; wide++) {
		for (unsigned op = 0; op < REF_NALU && what & ALU; op++)
			check_alu(&f, with, op, wide);
		for (unsigned op = 0; op < 2 * REF_NJMP && what & JUMPS; op++)
			if (what & OPPOSITES || op % 2 || is_own_opposite(op / 2))
				check_branch(&f, with, op / 2, wide, op % 2);
	}
	if (what & JUMPS)
		check_sets(&f, with);
	pairs += with->n;
}

/* -- the runs ---------------------------------------------------------------------------------- */

static void begin(void)
{
	pairs = answers = 0;
}

static void told(const char *what)
{
	print_message("# %s: %llu pairs, %llu answers, every %uth of the first operands from %u\n",
		      what, (unsigned long long)pairs, (unsigned long long)answers, step, from);
	assert_true(pairs > 0);
}

static void all_with(const struct family *firsts, const struct family *with, unsigned what)
{
	for (unsigned i = from; i < firsts->n; i += step)
		check_with(&firsts->range[i], with, what);
}

static void test_tnums_alu(void **state)
{
	begin();
	all_with(&of_tnums, &of_tnums, ALU | HALVES);
	told("14 operators in both widths, tnums");
}

static void test_tnums_jumps(void **state)
{
	begin();
	all_with(&of_tnums, &of_tnums, JUMPS | OPPOSITES | HALVES);
	told("11 jumps both ways in both widths, join, intersect, within, tnums");
}

static void test_intervals_alu(void **state)
{
	begin();
	all_with(&of_ones, &of_ones, ALU);
	told("14 operators, intervals of one sign");
}

/* The jumps that are not taken are others that are: of tnums and ends all are looked at. */
static void test_intervals_jumps(void **state)
{
	begin();
	all_with(&of_ones, &of_ones, JUMPS);
	told("11 jumps, join, intersect, within, intervals of one sign");
}

static void test_ends(void **state)
{
	static struct range end[2 * ENDS];
	unsigned n = 0;

	for (unsigned lo = 0; lo < VALUES; lo++)
		for (unsigned hi = lo; hi < VALUES; hi++) {
			end[n++] = range_unsigned(lo, hi);
			end[n++] = range_signed((int)lo - SIGN, (int)hi - SIGN);
		}
	assert_int_equal(n, 2 * ENDS);
	begin();
	for (unsigned i = from; i < n; i += step)
		check_with(&end[i], &of_constants, ALL);
	told("all operators, any interval and a constant");
	of_ends.range = end;
	begin();
	for (unsigned i = from % VALUES; i < VALUES; i += step)
		check_with(&constants[i], &of_ends, ALL);
	told("all operators, a constant and any interval");
}

#if WORD == 8
/* Fields one by one as random says. */
static struct range random_fields(uint64_t *seed)
{
	struct range r = range_unknown();
	uint64_t how = ref_random(seed);
	uint64_t at[8];

	for (unsigned k = 0; k < 8; k += 2) {
		uint64_t x = ref_random(seed) % (k < 4 ? VALUES : 1 << HALF);
		uint64_t y = ref_random(seed) % (k < 4 ? VALUES : 1 << HALF);

		at[k] = x < y ? x : y;
		at[k + 1] = x < y ? y : x;
	}
	if (how & 1)
		r.umin = at[0], r.umax = at[1];
	if (how & 2)
		r.smin = (int)at[2] - SIGN, r.smax = (int)at[3] - SIGN;
	if (how & 4)
		r.umin32 = (uint32_t)at[4], r.umax32 = (uint32_t)at[5];
	if (how & 8)
		r.smin32 = (int)at[6] - (1 << HALF) / 2, r.smax32 = (int)at[7] - (1 << HALF) / 2;
	if (how & 16)
		r.bits = ref_tnum((unsigned)(ref_random(seed) % TNUMS));
	return r;
}

static void test_any(void **state)
{
	uint64_t seed = from;

	for (nany = 0; nany < ANY;) {
		any[nany] = random_fields(&seed);
		if (!range_deduce(&any[nany]))
			continue;
		any_has[nany] = values_of(&any[nany], point);
		nany++;
	}
	of_any.n = nany;
	of_any.loose = true;
	begin();
	all_with(&of_any, &of_any, ALL);
	told("all operators, any fields");
}
#else
static void test_all(void **state)
{
	struct list l = range4_all();

	assert_true(l.n > 3000 && l.n <= ANY);
	for (nany = 0; nany < l.n; nany++) {
		any[nany] = l.at[nany];
		any_has[nany] = values_of(&any[nany], point);
	}
	of_any.n = nany;
	free(l.at);
	begin();
	all_with(&of_any, &of_any, ALL);
	told("all operators, all ranges of 4 bits");
}
#endif

static void fill_tables(void)
{
	for (unsigned wide = 0; wide < 2; wide++)
		for (unsigned x = 0; x < VALUES; x++)
			for (unsigned y = 0; y < VALUES; y++) {
				unsigned width = wide ? WORD : HALF;

				for (unsigned i = 0; i < REF_NALU; i++)
					result[wide][i][y][x] =
						(uint8_t)ref_alu(&ref_alus[i], x, y, width);
				for (unsigned i = 0; i < REF_NJMP; i++)
					jumps[wide][i][y][x] = ref_jump(&ref_jumps[i], x, y, width);
			}
}

static void fill_families(void)
{
	unsigned n = 0;

	for (unsigned v = 0; v < VALUES; v++) {
		point[v] = hull_of((uint8_t)v);
		constants[v] = range_const(v);
	}
	for (unsigned k = 0; k < TNUMS; k++) {
		tnums[k] = range_unknown();
		tnums[k].bits = ref_tnum(k);
		if (!range_deduce(&tnums[k]))
			abort();
	}
	for (unsigned lo = 0; lo < VALUES; lo++)
		for (unsigned hi = lo; hi < (lo < SIGN ? SIGN : VALUES); hi++)
			ones[n++] = range_unsigned(lo, hi);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tnums_alu),
		cmocka_unit_test(test_tnums_jumps),
		cmocka_unit_test(test_intervals_alu),
		cmocka_unit_test(test_intervals_jumps),
		cmocka_unit_test(test_ends),
#if WORD == 8
		cmocka_unit_test(test_any),
#else
		cmocka_unit_test(test_all),
#endif
	};
	const char *s = getenv("UTRAMP_RANGE_STEP"), *f = getenv("UTRAMP_RANGE_FROM");

	step = s ? (unsigned)atoi(s) : step;
	from = f ? (unsigned)atoi(f) : WORD;
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	fill_tables();
	fill_families();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
