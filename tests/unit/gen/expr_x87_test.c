/*
 * gen/expr.h: long doubles, arguments, results, members and what pointers point to, against C
 * that says the same.  And what they cannot be compared with.
 */
#include "expr_rig.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct holder {
	char c;
	long double v;
};

#define FUNC \
	"long double f(long double a, long double b, long double *p, struct holder { char c; " \
	"long double v; } *q, double d, long double _Complex *z)"

static void put(struct group *group, unsigned slot, long double v)
{
	uint64_t word[2] = { 0, 0 };

	memcpy(word, &v, 10);
	PUT(slot, word[0]);
	PUT(slot + 1, word[1] | 0xdeadull << 48); /* padding is not looked at */
}

static void rows(struct group *group, long double a, long double b, const long double *p,
		 const struct holder *q, long double ret)
{
	C(a < b);
	C(a <= b);
	C(a > b);
	C(a >= b);
	C(a == b);
	C(a != b);
	C(*p < a);
	C(p[0] == b);
	C(q->v > a);
	C(q->v == b && a > -1);
	C(ret > 1.5);
	C(ret == a);
	C(-a < b);
	C(a == -b);
	C(a > 0);
	C(a > 18446744073709551615u);
	C(a >= -1);
	C(a != 0.5f);
	C(a < 0.1);
	C(a == 0.1L);
	C(a == -0.1L);
	C(a < 1e4932L);
	C(a < -1e-4940L);
	C(!a);
	C(a || b);
}

static void compared_as_in_c(void **state)
{
	const long double v[] = { 0,
				  -0.0L,
				  1,
				  -1,
				  1.5L,
				  0.1L,
				  -0.1L,
				  0.1,
				  0x1.fffffffffffffffep+0L,
				  0x1.fffffffffffffffcp+0L,
				  -0x1.fffffffffffffffep+0L,
				  18446744073709551615.0L,
				  18446744073709551616.0L,
				  0x1p-16445L,
				  -0x1p-16445L,
				  0x1p-16382L,
				  1e4932L,
				  INFINITY,
				  -INFINITY,
				  NAN,
				  -NAN };
	struct group g, *group = &g;

	(void)state;
	group_init(&g, FUNC);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		for (size_t k = 0; k < ARRAY_LEN(v); k++) {
			long double at = v[k];
			struct holder h = { 'x', v[k] };

			put(&g, 0, v[i]);
			put(&g, 2, v[k]);
			PUT(4, &at);
			PUT(5, &h);
			put(&g, 8, v[i]); /* behind d and z */
			rows(&g, v[i], v[k], &at, &h, v[i]);
		}
	}
	group_fini(&g);
}

/* Memory that cannot be read makes the comparison false, and its negation true. */
static void faults(void **state)
{
	struct group g, *group = &g;

	(void)state;
	group_init(&g, FUNC);
	put(&g, 0, 1);
	PUT(4, 0);
	PUT(5, 8);
	check(&g, "*p == a", false);
	check(&g, "*p != a", false);
	check(&g, "!(*p == a)", true);
	check(&g, "q->v < 1 || a == 1", true);
	group_fini(&g);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "a > d", "a long double is compared with another or with a constant only" },
		{ "d > 1.5L", "a long double is compared with another or with a constant only" },
		{ "a + 1 > 2", "arithmetic on floating-point values is not supported" },
		{ "a == 1e5000L", "1e5000L is out of range" },
		{ "z[0] == 1", "is a _Complex long double, which conditions cannot read" },
		{ "a == p", "a pointer is not compared with a floating-point value" },
		{ "a == q->c", "not with an integer that is none" },
		{ "a == \"x\"", "a long double: only a char *" },
	};
	struct group g;

	(void)state;
	group_init(&g, FUNC);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct gen_expr *e = NULL;
		struct diag d = { "" };
		int err = gen_expr_new(bad[i].text, &g.proto, g.m, &e, &d);

		if (err != -EINVAL || !strstr(d.text, bad[i].want))
			fail_msg("%s: %d '%s'", bad[i].text, err, d.text);
	}
	group_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compared_as_in_c),
		cmocka_unit_test(faults),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, expr_start, expr_stop);
}
