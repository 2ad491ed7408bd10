/*
 * stacks.c - calls whose stack is not what a hook may take for granted: rsp off by 8, arguments
 * aligned to 32 and 64, mapped memory that ends where the arguments do, a red zone, a frame of
 * many pages, little room.
 */
#include "cases.h"

#include <alloca.h>
#include <sys/mman.h>

#define ADDRESS_BITS(p) \
	({ \
		uintptr_t at_ = (uintptr_t)(p); \
		__asm__("" : "+r"(at_)); /* no compiler may know the answer */ \
		(long)(at_ & 63); \
	})

/* -- rsp mod 16 ---------------------------------------------------------------------- */

/* A leaf that needs no alignment: gcc's -fipa-stack-alignment, on at -O2, gives it none. */
static NOINLINE long t_leaf(long x)
{
	long sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	return x * 100 + (sp & 15);
}

static NOINLINE long call_t_leaf(void)
{
	return t_leaf(seed) * 3 + 1;
}

/* -- stack arguments mod 64 ---------------------------------------------------------- */

struct by32 {
	long v[4];
} __attribute__((aligned(32)));

struct by64 {
	long v[8];
} __attribute__((aligned(64)));

typedef float four __attribute__((vector_size(16)));

static inline long moved(const void *p)
{
	four v;

	__asm__("movaps %1, %0" : "=x"(v) : "m"(*(const four *)p));
	return (long)v[0];
}

NOINLINE long t_by32(long a, struct by32 s, long b, long c, long d, long e, long f, long g,
		     struct by32 t)
{
	return ADDRESS_BITS(&s) % 32 * 7 + ADDRESS_BITS(&t) % 32 * 11 + moved(&t) + a + b * 2 +
	       c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + s.v[3] * 8 + t.v[0] * 9;
}

NOINLINE long t_by64(long a, struct by64 s, char b, struct by64 t, double d)
{
	return ADDRESS_BITS(&s) * 7 + ADDRESS_BITS(&t) * 11 + moved(&s) + a + b * 2 + s.v[7] * 3 +
	       t.v[1] * 4 + (long)d;
}

static NOINLINE long call_t_by32(void)
{
	struct by32 s = { { 1, 2, 3, seed } }, t = { { seed * 5, 4, 3, 2 } };

	return t_by32(seed, s, 2, 3, 4, 5, 6, 7, t);
}

static NOINLINE long call_t_by64(void)
{
	struct by64 s = { { 1, 2, 3, 4, 5, 6, 7, seed } }, t = { { 9, seed } };

	return t_by64(seed, s, 2, t, 2.5);
}

#ifdef __AVX__
typedef double ymm __attribute__((vector_size(32)));

NOINLINE double t_m256(long n, ymm a, ymm b, ymm c, ymm d, ymm e, ymm f, ymm g, ymm h, ymm i, ymm j)
{
	ymm sum;

	__asm__("vmovapd %1, %0" : "=x"(sum) : "m"(j));
	return (double)(ADDRESS_BITS(&i) % 32 + ADDRESS_BITS(&j) % 32 * 3) + sum[3] + a[0] + b[1] +
	       c[2] + d[3] + e[0] + f[1] + g[2] + h[3] + i[1] + (double)n;
}

static NOINLINE long call_t_m256(void)
{
	ymm v = { (double)seed, 2, 3, 4 };

	return (long)t_m256(seed, v, v * 2, v * 3, v * 4, v * 5, v * 6, v * 7, v * 8, v * 9,
			    v * 10);
}
#endif

#ifdef __AVX512F__
typedef double zmm __attribute__((vector_size(64)));

NOINLINE double t_m512(long n, zmm a, zmm b, zmm c, zmm d, zmm e, zmm f, zmm g, zmm h, zmm i, zmm j)
{
	zmm sum;

	__asm__("vmovapd %1, %0" : "=v"(sum) : "m"(j));
	return (double)(ADDRESS_BITS(&i) + ADDRESS_BITS(&j) * 3) + sum[7] + a[0] + b[1] + c[2] +
	       d[3] + e[4] + f[5] + g[6] + h[7] + i[1] + (double)n;
}

static NOINLINE long call_t_m512(void)
{
	zmm v = { (double)seed, 2, 3, 4, 5, 6, 7, 8 };

	return (long)t_m512(seed, v, v * 2, v * 3, v * 4, v * 5, v * 6, v * 7, v * 8, v * 9,
			    v * 10);
}
#endif

/* With -mpreferred-stack-boundary=6 this array is at a multiple of 64 if rsp was one. */
NOINLINE long t_boundary(long x)
{
	long v[8] __attribute__((aligned(64)));

	__asm__ volatile("" : : "r"(v) : "memory");
	v[0] = x;
	__asm__ volatile("" : : "r"(v) : "memory");
	return v[0] + ADDRESS_BITS(v) * 1000;
}

static NOINLINE long call_t_boundary(void)
{
	return t_boundary(seed) + 5;
}

/* -- the end of the stack ------------------------------------------------------------ */

NOINLINE long t_top(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8;
}

NOINLINE long t_bare_top(long a)
{
	return a * 3 + 1;
}

/* Memory for a stack with nothing mapped above or below; its end. */
static char *stack_of(size_t size)
{
	char *p = mmap(NULL, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p + 4096, size, PROT_READ | PROT_WRITE);
	return p + 4096 + size;
}

/* calls.S: six arguments in registers and n on a stack that ends with them. */
long on_stack(void *fn, const long *args, long n, char *top);

/* No byte that could be read lies above the arguments. */
static NOINLINE long call_t_top(void)
{
	const long args[] = { seed, 2, 3, 4, 5, 6, seed * 7, 8 };

	return on_stack((void *)t_top, args, 2, stack_of(16384));
}

static NOINLINE long call_t_bare_top(void)
{
	const long args[] = { seed, 2, 3, 4, 5, 6 };

	return on_stack((void *)t_bare_top, args, 0, stack_of(16384));
}

NOINLINE long t_fiber(long a, long b)
{
	return a * 5 + b;
}

/* The whole stack of a coroutine. */
static NOINLINE long call_t_fiber(void)
{
	const long args[] = { seed, 2, 3, 4, 5, 6 };

	return on_stack((void *)t_fiber, args, 0, stack_of(4096));
}

/* -- below rsp ----------------------------------------------------------------------- */

/* A leaf with 96 bytes of locals and no frame: they are below rsp. */
NOINLINE long t_redzone(long x)
{
	volatile long v[12];
	long r = 0;

	for (int i = 0; i < 12; i++)
		v[i] = x * i;
	__asm__ volatile(".globl redzone_middle\nredzone_middle: nop" : : : "memory");
	for (int i = 0; i < 12; i++)
		r = r * 3 + v[i];
	return r;
}

static NOINLINE long call_t_redzone(void)
{
	return t_redzone(seed) + 1;
}

/* A frame of many pages, touched in order by -fstack-clash-protection. */
NOINLINE long t_pages(long n, long depth)
{
	char *p = alloca((size_t)n * 4096 + 40000);

	memset(p, (int)depth, 64);
	return depth ? t_pages(n + 1, depth - 1) * 3 + p[63] : p[0] + n;
}

static NOINLINE long call_t_pages(void)
{
	return t_pages(seed, 5);
}

/* -- calls in the last place ----------------------------------------------------------- */

NOINLINE long t_odd(long n, long sum);

NOINLINE long t_even(long n, long sum)
{
	return n ? t_odd(n - 1, sum * 3 + n) : sum;
}

NOINLINE long t_odd(long n, long sum)
{
	return n ? t_even(n - 1, sum * 5 + n) : -sum;
}

static NOINLINE long call_t_even(void)
{
	return t_even(1000 + seed, 1);
}

MAIN(CASE(t_leaf), CASE(t_by32), CASE(t_by64), CASE(t_boundary), CASE(t_top), CASE(t_bare_top),
     CASE(t_fiber), CASE(t_even), CASE(t_redzone), CASE(t_pages),
#ifdef __AVX__
     CASE(t_m256),
#endif
#ifdef __AVX512F__
     CASE(t_m512),
#endif
)
