/*
 * ipa.c - callers that keep values in caller-saved registers across a call, since the compiler
 * has seen that the callee leaves them alone (gcc -fipa-ra).
 *
 * Linked of two units: this one, and itself once more with -DOTHER.
 */
#include "cases.h"

HIDDEN long t_hidden(long x);
long t_global(long x);

#ifdef OTHER

HIDDEN NOINLINE long t_hidden(long x)
{
	return x * 5 + 3;
}

NOINLINE long t_global(long x)
{
	return x * 7 + 3;
}

#else

/* Ten values in registers while callee runs: six are what the ABI has. */
#define CALLER(callee) \
	static NOINLINE long call_##callee(void) \
	{ \
		long v[10], r; \
\
		for (int i = 0; i < 10; i++) \
			v[i] = seed * 1000003 + i; \
		KEEP("r", v); \
		r = callee(v[0]); \
		KEEP("r", v); \
		for (int i = 0; i < 10; i++) \
			r = r * 31 + v[i]; \
		return r; \
	}

static NOINLINE long t_static(long x)
{
	return x * 3 + 1;
}

NOINLINE long t_exported(long x)
{
	return x * 9 + 1;
}

/* Of this attribute -fipa-ra takes no notice, of the option it does. */
static NOINLINE __attribute__((patchable_function_entry(5))) long t_attribute(long x)
{
	return x * 3 + 7;
}

static NOINLINE double t_double(double x)
{
	return x * 1.5;
}

static NOINLINE long t_vector(long x)
{
	return x * 5 + 4;
}

CALLER(t_static)
CALLER(t_exported)
CALLER(t_attribute)
CALLER(t_hidden)
CALLER(t_global)

static NOINLINE long call_t_double(void)
{
	double v[10], r;

	for (int i = 0; i < 10; i++)
		v[i] = (double)(seed * 1000003 + i);
	KEEP("x", v);
	r = t_double((double)seed);
	KEEP("x", v);
	for (int i = 0; i < 10; i++)
		r = r * 0.75 + v[i];
	return (long)(r * 4096);
}

#if defined(__AVX512F__)
typedef long wide __attribute__((vector_size(64)));
#elif defined(__AVX__)
typedef long wide __attribute__((vector_size(32)));
#else
typedef long wide __attribute__((vector_size(16)));
#endif
#define LANES (sizeof(wide) / 8)

static NOINLINE long folded(const wide *v, long r)
{
	wide sum = {};

	for (int i = 0; i < 10; i++)
		sum = sum * 3 + v[i];
	for (unsigned k = 0; k < LANES; k++)
		r = r * 31 + sum[k];
	return r;
}

static inline void filled(wide *v)
{
	for (int i = 0; i < 10; i++) {
		for (unsigned k = 0; k < LANES; k++)
			v[i][k] = seed * 1000003 + i + k;
	}
}

static NOINLINE long call_t_vector(void)
{
	wide v[10];
	long r;

	filled(v);
	KEEP("x", v);
	r = t_vector(seed);
	KEEP("x", v);
	return folded(v, r);
}

#ifdef __AVX512F__
/* Sixteen more of them, which no SSE or AVX code can name. */
static NOINLINE long t_high(long x)
{
	return x * 5 + 6;
}

static NOINLINE long call_t_high(void)
{
	register wide a __asm__("zmm16");
	register wide b __asm__("zmm31");
	wide v[10];
	long r;

	filled(v);
	a = v[0];
	b = v[1];
	__asm__ volatile("" : "+v"(a), "+v"(b));
	r = t_high(seed);
	__asm__ volatile("" : "+v"(a), "+v"(b));
	v[0] = a;
	v[1] = b;
	return folded(v, r);
}

static NOINLINE long t_mask(long x)
{
	return x * 5 + 9;
}

static NOINLINE long call_t_mask(void)
{
	unsigned char a = (unsigned char)(seed * 37), b = (unsigned char)(seed * 91);
	long r;

	__asm__ volatile("" : "+k"(a), "+k"(b));
	r = t_mask(seed);
	__asm__ volatile("" : "+k"(a), "+k"(b));
	return r * 65536 + a * 256 + b;
}
#endif

MAIN(CASE(t_static), CASE(t_exported), CASE(t_attribute), CASE(t_hidden), CASE(t_global),
     CASE(t_double), CASE(t_vector),
#ifdef __AVX512F__
     CASE(t_high), CASE(t_mask)
#endif
)

#endif
