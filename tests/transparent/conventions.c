/*
 * conventions.c - functions that are called otherwise than the psABI says, with more arguments
 * than any of them has registers; callers that rely on what their convention keeps.
 */
#include "cases.h"

typedef float four __attribute__((vector_size(16)));

struct pair {
	long a, b;
};

struct many {
	long a, b, c, d;
};

#define ARGS  long a, long b, long c, long d, long e, long f, long g, long h, long i, long j
#define GIVEN 1, 2, 3, 4, seed, 6, 7, 8, 9, 10
#define SUM   (a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10)

/* Ten values of a register class around the call: what the convention does not keep is spilled. */
#define CALLER(fn, class, type) \
	static NOINLINE long call_##fn(void) \
	{ \
		type v[10]; \
		long r; \
\
		for (int i = 0; i < 10; i++) \
			v[i] = (type)(seed * 1003 + i); \
		KEEP(class, v); \
		r = fn(GIVEN); \
		KEEP(class, v); \
		for (int i = 0; i < 10; i++) \
			r = r * 3 + (long)v[i]; \
		return r; \
	}

NOINLINE __attribute__((ms_abi)) long t_ms(ARGS)
{
	return SUM;
}

NOINLINE __attribute__((ms_abi)) double t_ms_mixed(double a, long b, float c, struct pair s, long d,
						   double e)
{
	return a + (double)b * 2 + (double)c * 3 + (double)(s.a + s.b * 5 + d * 7) + e * 11;
}

CALLER(t_ms, "x", double) /* xmm6 to xmm15 are callee-saved */

static NOINLINE long call_t_ms_mixed(void)
{
	struct pair s = { seed, 5 };

	return (long)t_ms_mixed(1, 2, 3, s, seed, 6);
}

#ifdef __clang__
NOINLINE __attribute__((preserve_most)) long t_most(ARGS)
{
	return SUM;
}

NOINLINE __attribute__((preserve_all)) long t_all(ARGS)
{
	return SUM;
}

NOINLINE __attribute__((regcall)) long t_regcall(ARGS, long k, long l, long m, long n)
{
	return SUM + k * 11 + l * 12 + m * 13 + n * 14;
}

NOINLINE __attribute__((regcall)) struct many t_regcall_many(struct many s, four v, double d,
							     struct pair t)
{
	return (struct many){ s.a + t.a, s.b + (long)v[1], s.c + (long)d, s.d + t.b };
}

NOINLINE __attribute__((vectorcall)) double t_vectorcall(four a, long b, double c, four d, long e,
							 four f, four g, four h, four i, long j,
							 long k, long l, long m, long n)
{
	return (double)(a[0] + d[1] + f[2] + g[3] + h[0] + i[1] * 3) + c +
	       (double)(b + e * 2 + j * 3 + k * 4 + l * 5 + m * 6 + n * 7);
}

NOINLINE __attribute__((swiftcall)) struct many t_swift(ARGS)
{
	return (struct many){ SUM, a + j, b, e };
}

CALLER(t_most, "r", long)
CALLER(t_all, "x", double)

static NOINLINE long call_t_regcall(void)
{
	return t_regcall(GIVEN, 11, seed, 13, 14);
}

static long folded(struct many s)
{
	return s.a * 1000 + s.b * 100 + s.c * 10 + s.d;
}

static NOINLINE long call_t_regcall_many(void)
{
	struct many s = { 1, seed, 3, 4 };

	return folded(t_regcall_many(s, (four){ 1, 2, 3, 4 }, 5, (struct pair){ seed, 7 }));
}

static NOINLINE long call_t_vectorcall(void)
{
	four v = { 1, 2, 3, (float)seed };

	return (long)t_vectorcall(v, 2, 3, v * 2, 5, v * 3, v * 4, v * 5, v * 6, 10, 11, seed, 13,
				  14);
}

static NOINLINE long call_t_swift(void)
{
	return folded(t_swift(GIVEN));
}
#else
/* Keeps every register but that of its result; gcc's callers count on less. */
NOINLINE __attribute__((no_caller_saved_registers, target("general-regs-only"))) long t_none(ARGS)
{
	return SUM;
}

CALLER(t_none, "x", double)
#endif

MAIN(CASE(t_ms), CASE(t_ms_mixed),
#ifdef __clang__
     CASE(t_most), CASE(t_all), CASE(t_regcall), CASE(t_regcall_many), CASE(t_vectorcall),
     CASE(t_swift)
#else
     CASE(t_none)
#endif
)
