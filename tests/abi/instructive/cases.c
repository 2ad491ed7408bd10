/*
 * tests/abi/instructive/cases.c - the instructive cases of C, numbered (instructive_test.py has what
 * must be seen of each).
 *
 * Compiled by gcc and clang at -O0 and -O2: each function is called from another unit's point of
 * view, through a volatile pointer, so that its arguments travel as the ABI says; but for those of case 13,
 * whose callers the compiler may know.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define NOINLINE __attribute__((noinline))
#define CALL(f)  (*(__typeof__(&(f)) volatile *)&(__typeof__(&(f))){ f })

#define PAIR(name, a, b) \
	struct name { \
		a x; \
		b y; \
	}
PAIR(long_int, long, int);
PAIR(float_int, float, int);
PAIR(float_float, float, float);
PAIR(double_long, double, long);
PAIR(longs, long, long);
struct float3 {
	float x, y, z;
};
struct packed {
	char x;
	long y;
} __attribute__((packed));
struct three {
	long x, y, z;
};
struct al16 {
	long x;
} __attribute__((aligned(16)));
struct al32 {
	long x;
} __attribute__((aligned(32)));
struct ld {
	long double x;
};

/* 1: the struct needs two registers and one is left, which the last argument takes */
NOINLINE int seed(char a, char b, char c, char d, char e, struct long_int s, char g)
{
	return a + b + c + d + e + (int)s.x + s.y + g;
}

/* 2: four bytes on the stack, whatever lies above them */
NOINLINE int st4(long a, long b, long c, long d, long e, long f, int x, char y)
{
	return (int)(a + b + c + d + e + f) + x * y;
}

NOINLINE int fwd(long x)
{
	return CALL(st4)(1, 2, 3, 4, 5, 6, (int)x, (char)(x >> 8));
}

/* 3 */
NOINLINE long mid24(long a, struct three s, long b, double d)
{
	return a + s.x + s.y + s.z + b + (long)d;
}

/* 4 */
NOINLINE long aligned(int a, struct al32 s, struct al16 t, int b)
{
	return a + s.x + t.x + b + (long)&s % 32;
}

/* 5: with one register left */
NOINLINE long i128(long a, long b, long c, long d, long e, __int128 x, long y, long z, __int128 w)
{
	return a + b + c + d + e + (long)(x >> 64) * 3 + (long)x + y * 5 + z * 7 + (long)(w >> 64) +
	       (long)w;
}

NOINLINE long i128_struct(long a, long b, long c, long d, long e, __int128 x, struct longs s,
			  long z)
{
	return a + b + c + d + e + (long)(x >> 64) * 3 + (long)x + s.x * 5 + s.y * 7 + z * 11;
}

/* 6 */
NOINLINE long double x87(int a, long double x, struct ld y, int b)
{
	return x * a + y.x * b;
}

NOINLINE _Complex float cfloat(_Complex float x, float y)
{
	return x * y;
}

/* 7 */
NOINLINE struct double_long small(struct float_int a, struct float_float b, struct double_long c,
				  struct float3 d, struct packed e)
{
	return (struct double_long){ a.x + b.x + b.y + c.x + d.x + d.y + d.z,
				     a.y + c.y + e.x + e.y };
}

/* 8 */
NOINLINE double vsum(int n, double first, ...)
{
	va_list ap;

	va_start(ap, first);
	while (n-- > 0)
		first += va_arg(ap, double);
	va_end(ap);
	return first;
}

/* 9 */
NOINLINE struct three ret24(long a, int b)
{
	return (struct three){ a, b, a + b };
}

/* 10 */
NOINLINE int narrow(bool a, signed char b, unsigned char c, short d)
{
	return a + b + c + d;
}

NOINLINE char cr(long x)
{
	return (char)x;
}

NOINLINE bool br(long x)
{
	return x & 4;
}

/* 13: only these call them, so parameters may be gone, split, and results too */
struct fat {
	long a, b, c, d;
};
extern volatile int sink;
volatile int sink;

static NOINLINE long f_sra(struct fat *s, long unused, long k)
{
	sink++;
	return s->c * k;
}

static NOINLINE int f_retdead(long x)
{
	sink += (int)x;
	return (int)x * 3;
}

static long ipa(long v)
{
	struct fat s = { 1, 2, v, 4 };

	f_retdead(v + 1);
	return f_sra(&s, 77, v + 2) + f_sra(&s, 78, v + 3);
}

int main(int argc, char **argv)
{
	struct double_long r;
	struct three t;
	long double l;
	_Complex float c;

	printf("%d\n", CALL(seed)('a', 'b', 'c', 'd', 'e', (struct long_int){ -10, 20 }, 'g'));
	printf("%d\n", CALL(fwd)(0x1122334455667788));
	printf("%ld\n", CALL(mid24)(1, (struct three){ 2, 3, 4 }, 5, 6.5));
	printf("%ld\n", CALL(aligned)(1, (struct al32){ 2 }, (struct al16){ 3 }, 4));
	printf("%ld\n", CALL(i128)(1, 2, 3, 4, 5, ((__int128)-6 << 64) + 7, 8, 9,
				   ((__int128)10 << 64) + 11));
	printf("%ld\n", CALL(i128_struct)(1, 2, 3, 4, 5, ((__int128)6 << 64) + 7,
					  (struct longs){ 8, 9 }, 10));
	l = CALL(x87)(2, 1.5L, (struct ld){ 0.25L }, 4);
	printf("%Lg\n", l);
	c = CALL(cfloat)(1.5f + 2.5fi, 2);
	printf("%g %g\n", (double)__real__ c, (double)__imag__ c);
	r = CALL(small)((struct float_int){ 1, 2 }, (struct float_float){ 3, 4 },
			(struct double_long){ 5, 6 }, (struct float3){ 7, 8, 9 },
			(struct packed){ 10, 11 });
	printf("%g %ld\n", r.x, r.y);
	printf("%g\n", CALL(vsum)(2, 1.5, 2.5, 3.5));
	t = CALL(ret24)(1, 2);
	printf("%ld %ld %ld\n", t.x, t.y, t.z);
	printf("%d %d %d\n", CALL(narrow)(true, -2, 200, -300), CALL(cr)(0x1234), CALL(br)(7));
	printf("%ld %d\n", ipa(argc + 4), sink);
	return 0;
}
