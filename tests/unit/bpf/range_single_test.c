/*
 * range_single_test.c - bpf/range.h against brute force, operators of one operand: neg, mov of all widths,
 * casts, sign extension; in words of 8 bits (RANGE_WORD 8), every interval of one sign cut by every tnum, and
 * all unsigned and signed intervals; in words of 4, all ranges.
 *
 * UTRAMP_RANGE_STEP: every so manyth; 1: all.
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

static struct hull point[VALUES];
static unsigned step = 97;
static uint64_t ranges, answers;

static void want_of(const struct values *s, uint64_t (*f)(uint64_t v, unsigned n), unsigned n,
		    uint64_t mask, const struct range *r, const struct range *of, const char *what)
{
	struct hull h = hull_none;

	for (unsigned k = 0; k < s->n; k++)
		hull_join(&h, &point[f(s->value[k], n) & mask]);
	if (!hull_within(r, &h)) {
		char text[256];

		range_text(of, 0, text, sizeof(text));
		fail_msg("%s to %u bits: values of %s are lost", what, n, text);
	}
	answers++;
}

static uint64_t lowest(uint64_t v, unsigned n)
{
	return v & ref_mask(n);
}

static uint64_t as_signed(uint64_t v, unsigned n)
{
	return (uint64_t)ref_signed(v & ref_mask(n), n);
}

static uint64_t negative(uint64_t v, unsigned n)
{
	return -(v & ref_mask(n));
}

/* neg, mov of all widths and signs, casts of 1, 2, 4 bits (of so many bytes in a word of 64). */
static void check_single(const struct range *a)
{
	struct values s = values_of(a, point);
	struct range r = *a;

	ranges++;
	assert_true(range_deduce(&r) && range_equal(&r, a)); /* once is enough */

	for (unsigned width = HALF; width <= WORD; width += HALF) {
		r = *a;
		range_alu(&r, BPF_NEG, width == WORD, 0, a);
		want_of(&s, negative, width, ref_mask(width), &r, a, "neg");
		for (unsigned off = 0; off < width; off++) {
			r = range_unknown();
			range_alu(&r, BPF_MOV, width == WORD, (int16_t)off, a);
			want_of(&s, off ? as_signed : lowest, off ? off : width, ref_mask(width),
				&r, a, "mov");
		}
	}
	for (unsigned size = 1; size <= 8 && WORD == 8; size *= 2) {
		r = *a;
		range_cast(&r, size);
		want_of(&s, lowest, size, ref_mask(WORD), &r, a, "cast");
		r = *a;
		range_sign_extend(&r, size);
		want_of(&s, as_signed, size, ref_mask(WORD), &r, a, "sign extension");
	}
}

static void told(const char *what)
{
	print_message("# %s: %llu ranges, %llu answers\n", what, (unsigned long long)ranges,
		      (unsigned long long)answers);
	assert_true(ranges > 0);
	ranges = answers = 0;
}

#if WORD == 8
/* An interval and a tnum that say all of each other: others have another's values. */
static void check_cut(const struct range *interval, struct tnum bits)
{
	struct range r = *interval;

	if (!tnum_intersect(r.bits, bits, &r.bits) || !tnum_equal(r.bits, bits) ||
	    !range_deduce(&r) || r.umin != interval->umin || r.umax != interval->umax ||
	    !tnum_equal(r.bits, bits))
		return;
	check_single(&r);
}

static void test_cut(void **state)
{
	unsigned at = 0;

	for (unsigned lo = 0; lo < VALUES; lo++)
		for (unsigned hi = lo; hi < (lo < SIGN ? SIGN : VALUES); hi++) {
			struct range r = range_unsigned(lo, hi);

			if (at++ % step)
				continue;
			for (unsigned t = 0; t < TNUMS; t++)
				check_cut(&r, ref_tnum(t));
		}
	told("intervals of one sign with tnums");
}

static void test_ends(void **state)
{
	unsigned at = 0;

	for (unsigned lo = 0; lo < VALUES; lo++)
		for (unsigned hi = lo; hi < VALUES; hi++) {
			struct range u = range_unsigned(lo, hi);
			struct range s = range_signed((int)lo - SIGN, (int)hi - SIGN);

			if (at++ % (1 + step / 10))
				continue;
			check_single(&u);
			check_single(&s);
		}
	told("unsigned and signed intervals");
}
#else
static void test_all(void **state)
{
	struct list l = range4_all();

	for (unsigned k = 0; k < l.n; k++)
		check_single(&l.at[k]);
	free(l.at);
	told("all ranges of 4 bits");
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
#if WORD == 8
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_ends),
#else
		cmocka_unit_test(test_all),
#endif
	};
	const char *s = getenv("UTRAMP_RANGE_STEP");

	step = s ? (unsigned)atoi(s) : step;
	for (unsigned v = 0; v < VALUES; v++)
		point[v] = hull_of((uint8_t)v);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
