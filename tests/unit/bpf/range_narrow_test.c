/*
 * bpf/range.h against brute force, in a word small enough to look at every value: the product's
 * source with RANGE_WORD 4 (halves of 2 bits) or 8 (halves of 4), on pairs of ranges made of random fields and
 * on intervals; how tight they are.  range_pairs_test.c looks at all of some kinds.
 *
 * A range is compared as the set of its values.  An operator's answer may have more values than
 * the operands give, never fewer.  UTRAMP_RANGE_PAIRS: how many random pairs; make test-long takes
 * more.
 */
#include "bpf/range.h"

#include "rangeref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORD   RANGE_WORD
#define HALF   (RANGE_WORD / 2)
#define VALUES (1 << WORD)

/* A set of values: by bit, and as a list. */
struct set {
	uint64_t in[(VALUES + 63) / 64];
	unsigned n;
	uint8_t list[VALUES];
};

static unsigned pairs;

/* What every operator makes of every two values, [0] by the half, [1] by the word. */
static uint8_t result[2][REF_NALU][VALUES][VALUES];
static bool jumps[2][REF_NJMP][VALUES][VALUES];

/* The value, and its low half, as signed numbers. */
static int as_word[VALUES], as_half[VALUES];

static void fill_tables(void)
{
	for (unsigned v = 0; v < VALUES; v++) {
		as_word[v] = (int)ref_signed(v, WORD);
		as_half[v] = (int)ref_signed(v & ref_mask(HALF), HALF);
	}
	for (unsigned wide = 0; wide < 2; wide++)
		for (unsigned x = 0; x < VALUES; x++)
			for (unsigned y = 0; y < VALUES; y++) {
				unsigned width = wide ? WORD : HALF;

				for (unsigned i = 0; i < REF_NALU; i++)
					result[wide][i][x][y] =
						(uint8_t)ref_alu(&ref_alus[i], x, y, width);
				for (unsigned i = 0; i < REF_NJMP; i++)
					jumps[wide][i][x][y] = ref_jump(&ref_jumps[i], x, y, width);
			}
}

static void clear(struct set *s)
{
	memset(s->in, 0, sizeof(s->in));
	s->n = 0;
}

static bool has(const struct set *s, uint64_t v)
{
	return s->in[v / 64] >> v % 64 & 1;
}

static void add(struct set *s, uint64_t v)
{
	if (has(s, v))
		return;
	s->in[v / 64] |= (uint64_t)1 << v % 64;
	s->list[s->n++] = (uint8_t)v;
}

/* Every value of inner is in outer. */
static bool covers(const struct set *outer, const struct set *inner)
{
	uint64_t lost = 0;

	for (unsigned i = 0; i < sizeof(outer->in) / 8; i++)
		lost |= inner->in[i] & ~outer->in[i];
	return !lost;
}

/* From the meaning of the fields, none of the code's help. */
static bool is_value(const struct range *r, uint64_t v)
{
	int64_t sv = as_word[v], sl = as_half[v];
	uint64_t low = v & ((1u << HALF) - 1);

	return (v & ~r->bits.mask) == r->bits.value && r->umin <= v && v <= r->umax &&
	       r->smin <= sv && sv <= r->smax && r->umin32 <= low && low <= r->umax32 &&
	       r->smin32 <= sl && sl <= r->smax32;
}

static struct set values_of(const struct range *r)
{
	struct set s;

	clear(&s);
	for (uint64_t v = 0; v < VALUES; v++)
		if (is_value(r, v))
			add(&s, v);
	return s;
}

static bool range_covers(const struct range *r, const struct set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (!is_value(r, s->list[i]))
			return false;
	return true;
}

__attribute__((noreturn)) static void lost(const char *what, bool wide, const struct range *a,
					   const struct range *b)
{
	char ta[256], tb[256];

	range_text(a, 0, ta, sizeof(ta));
	range_text(b, 0, tb, sizeof(tb));
	fail_msg("%s, %s: values of %s and %s are lost", what, wide ? "word" : "half", ta, tb);
	abort();
}

/* a op b for all values of both, in the word or in its half. */
static void check_alu(unsigned op, bool wide, const struct range *a, const struct set *va,
		      const struct range *b, const struct set *vb)
{
	const struct ref_op *o = &ref_alus[op];
	struct range r = *a;
	struct set want;

	clear(&want);
	for (unsigned i = 0; i < va->n; i++)
		for (unsigned j = 0; j < vb->n; j++)
			add(&want, result[wide][op][va->list[i]][vb->list[j]]);
	range_alu(&r, o->op, wide, (int16_t)o->off, b);
	if (!range_covers(&r, &want))
		lost(o->name, wide, a, b);
}

static void check_jump(unsigned op, bool wide, const struct range *a, const struct set *va,
		       const struct range *b, const struct set *vb)
{
	const struct ref_op *o = &ref_jumps[op];
	int decided = range_decide(o->op, wide, a, b);

	for (unsigned taken = 0; taken < 2; taken++) {
		struct set wa, wb;
		struct range ra = *a, rb = *b;

		clear(&wa);
		clear(&wb);
		for (unsigned i = 0; i < va->n; i++)
			for (unsigned j = 0; j < vb->n; j++)
				if (jumps[wide][op][va->list[i]][vb->list[j]] == taken) {
					add(&wa, va->list[i]);
					add(&wb, vb->list[j]);
				}
		if (!range_branch(o->op, wide, &ra, &rb, taken)) {
			if (wa.n)
				lost(o->name, wide, a, b);
			continue;
		}
		if (!range_covers(&ra, &wa) || !range_covers(&rb, &wb))
			lost(o->name, wide, a, b);
		if (!range_within(a, &ra) || !range_within(b, &rb))
			fail_msg("%s: a branch made a range larger", o->name);
		if (decided >= 0 && (unsigned)decided != taken && wa.n)
			fail_msg("%s is decided to be %d, but may be %u", o->name, decided, taken);
	}
}

static void check_pair(const struct range *a, const struct range *b)
{
	struct set va = values_of(a), vb = values_of(b), got, want;
	struct range r = *a;

	for (unsigned i = 0; i < REF_NALU; i++) {
		check_alu(i, true, a, &va, b, &vb);
		check_alu(i, false, a, &va, b, &vb);
	}
	for (unsigned i = 0; i < REF_NJMP; i++) {
		check_jump(i, true, a, &va, b, &vb);
		check_jump(i, false, a, &va, b, &vb);
	}
	range_join(&r, b);
	got = values_of(&r);
	if (!covers(&got, &va) || !covers(&got, &vb))
		lost("join", true, a, b);
	if (range_within(a, b) && !covers(&va, &vb))
		fail_msg("within, of what is not");
	want = va;
	for (unsigned i = 0; i < sizeof(want.in) / 8; i++)
		want.in[i] &= vb.in[i];
	r = *a;
	clear(&got);
	if (range_intersect(&r, b))
		got = values_of(&r);
	if (!covers(&got, &want) || !covers(&want, &got))
		lost("intersect", true, a, b);
}

/* Operators of one range. */
static void check_single(const struct range *a)
{
	struct set va = values_of(a);

	for (int off = 0; off < WORD; off++)
		for (unsigned wide = 0; wide < 2; wide++) {
			unsigned width = wide ? WORD : HALF;
			struct range r = range_unknown();
			struct set want, got;

			if (off >= (int)width)
				continue;
			clear(&want);
			for (uint64_t v = 0; v < VALUES; v++) {
				uint64_t x = off ? (uint64_t)ref_signed(v & ref_mask((unsigned)off),
									(unsigned)off) :
						   v;

				if (has(&va, v))
					add(&want, x & ref_mask(width));
			}
			range_alu(&r, BPF_MOV, wide, (int16_t)off, a);
			got = values_of(&r);
			if (!covers(&got, &want))
				lost("mov", wide, a, a);
		}
	for (unsigned size = 1; size <= 8; size *= 2) {
		unsigned n = size * WORD / 8 ? size * WORD / 8 : 1;
		struct range z = *a, s = *a;
		struct set vz, vs;

		if (WORD < 8)
			break; /* an eighth of it is no bit */
		range_cast(&z, size);
		range_sign_extend(&s, size);
		vz = values_of(&z);
		vs = values_of(&s);
		for (uint64_t v = 0; v < VALUES; v++)
			if (has(&va, v) &&
			    (!has(&vz, v & ref_mask(n)) ||
			     !has(&vs, (uint64_t)ref_signed(v & ref_mask(n), n) & ref_mask(WORD))))
				lost("cast", true, a, a);
	}
}

/* Deduction loses no value, finds out that there is none, and once is enough. */
static bool check_deduce(struct range *r)
{
	struct set before = values_of(r), after;
	struct range raw = *r, again;

	if (!range_deduce(r)) {
		if (before.n)
			lost("deduce", true, &raw, &raw);
		return false;
	}
	after = values_of(r);
	if (!covers(&after, &before) || !range_within(&raw, r))
		lost("deduce", true, &raw, &raw);
	again = *r;
	assert_true(range_deduce(&again) && range_equal(&again, r));
	for (uint64_t v = 0; v < VALUES; v++)
		assert_int_equal(range_contains(r, v), has(&after, v));
	return true;
}

/* The tightest unsigned and signed bounds of a set, beside those of the range. */
static bool is_tight(const struct range *r)
{
	struct set s = values_of(r);
	int64_t smin = INT64_MAX, smax = INT64_MIN;
	uint64_t umin = UINT64_MAX, umax = 0;

	for (uint64_t v = 0; v < VALUES; v++)
		if (has(&s, v)) {
			umin = v < umin ? v : umin;
			umax = v;
			smin = ref_signed(v, WORD) < smin ? ref_signed(v, WORD) : smin;
			smax = ref_signed(v, WORD) > smax ? ref_signed(v, WORD) : smax;
		}
	return r->umin == umin && r->umax == umax && r->smin == smin && r->smax == smax;
}

/* Fields one by one as random says; every fourth range of two fields only. */
static struct range random_fields(uint64_t *seed)
{
	struct range r = range_unknown();
	uint64_t how = ref_random(seed);

#define BETWEEN(lo, hi, width, type, f) \
	do { \
		type x_ = (type)f(ref_random(seed) & ref_mask(width), width); \
		type y_ = (type)f(ref_random(seed) & ref_mask(width), width); \
		lo = x_ < y_ ? x_ : y_; \
		hi = x_ < y_ ? y_ : x_; \
	} while (0)
#define PLAIN(v, width) (v)
	if (how & 1)
		BETWEEN(r.umin, r.umax, WORD, uint64_t, PLAIN);
	if (how & 2)
		BETWEEN(r.smin, r.smax, WORD, int64_t, ref_signed);
	if (how & 4)
		BETWEEN(r.umin32, r.umax32, HALF, uint32_t, PLAIN);
	if (how & 8)
		BETWEEN(r.smin32, r.smax32, HALF, int32_t, ref_signed);
	if (how & 16)
		r.bits = ref_tnum((unsigned)(ref_random(seed) % ref_power3(WORD)));
	return r;
}

static void test_random_pairs(void **state)
{
	uint64_t seed = WORD;
	unsigned loose = 0, n = 0;

	while (n < pairs) {
		struct range a = random_fields(&seed), b = random_fields(&seed);

		if (!check_deduce(&a) || !check_deduce(&b))
			continue;
		check_single(&a);
		check_pair(&a, &b);
		loose += !is_tight(&a);
		n++;
	}
	if (loose > n / 20)
		fail_msg("%u of %u ranges have a bound that is no value", loose, n);
}

/* Intervals, unsigned and signed, with constants on either side. */
static void test_intervals(void **state)
{
	unsigned step = 61, at = 0;

	for (uint64_t lo = 0; lo < VALUES; lo++)
		for (uint64_t hi = lo; hi < VALUES; hi++) {
			struct range u = range_unsigned(lo, hi);
			struct range s =
				range_signed((int64_t)lo - VALUES / 2, (int64_t)hi - VALUES / 2);

			if (at++ % step)
				continue;
			assert_true(is_tight(&u) && is_tight(&s));
			check_single(&u);
			check_single(&s);
			for (uint64_t c = at / step % 16; c < VALUES; c += 16) {
				struct range k = range_const(c);

				check_pair(&u, &k);
				check_pair(&k, &s);
			}
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pairs),
		cmocka_unit_test(test_intervals),
	};
	const char *n = getenv("UTRAMP_RANGE_PAIRS");

	fill_tables();
	pairs = n ? (unsigned)atoi(n) : 1000;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
