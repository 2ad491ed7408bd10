/*
 * state.c - what a call leaves alone: every register from memory, a call of nothing, and every
 * register back; results and arguments outside of the general registers; errno; calls and
 * returns in pairs.
 */
#define _GNU_SOURCE
#include "cases.h"

#include <cpuid.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <ucontext.h>

#define AREA 16384

struct state {
	uint64_t gpr[16], flags, pad[7];
	uint8_t *x;
};

void state_call(struct state *in, struct state *out, void (*fn)(void), long mask);
void t_state(void);

enum { CW = 0, SW = 2, TAGS = 4, MXCSR = 24, ST = 32, XMM = 160, COMPONENTS = 512 };

/* x87, SSE, AVX and the three of AVX-512, as far as this machine saves them. */
static long components(void)
{
	unsigned a, b, c, d, lo, hi;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo & 0xe7;
}

static uint64_t random_of(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r;
}

static void fill(struct state *s, long mask, uint64_t r)
{
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = random_of(&r);
	memset(s->x, 0, AREA);
	for (unsigned i = XMM; i < 416; i++)
		s->x[i] = (uint8_t)random_of(&r);
	for (unsigned n = 2; n < 8; n++) {
		unsigned size, at, c, d;

		if (!(mask >> n & 1))
			continue;
		__cpuid_count(13, n, size, at, c, d);
		for (unsigned i = 0; i < size; i++)
			s->x[at + i] = (uint8_t)random_of(&r);
	}
	memcpy(s->x + COMPONENTS, &mask, 8);
}

/* Eight numbers; exponents all ones: MMX's (SDM volume 1, 9.2.2). */
static void fill_x87(uint8_t *x, bool mmx, uint64_t r)
{
	x[TAGS] = 0xff;
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned k = 0; k < 8; k++)
			x[ST + 16 * i + k] = (uint8_t)random_of(&r) | 0x80;
		x[ST + 16 * i + 8] = mmx ? 0xff : (uint8_t)(random_of(&r) | 1);
		x[ST + 16 * i + 9] = mmx ? 0xff : 0x3f;
	}
}

/* Bytes that are not what they were. */
static long changes(const struct state *in, const struct state *out, long mask)
{
	long bad = 0;

	for (unsigned i = 0; i < 16; i++)
		bad += i != 4 && in->gpr[i] != out->gpr[i];
	bad += (out->flags & 0x400) != 0;
	for (unsigned i = 0; i < 416; i++)
		bad += i / 4 != 7 && in->x[i] != out->x[i]; /* 28: which bits MXCSR has */
	for (unsigned n = 2; n < 8; n++) {
		unsigned size, at, c, d;

		if (!(mask >> n & 1))
			continue;
		__cpuid_count(13, n, size, at, c, d);
		bad += memcmp(in->x + at, out->x + at, size) != 0;
	}
	return bad;
}

static long call_t_state(void)
{
	static const struct {
		uint16_t cw;
		uint32_t mxcsr;
		int x87; /* 1: full, 2: MMX */
	} how[] = {
		{ 0x037f, 0x1f80, 1 }, /* no flag raised, x87 full */
		{ 0x0f7f, 0x7fbf, 0 }, /* towards zero, every flag raised */
		{ 0x027f, 0x3f80, 2 }, /* down; double precision; MMX */
		{ 0x0b7f, 0xdf80, 1 }, /* up, flush to zero */
	};
	static uint8_t area[2 * AREA] __attribute__((aligned(64)));
	struct state in = { .x = area }, out = { .x = area + AREA };
	long mask = components(), bad = 0;
	uint32_t mxcsr;
	uint16_t cw;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(cw));
	for (unsigned i = 0; i < 4; i++) {
		fill(&in, mask, (uint64_t)seed * 88172645463325252u + i);
		if (how[i].x87)
			fill_x87(in.x, how[i].x87 == 2, (uint64_t)seed + 77);
		memcpy(in.x + CW, &how[i].cw, 2);
		memcpy(in.x + MXCSR, &how[i].mxcsr, 4);
		memset(out.x, 0, AREA);
		state_call(&in, &out, t_state, mask);
		__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(cw));
		bad += changes(&in, &out, mask);
	}
	return bad;
}

/* -- odd places ------------------------------------------------------------------------ */

long scratch_call(long n);
long carry_call(long a, long b);
long borrow_call(long a, long b);
long t_direction(void);
void x87_call(long n, long double *out);

static long call_t_scratch(void)
{
	return scratch_call(seed * 1000);
}

static long call_t_carry(void)
{
	return carry_call(seed, seed & 1) * 10 + carry_call(seed, !(seed & 1));
}

static long call_t_borrow(void)
{
	return borrow_call(seed, 2) * 10 + borrow_call(5, seed);
}

static long call_t_direction(void)
{
	return t_direction();
}

NOINLINE long double t_ldouble(long n)
{
	return (long double)n * 7;
}

static long call_t_ldouble(void)
{
	long double out[8];
	long r = 0;

	memset(out, 0, sizeof(out));
	x87_call(seed, out);
	for (int i = 0; i < 8; i++) {
		uint8_t b[10];

		memcpy(b, &out[i], 10);
		for (int k = 0; k < 10; k++)
			r = r * 31 + b[k];
	}
	return r;
}

/* al says that there are vector registers to keep. */
NOINLINE double t_variadic(int n, ...)
{
	va_list ap;
	double r = 0;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		r = r * 0.5 + va_arg(ap, double);
	va_end(ap);
	return r;
}

static long call_t_variadic(void)
{
	return (long)(1024 * t_variadic(10, 1.0 * (double)seed, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0,
					9.0, 10.0));
}

long *errno_at;

NOINLINE long t_errno(long n)
{
	if (n == 2)
		errno = ERANGE;
	return n;
}

static long call_t_errno(void)
{
	errno_at = (long *)&errno;
	errno = EINTR;
	return t_errno(seed) * 1000 + errno;
}

#ifndef __clang__
/* r10 holds the frame of the function around it. */
static long call_t_nested(void)
{
	long n = seed * 100;
	NOINLINE long t_nested(long a, long b, long c, long d, long e, long f, long g)
	{
		return a + b + c + d + e + f * 10 + g * n;
	}
	long (*volatile fn)(long, long, long, long, long, long, long) = t_nested;

	return fn(1, 2, 3, 4, 5, 6, 7) + t_nested(n, 1, 1, 1, 1, 1, 2) * 3;
}
#endif

/* -- a shadow stack -------------------------------------------------------------------- */

void unbalanced(void);

static uint64_t shadow[256], last_rip;
static long depth, steps, broken;

/* The instruction at last_rip has run (SDM volume 2: E8, FF /2, C2, C3). */
static void step(int sig, siginfo_t *si, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	const uint8_t *at = (const uint8_t *)last_rip;
	uint64_t top;

	(void)sig;
	(void)si;
	steps++;
	memcpy(&top, (void *)g[REG_RSP], 8);
	if (!last_rip) /* the call itself */
		shadow[depth++] = top;
	while (last_rip && (*at == 0xf2 || *at == 0xf3 || *at == 0x3e || (*at & 0xf0) == 0x40))
		at++;
	if (last_rip && (at[0] == 0xe8 || (at[0] == 0xff && (at[1] >> 3 & 7) == 2)))
		shadow[depth++ & 255] = top;
	else if (last_rip && (at[0] == 0xc3 || at[0] == 0xc2) && depth > 0)
		broken += shadow[--depth & 255] != (uint64_t)g[REG_RIP];
	last_rip = (uint64_t)g[REG_RIP];
}

#define TRAP_FLAG "pushfq; orl $0x100, (%%rsp); popfq"
#define NO_TRAP   "pushfq; andl $~0x100, (%%rsp); popfq"

static long stepped(void (*fn)(void))
{
	struct sigaction sa = { .sa_sigaction = step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &sa, NULL);
	depth = steps = broken = 0;
	last_rip = 0;
	__asm__ volatile(
		"sub $128, %%rsp\n\t" TRAP_FLAG "\n\tcall *%0\n\t" NO_TRAP "\n\tadd $128, %%rsp"
		:
		: "b"(fn)
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	return broken * 100 + depth;
}

NOINLINE long t_paired(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b + c + d + e + f + g * h;
}

static volatile long sum;

static NOINLINE void pairs(void)
{
	sum = t_paired(1, 2, 3, 4, 5, 6, 7, seed);
}

static long call_t_paired(void)
{
	long want = stepped(unbalanced); /* the checker's own check */

	return stepped(pairs) * 10000 + want * 10 + (steps > 10) + sum * 1000000;
}

MAIN(CASE(t_state), CASE(t_scratch), CASE(t_carry), CASE(t_borrow), CASE(t_direction),
     CASE(t_ldouble), CASE(t_variadic), CASE(t_errno), CASE(t_paired),
#ifndef __clang__
     CASE(t_nested),
#endif
)
