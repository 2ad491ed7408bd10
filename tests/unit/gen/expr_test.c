/*
 * gen/expr.h: each expression is compiled by gen/expr and by the C compiler that compiles this
 * file, and both engines' answers are compared with C's on rows of values.
 */
#include "expr_rig.h"

#include <limits.h>
#include <stdio.h>

/* -- integers ----------------------------------------------------------------------------- */

static const int64_t interesting[] = { 0,        1,        -1,         2,          -2,
				       7,        63,       64,         100,        127,
				       128,      -128,     -129,       255,        256,
				       32767,    32768,    -32768,     65535,      65536,
				       INT_MAX,  INT_MIN,  0x80000000, 0xffffffff, 0x100000000,
				       LONG_MAX, LONG_MIN, 12345678,   -987654321, 0x123456789a };

#define INTS(name) \
	static void name(void **state) \
	{ \
		struct group g; \
\
		group_init(&g, \
			   "unsigned f(signed char c, unsigned char uc, short s, unsigned short " \
			   "us, int i, unsigned u, long l, unsigned long ul)"); \
		for (size_t k = 0; k < ARRAY_LEN(interesting); k++) \
			for (size_t n = 0; n < ARRAY_LEN(interesting); n += 1 + n % 3) \
				name##_row(&g, interesting[k], interesting[n]); \
		group_fini(&g); \
	}

#define INTS_ROW(name) \
	static void name##_row(struct group *group, int64_t v, int64_t x) \
	{ \
		signed char c = (signed char)v; \
		unsigned char uc = (unsigned char)x; \
		short s = (short)x; \
		unsigned short us = (unsigned short)v; \
		int i = (int)v; \
		unsigned u = (unsigned)x; \
		long l = x; \
		unsigned long ul = (unsigned long)v; \
		unsigned ret = (unsigned)(v ^ x); \
		INTS_PUT

#define INTS_PUT \
	group->ctx[2] = (uint64_t)c; \
	group->ctx[3] = uc; \
	group->ctx[4] = (uint64_t)s; \
	group->ctx[5] = us; \
	group->ctx[6] = (uint64_t)i; \
	group->ctx[7] = u; \
	group->ctx[8] = (uint64_t)l; \
	group->ctx[9] = ul; \
	group->ctx[10] = ret;

INTS_ROW(compare)
C(c == uc);
C(c != us);
C(c < uc);
C(i < u);
C(i <= u);
C(i > u);
C(i >= u);
C(i == u);
C(s < us);
C(l < u);
C(l < ul);
C(ul >= i);
C(i < ul);
C(u > l);
C(c > -1);
C(uc > -1);
C(u > -1);
C(ul == -1);
C(l == -1);
C(i == 0xffffffff);
C(i == 4294967295);
C(l > 0x7fffffff);
C(u == 0xffffffffu);
C(ret == u);
C(ret > 100);
C(i == -2147483648);
C(ul > 0x8000000000000000);
C(l >= 9223372036854775807);
C(c == 'a' || c == '\n');
C(100 < l);
C(-1 < u);
C(1 == 1);
C(i < 1 == 1);
C(i != 0 != u != 0);
}
INTS(compare)

INTS_ROW(arithmetic)
C(u + u > 5);
C(u * 3 == 300);
C(u - 1 > 100);
C(ul - 1 > 100);
C(ul *ul == 49);
C(c + uc > 127);
C(c *us < 0);
C(s - us < -5);
C(u % 7 == 2);
C(ul % 10 == 5);
C(l / 3 == -42);
C(i % 64 == -1);
C(i / 2 < -100);
C(l % 5 < 0);
C(u / 16u >= 8);
C(uc != 0 && c / uc > 0);
C(uc != 0 && l / uc < -7);
C(uc != 0 && ul % uc == 1);
C(-c == 128);
C(-u > 5);
C(-ul < 1000);
C(+uc == 255);
C(- -c == c);
C(u + 1 == 0);
C(c - 1 + 2 * uc > 3 * us - 4);
C((u + ret) / 2 > 10);
C(2 + 3 * 4 == 14 && i);
C((2 + 3) * 4 - 6 / 4 % 3 == 19 && i);
C(1 - 2 - 3 == -4 && u);
C(7 / -2 == -3 && -7 % 3 == -1 && c);
}
INTS(arithmetic)

INTS_ROW(bits)
C(u & 1);
C(!(ul & 0xff));
C(u | 1);
C((i ^ u) == 0);
C(i & 0x80 == 0x80);
C((i & 0x80) == 0x80);
C(i ^ s | us);
C(~i == -1);
C(~u == 0xffffffff);
C(~uc < 0);
C(~ul > 5);
C(u << 4 == 0x70);
C(ul << 40 > 1);
C(1 << 4 == uc);
C(1ul << 40 > ul);
C(u >> 4 == 15);
C(l >> 60 == -8);
C(ul >> 60 == 15);
C(i >> 31);
C(c >> 1 == -64);
C(u >> (c & 31) == 1);
C(ul << (uc & 63) == 64);
C(l >> (uc & 63) < 0);
C(u >> 1 << 1 != u);
C(0x80000000 >> 31 == 1 && us);
C(-1 >> 3 == -1 && -1u >> 31 == 1 && us);
C(us & ~0xf0 ^ 0x0f);
C((l & 0xfffffffff0) == 0xfffffffff0);
C(077 == us || 0x3F == us || 63U == us);
}
INTS(bits)

INTS_ROW(logic)
C(i);
C(!i);
C(!!c);
C(i &&u);
C(i || u);
C(!i && !u);
C(!(i && u) || l);
C(c &&uc &&s &&us);
C(c || uc && s || us);
C((c || uc) && (s || us));
C(!(c < uc) && !(s > us));
C(!c == !uc);
C(!(i == u) != (l < 0));
C((i > 5) + (u > 5) + (l > 5) >= 2);
C((i > 5) * 4 - (u > 5) == 3);
C(-(i > 0) == -1);
C(~(i == 0) & 1);
C(i > 5 & u > 5);
C(i > 5 | u > 5 ^ l > 5);
C(((((i))) == (((u)))));
C(c + uc < s - us || l >> 1 > ul >> 1 && u);
C(i == 1 || i == 2 || i == -1);
C((c + (uc + (s + (us + (i & 1 + (u & 1)))))) > 3);
}
INTS(logic)

/* -- bool, enum, char, pointers, raw -------------------------------------------------------- */

enum color { RED, GREEN = 5, BLUE = -3 };
enum big { SMALL = 1, HUGE_ONE = 0x7fffffff };

static void words(void **state)
{
	static const uint64_t row[][5] = {
		{ 0, 5, 1, 0, 0 },
		{ 1, 0, 0x7fffffff, 'x', 0x7fff12345678 },
		{ 1, (uint64_t)-3, 2, (uint64_t)-1, 0x1000 },
		{ 0, 77, 0, '\\', UINT64_MAX },
	};
	struct group g, *group = &g;

	group_init(&g, "void *f(_Bool b, enum color { RED, GREEN = 5, BLUE = -3 } e, "
		       "enum big { SMALL = 1, HUGE_ONE = 0x7fffffff } h, char ch, void *p)");
	for (size_t k = 0; k < ARRAY_LEN(row); k++) {
		_Bool b = row[k][0];
		enum color e = (enum color)row[k][1];
		enum big h = (enum big)row[k][2];
		char ch = (char)row[k][3];
		void *p = (void *)row[k][4], *ret = p ? NULL : (void *)0x1000;

		for (size_t i = 0; i < 5; i++)
			PUT(i, row[k][i]);
		PUT(5, ret);
		C(b);
		C(!b);
		C(b == true);
		C(b != false);
		C(b + 1 == 2);
		C(-b == -1);
		C(~b == -2);
		C(e == GREEN);
		C(e != RED);
		C(e == BLUE);
		C(e < RED);
		C(e == 77);
		C(h == HUGE_ONE);
		C(h > SMALL);
		C(ch == 'x');
		C(ch == '\\');
		C(ch == '\xff');
		C(ch == '\377');
		C(ch < 0);
		C(ch);
		C(p == NULL);
		C(p != NULL);
		C(p);
		C(!p);
		C(p && ret == NULL);
		C(p != ret);
		check(group, "p == 0x1000", p == (void *)0x1000);
		check(group, "p > 0x7fff00000000", (uint64_t)p > 0x7fff00000000);
		check(group, "p == -1", p == (void *)-1);
		check(group, "ret == 0x1000 || p == 0", ret == (void *)0x1000 || !p);
		check(group, "arg0 == b && (nullptr == arg4) == !p", true);
	}
	/* only the low byte of a _Bool counts, and any bit of it */
	PUT(0, 0x100);
	check(group, "b", false);
	PUT(0, 0x4);
	check(group, "b == 1", true);
	group_fini(&g);
}

/* -- floating point ---------------------------------------------------------------------------- */

static const uint64_t doubles[] = {
	0,
	1ull << 63,
	1,
	(1ull << 63) | 1,
	0x000fffffffffffff,
	0x0010000000000000,
	0x3ff0000000000000,
	0xbff0000000000000,
	0x3ff0000000000001,
	0x3fb999999999999a,
	0x3fb99999a0000000, /* 0.1f */
	0x36a0000000000000, /* the least float */
	0x380fffffc0000000, /* the greatest subnormal float */
	0x47efffffe0000000, /* FLT_MAX */
	0x7fefffffffffffff,
	0x7ff0000000000000,
	0xfff0000000000000,
	0x7ff8000000000000,
	0xfff8000000000000,
	0x7ff0000000000001,
	0x4059000000000000,
	0xc059000000000000,
};

static const uint32_t floats[] = { 0,          0x80000000, 1,          0x80000001, 0x007fffff,
				   0x00800000, 0x3f800000, 0xbf800000, 0x3dcccccd, 0x7f7fffff,
				   0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0xffc00000,
				   0x00000100, 0x42c80000, 0xc2c80000 };

static void floating_row(struct group *group, double x, double y, float f, float ret)
{
	C(x < y);
	C(x <= y);
	C(x > y);
	C(x >= y);
	C(x == y);
	C(x != y);
	C(f < x);
	C(f <= x);
	C(f > x);
	C(f >= x);
	C(f == x);
	C(x != f);
	C(f < ret);
	C(f <= ret);
	C(f == ret);
	C(f != ret);
	C(f >= ret);
	C(x);
	C(!x);
	C(f);
	C(!f);
	C(x != x);
	C(x == 0);
	C(x == -0.0);
	C(x > 0);
	C(x < -0.5);
	C(x > 1e300);
	C(x < 1e-320);
	C(x == 0.1);
	C(f == 0.1);
	C(f == 0.1f);
	C(f > 1);
	C(f < 1.5e-40);
	C(f >= 3.4028234e38f);
	C(-x > 50);
	C(-f <= y);
	C(x == 100 || f == 100);
	C(!(x < y) && !(y < x));
	C(-100.0 <= x && x <= 1e2);
	C(x > 0x1.8p3);
	C(1 < x);
	C(x && f);
	C(x == .1);
	C(x > 18446744073709551615u);
	C(x < 9007199254740993);
}

static void floating(void **state)
{
	struct group g, *group = &g;

	group_init(&g, "float f(double x, double y, float f)");
	for (size_t i = 0; i < ARRAY_LEN(doubles); i++) {
		for (size_t k = 0; k < ARRAY_LEN(doubles); k++) {
			uint32_t fb = floats[k % ARRAY_LEN(floats)];
			uint32_t rb = floats[(i + k) % ARRAY_LEN(floats)];
			double x, y;
			float f, ret;

			memcpy(&x, &doubles[i], 8);
			memcpy(&y, &doubles[k], 8);
			memcpy(&f, &fb, 4);
			memcpy(&ret, &rb, 4);
			PUT(0, doubles[i]);
			PUT(1, doubles[k]);
			PUT(2, fb);
			PUT(3, rb);
			floating_row(&g, x, y, f, ret);
		}
	}
	group_fini(&g);
}

/* The floor; expr_place_test.c has more. */
static void counts(void **state)
{
	print_message("%u expressions\n", expr_distinct());
	assert_true(expr_distinct() >= 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare), cmocka_unit_test(arithmetic), cmocka_unit_test(bits),
		cmocka_unit_test(logic),   cmocka_unit_test(words),      cmocka_unit_test(floating),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, expr_start, expr_stop);
}
