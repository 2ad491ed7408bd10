/*
 * tests/abi/instructive/wide.c - vectors of 32 bytes, in registers only if code is for AVX, and a struct
 * that is aligned further than a trampoline keeps.
 */
#include <stdarg.h>
#include <stdio.h>

#define NOINLINE __attribute__((noinline))
#define CALL(f)  (*(__typeof__(&(f)) volatile *)&(__typeof__(&(f))){ f })

typedef float v8 __attribute__((vector_size(32)));
struct far {
	long x;
} __attribute__((aligned(128)));
struct flex {
	long n;
	char tail[];
};

NOINLINE float wide(int i, v8 v, float f, long s1, long s2, long s3, long s4, long s5, long s6)
{
	float sum = f + (float)(i + s1 + s2 + s3 + s4 + s5 + s6);

	for (int k = 0; k < 8; k++)
		sum += v[k];
	return sum;
}

NOINLINE v8 wide_result(v8 *p, float f)
{
	return *p + f;
}

NOINLINE float wide_variadic(int n, v8 v, float f, ...)
{
	va_list ap;

	va_start(ap, f);
	while (n-- > 0)
		f += (float)va_arg(ap, double);
	va_end(ap);
	return f + v[7];
}

NOINLINE long far(int i, struct far x, long y)
{
	return i + x.x + y + (long)&x % 128;
}

NOINLINE long flexible(struct flex f, long y)
{
	return f.n + y;
}

#ifdef __clang__
/* In memory, aligned to 8, and the register that is left goes to y; unlike an __int128. */
NOINLINE long bits(long a, long b, long c, long d, long e, unsigned _BitInt(128) x, long y)
{
	return a + b + c + d + e + (long)x + (long)(x >> 64) * 3 + y;
}
#endif

int main(void)
{
	v8 v = { 1, 2, 3, 4, 5, 6, 7, 8 }, r;

	printf("%g\n", (double)CALL(wide)(1, v, 0.5f, 1, 2, 3, 4, 5, 6));
	r = CALL(wide_result)(&v, 1);
	printf("%g %g\n", (double)r[0], (double)r[7]);
	printf("%g\n", (double)CALL(wide_variadic)(1, v, 0.5f, 2.0));
	printf("%ld\n", CALL(far)(1, (struct far){ 2 }, 3));
	printf("%ld\n", CALL(flexible)((struct flex){ 7 }, 8));
#ifdef __clang__
	printf("%ld\n", CALL(bits)(1, 2, 3, 4, 5, ((unsigned _BitInt(128))8 << 64) + 9, 10));
#endif
	return 0;
}
