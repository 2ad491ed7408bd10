/*
 * odd_calls.c - functions whose calls are not what their prototypes say, or hardly; the output is
 * a checksum of each.  Compiled at test time by every compiler and level: see transparent_test.py.
 */
#include <complex.h>
#include <stdarg.h>
#include <stdio.h>

#define NOINLINE __attribute__((noinline))

struct three {
	long x, y, z;
};
struct pair {
	long a, b;
};
struct wide16 {
	long a, b;
} __attribute__((aligned(16)));
typedef int int16al __attribute__((aligned(16)));
struct squeezed {
	int16al v;
} __attribute__((packed, aligned(1)));
struct holder {
	long l;
	struct squeezed s;
};
struct bits {
	unsigned long a : 40, b : 24;
	int c : 7;
};

static long mix(long r, long times)
{
	for (long i = 0; i < times; i++)
		r = r * 31 + (r >> 3);
	return r;
}

/* gcc's ipa-sra and clang's argument promotion replace p and q by what they point to */
static NOINLINE long promoted(long a, long b, long c, long d, long e, const struct three *p,
			      const struct three *q)
{
	long px = p->x, py = p->y, qx = q->x, qy = q->y;

	return mix(a * 3 + b * 5 + c * 7 + d * 11 + e * 13 + px * 17 + py * qx + qy, a);
}

static NOINLINE long in_loop(long a, long b, long c, long d, long e, const struct three *p,
			     const struct three *q)
{
	long r = a + b * 5 + c * 7 + d * 11 + e * 13;

	for (long i = 0; i < a; i++)
		r = r * 31 + (r >> 3) + p->x + p->y * q->x + q->y;
	return r;
}

static NOINLINE long only_pointers(const struct three *p, const struct three *q,
				   const struct three *r)
{
	return mix(p->x + p->y * 3 + p->z * 5 + q->x * 7 + q->y * 9 + q->z * 11 + r->x * 13 +
			   r->y * 15 + r->z * 17,
		   p->x & 7);
}

/* by value, and only parts are used */
static NOINLINE long parts(struct three s, long a, long b, struct three unused, long c)
{
	return mix(s.x * 7 + s.z * 9 + a * 3 + b + c * 1001, a & 15);
}

/* dead arguments in front of stack arguments, a constant one */
static NOINLINE long dead(long a, long unused1, double unused2, long c, long d, long e, long f,
			  long g, long h, long constant)
{
	return mix(a + c * 2 + d * 3 + e * 4 + f * 5 + g * 6 + h * 7 + constant, constant);
}

/* the same behind a pointer: cannot be changed */
static NOINLINE long callback(long a, void *unused, long b, long c, long d, long e, long f, long g)
{
	return mix(a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7, a & 3);
}

__attribute__((ms_abi, noinline)) long ms(long a, long b, long c, long d, long e, long f)
{
	return mix(a + b * 10 + c * 100 + d * 1000 + e * 10000 + f * 100000, a & 3);
}

__attribute__((ms_abi, noinline)) double ms_mixed(double a, long b, float c, struct three s, long d)
{
	return a + b * 10 + c * 100 + s.y * 1000 + d * 10000;
}

NOINLINE long aligned_on_stack(long a, long b, long c, long d, long e, long f, long g,
			       struct wide16 s)
{
	return a + b + c + d + e + f + g * 10 + s.a * 100 + s.b * 1000;
}

NOINLINE double complex_last(_Complex double z, double a, double b, double c, double d, double e,
			     double f, double g)
{
	return creal(z) + cimag(z) * 10 + a + b + c + d + e + f + g * 1000;
}

NOINLINE long packed_typedef(struct holder s, long double x)
{
	return s.l + s.s.v * 100 + (long)x * 10000;
}

NOINLINE long int128(long a, long b, long c, long d, long e, __int128 x, long g, __int128 y)
{
	return a + b + c + d + e + (long)x * 10 + g * 100 + (long)(y >> 60) * 1000;
}

NOINLINE long spilled(struct pair p, long a, struct three t, char c, struct pair q, short s,
		      struct pair r, float f, long double ld, struct bits b)
{
	return p.a + p.b * 2 + a * 3 + t.x * 4 + t.z * 5 + c * 6 + q.a * 7 + q.b * 8 + s * 9 +
	       r.a * 10 + r.b * 11 + (long)f * 12 + (long)ld * 13 + b.a * 14 + b.b * 15 + b.c * 16;
}

NOINLINE struct three big_result(long a, struct three *p, long b, long c, long d, long e, long f)
{
	return (struct three){ a + p->x, b * c + p->y, d * e * f + p->z };
}

NOINLINE long old_style(a, f, c, s)
long a;
float f;
char c;
struct three s;
{
	return a + (long)f * 10 + c * 100 + s.x * 1000 + s.y * 10000;
}

NOINLINE long no_prototype();

NOINLINE long variadic(int n, ...)
{
	va_list ap;
	long r = 0;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		r = r * 3 + (i % 4 == 3 ? (long)va_arg(ap, double) : va_arg(ap, long));
	va_end(ap);
	return r;
}

NOINLINE long nested(long n)
{
#ifndef __clang__
	NOINLINE long inner(long a, long b, long c, long d, long e, long f, long g)
	{
		return a + b + c + d + e + f * 10 + g * n;
	}
	long (*volatile fn)(long, long, long, long, long, long, long) = inner;

	return fn(1, 2, 3, 4, 5, 6, 7) + inner(n, 1, 1, 1, 1, 1, 2);
#else
	return 10 * n;
#endif
}

long (*volatile call)(long, void *, long, long, long, long, long, long) = callback;

/* clang passes members, each in eight bytes: more than the struct has */
struct few_bits {
	void *p;
	unsigned a      : 14;
	unsigned char b : 4;
};

static NOINLINE long spread(long a, long b, long c, long d, long e, long f, struct few_bits s,
			    struct few_bits t)
{
	return a + b + c + d + e + f + (long)s.p * 3 + s.a * 5 + s.b * 7 + (long)t.p * 11 +
	       t.a * 13 + t.b * 17;
}

static long spreads(long n)
{
	struct few_bits s = { (void *)n, 77, 5 }, t = { (void *)(n * 2), 88, 6 };

	return spread(1, 2, 3, 4, 5, n, s, t) + spread(n, 5, 4, 3, 2, 1, t, s);
}

static long clones(long n)
{
	struct three p = { n, n + 1, 3 }, q = { n + 4, n + 5, 9 };

	return promoted(n, n + 1, n + 2, n + 3, n + 4, &p, &q) +
	       promoted(n + 5, n * 2, n * 3, n * 4, n * 5, &q, &p) +
	       in_loop(n, n + 1, n + 2, n + 3, n + 4, &p, &q) +
	       in_loop(n + 2, n * 2, n * 3, n * 4, n * 5, &q, &p) + only_pointers(&p, &q, &q) +
	       parts(p, n, n + 1, q, 3) + parts(q, n + 3, n * 5, p, n) +
	       dead(n, 7, 7, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, 9) +
	       dead(n + 1, 8, 7, n, n, n, n, n + 3, n * 2, 9);
}

int main(int argc, char **argv)
{
	struct three t = { argc, 2, 3 };
	struct wide16 w = { 5, 6 };
	struct holder h = { 1, { 2 } };
	struct pair p = { 7, 8 };
	struct bits b = { 1, 2, 3 };

	for (long n = argc; n < argc + 3; n++)
		printf("clones %ld\n", clones(n));
	printf("spread %ld\n", spreads(argc));
	printf("callback %ld\n", call(argc, argv, 2, 3, 4, 5, 6, 7));
	printf("ms %ld %g\n", ms(1, 2, 3, 4, 5, argc), ms_mixed(1, 2, 3, t, 5));
	printf("aligned %ld\n", aligned_on_stack(1, 1, 1, 1, 1, 1, 2, w));
	printf("complex %g\n", complex_last(1 + 2 * I, 1, 2, 3, 4, 5, 6, 7));
	printf("packed %ld\n", packed_typedef(h, 3));
	printf("int128 %ld\n", int128(1, 2, 3, 4, 5, -77, 6, (__int128)9 << 60));
	printf("spilled %ld\n", spilled(p, 3, t, 4, p, 5, p, 6, 7, b));
	t = big_result(1, &t, 2, 3, 4, 5, 6);
	printf("result %ld %ld %ld\n", t.x, t.y, t.z);
	printf("old style %ld\n", old_style(1L, 2.0, 3, t));
	printf("no prototype %ld\n", no_prototype(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L));
	printf("variadic %ld\n", variadic(9, 1L, 2L, 3L, 4.0, 5L, 6L, 7L, 8.0, (long)argc));
	printf("nested %ld\n", nested(argc));
	return 0;
}

NOINLINE long no_prototype(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b + c + d + e + f + g * 10 + h * 100;
}
