/*
 * tracing_float_test.c - floats by their bits, as <utramp/tracing.bpf.h> has them, against C's own.
 *
 * The header's functions are plain integer C; here they are compiled for the machine.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wunused"
#pragma GCC diagnostic ignored "-Wconversion"
#include "utramp/tracing.bpf.h"

#define ROUNDS 200000

static ut_f64 of_double(double x)
{
	ut_f64 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

static double to_double(ut_f64 x)
{
	double r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

static ut_f32 of_float(float x)
{
	ut_f32 r;

	memcpy(&r, &x, sizeof(r));
	return r;
}

static uint64_t seed = 4;

/* xorshift64, Marsaglia 2003 */
static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const double corner[] = { 0.0,
				 -0.0,
				 1.0,
				 -1.0,
				 0.5,
				 0.999999999999999,
				 1e6,
				 1e18,
				 -1e18,
				 4503599627370495.5,
				 4503599627370496.0,
				 9007199254740993.0,
				 9223372036854774784.0,
				 9223372036854775808.0,
				 -9223372036854775808.0,
				 1e300,
				 -1e300,
				 DBL_MIN,
				 4.9e-324,
				 -4.9e-324,
				 DBL_MAX,
				 INFINITY,
				 -INFINITY,
				 NAN };

#define CORNERS (sizeof(corner) / sizeof(corner[0]))

/* Corners, any bits, and numbers about the size of integers. */
static double pick(void)
{
	uint64_t r = next();
	double x;

	if (r % 3 == 0)
		return corner[next() % CORNERS];
	if (r % 3 == 1)
		return ldexp((double)(int64_t)next(), (int)(next() % 80) - 75);
	r = next();
	memcpy(&x, &r, sizeof(x));
	return x;
}

static int compare(double x, double y)
{
	return isnan(x) || isnan(y) ? UT_UNORDERED : (x > y) - (x < y);
}

static void doubles_compare_as_in_c(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		double x = pick(), y = i % 5 ? pick() : x;

		assert_int_equal(ut_f64_cmp(of_double(x), of_double(y)), compare(x, y));
	}
}

/* long double has 64 bits: 53 and 11 fit, so the product is exact. */
static int64_t scaled(double x, unsigned scale)
{
	long double v = (long double)x * scale;

	if (isnan(x))
		return 0;
	if (v >= 9223372036854775808.0L)
		return INT64_MAX;
	return v < -9223372036854775808.0L ? INT64_MIN : (int64_t)v;
}

static void doubles_scale_exactly(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		unsigned scale = i % 2 ? 1 + (unsigned)(next() % 2048) : 1000;
		double x = pick();

		assert_int_equal(ut_f64_scaled(of_double(x), scale), scaled(x, scale));
		assert_int_equal(ut_f64_to_i64(of_double(x)), scaled(x, 1));
	}
	assert_int_equal(ut_f64_scaled(of_double(DBL_MAX), 2048), INT64_MAX);
	assert_int_equal(ut_f64_scaled(of_double(0.001953125), 1024), 2);
}

/* Every exponent, and mantissas whose leading 1 is anywhere. */
static void every_float_is_a_double(void **state)
{
	(void)state;
	for (uint32_t exponent = 0; exponent < 512; exponent++) {
		for (uint32_t bit = 0; bit < 24; bit++) {
			uint32_t low = (uint32_t)next() & ((1u << bit) - 1);
			ut_f32 f = { exponent << 23 | (bit < 23 ? 1u << bit : 0) | low };
			double want, got = to_double(ut_f32_to_f64(f));
			float x;

			memcpy(&x, &f, sizeof(x));
			want = (double)x;
			if (isnan(want))
				assert_true(ut_f64_is_nan(ut_f32_to_f64(f)));
			else
				assert_memory_equal(&got, &want, sizeof(got));
		}
	}
	assert_int_equal(ut_f32_cmp(of_float(1.5f), of_float(-2.5f)), 1);
	assert_int_equal(ut_f32_cmp(of_float(NAN), of_float(0)), UT_UNORDERED);
	assert_int_equal(ut_f32_to_i64(of_float(-3.99f)), -3);
}

static void constants_are_the_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < CORNERS; i++)
		assert_memory_equal(&(double){ to_double(UT_F64(corner[i])) }, &corner[i], 8);
	assert_true(UT_F64(1.0).bits == 0x3ff0000000000000);
	assert_true(UT_F32(-2.0f).bits == 0xc0000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_compare_as_in_c),
		cmocka_unit_test(doubles_scale_exactly),
		cmocka_unit_test(every_float_is_a_double),
		cmocka_unit_test(constants_are_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
