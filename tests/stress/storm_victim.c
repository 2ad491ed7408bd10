/*
 * storm_victim.c - threads that call 50 functions and check every result themselves.
 *
 * What a function must give is computed beside the call by the same body, inlined.  Callers
 * and callees are one unit at -O2, so with -fipa-ra values live across calls in registers
 * that the ABI lets callees change; regs_call() (storm_regs.S) does that on purpose.
 *
 * storm_victim work THREADS    until "s" or the end of stdin
 * storm_victim sleep           three threads sleep in nap(), wait_byte() and wait_event()
 * Then a line; "q" or the end of stdin ends it.  Status 7: everything was right.
 */
#include "storm_victim.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define RIGHT  7
#define INLINE static inline __attribute__((always_inline))
#define TRACED __attribute__((noinline))

struct two {
	long x, y;
};

struct mixed {
	double d;
	int i;
};

struct big {
	long v[5];
};

/* -- the functions: ten of each shape ---------------------------------------------- */

INLINE long seven(long k, long a, int b, short c, long d, unsigned e, long f, signed char g)
{
	return (a * 3 + b) ^ (c * 5 + d) ^ (long)(e * 7u) ^ (f + g * k);
}

INLINE double nine(long k, double a, long b, float c, int d, struct two e, double f, long g, long h,
		   int i)
{
	return a * (double)k + (double)(b & 0xffff) + (double)c + d +
	       (double)((e.x ^ e.y) & 0xfff) + f / 3 + (double)((g - h + i) & 0xffff);
}

INLINE long twelve(long k, long a, long b, long c, long d, long e, long f, long g, long h, long i,
		   long j, long l, long m)
{
	return a + 2 * b + 3 * c + (5 * d ^ e) + 7 * f + (11 * g ^ h) + 13 * i + 17 * j + 19 * l +
	       23 * m + k;
}

INLINE struct two wide(long k, struct big a, int b, struct mixed c, long d, long e, long f, long g,
		       long h)
{
	return (struct two){ a.v[0] + a.v[4] * b + (long)c.d + c.i, (d ^ e) + f - g * h + k };
}

INLINE struct big memory(long k, struct mixed a, double b, long c, long d, long e, long f, long g,
			 float h)
{
	return (struct big){ { (long)a.d + a.i, (long)b + k, c ^ d, e - f, g + (long)h } };
}

#define SHAPES(n) \
	TRACED long seven_##n(long a, int b, short c, long d, unsigned e, long f, signed char g) \
	{ \
		return seven(n, a, b, c, d, e, f, g); \
	} \
	TRACED double nine_##n(double a, long b, float c, int d, struct two e, double f, long g, \
			       long h, int i) \
	{ \
		return nine(n, a, b, c, d, e, f, g, h, i); \
	} \
	TRACED long twelve_##n(long a, long b, long c, long d, long e, long f, long g, long h, \
			       long i, long j, long l, long m) \
	{ \
		return twelve(n, a, b, c, d, e, f, g, h, i, j, l, m); \
	} \
	TRACED struct two wide_##n(struct big a, int b, struct mixed c, long d, long e, long f, \
				   long g, long h) \
	{ \
		return wide(n, a, b, c, d, e, f, g, h); \
	} \
	TRACED struct big memory_##n(struct mixed a, double b, long c, long d, long e, long f, \
				     long g, float h) \
	{ \
		return memory(n, a, b, c, d, e, f, g, h); \
	} \
	static bool right_##n(uint64_t *r) \
	{ \
		long a = next(r), b = next(r), c = next(r), d = next(r), e = next(r), f = next(r); \
		double x = (double)(a & 0xfffff) / 64, y = (double)(b & 0xfffff) / 32; \
		float z = (float)(c & 0xffff) / 16; \
		struct two t = { d, e }, w, w2; \
		struct mixed m = { x, (int)f }; \
		struct big v = { { a, b, c, d, e } }, u, u2; \
		bool ok; \
\
		ok = seven_##n(a, (int)b, (short)c, d, (unsigned)e, f, (signed char)a) == \
		     seven(n, a, (int)b, (short)c, d, (unsigned)e, f, (signed char)a); \
		ok &= nine_##n(x, a, z, (int)b, t, y, c, d, (int)e) == \
		      nine(n, x, a, z, (int)b, t, y, c, d, (int)e); \
		ok &= twelve_##n(a, b, c, d, e, f, a ^ b, b ^ c, c ^ d, d ^ e, e ^ f, f ^ a) == \
		      twelve(n, a, b, c, d, e, f, a ^ b, b ^ c, c ^ d, d ^ e, e ^ f, f ^ a); \
		w = wide_##n(v, (int)a, m, b, c, d, e, f); \
		w2 = wide(n, v, (int)a, m, b, c, d, e, f); \
		ok &= !memcmp(&w, &w2, sizeof(w)); \
		u = memory_##n(m, y, a, b, c, d, e, z); \
		u2 = memory(n, m, y, a, b, c, d, e, z); \
		return ok && !memcmp(&u, &u2, sizeof(u)); \
	}

INLINE long next(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return (long)*r;
}

SHAPES(0)
SHAPES(1)
SHAPES(2)
SHAPES(3)
SHAPES(4)
SHAPES(5)
SHAPES(6)
SHAPES(7)
SHAPES(8)
SHAPES(9)

/* Changes rax only, as its caller in storm_regs.S knows. */
TRACED long leaf(long a, long b)
{
	return a + b;
}

/* -- threads that work ------------------------------------------------------------- */

static bool (*const right[])(uint64_t *) = { right_0, right_1, right_2, right_3, right_4,
					     right_5, right_6, right_7, right_8, right_9 };
static bool stop;
static unsigned long bad, calls;

static bool regs_kept(uint64_t *r)
{
	uint64_t in[REGS], out[REGS];

	for (int i = 0; i < REGS; i++)
		in[i] = (uint64_t)next(r);
	regs_call(in, out);
	return out[REG_RAX] == in[REG_RDI] + in[REG_RSI] &&
	       !memcmp(in, out, REG_RAX * sizeof(*in)) &&
	       !memcmp(in + REG_XMM, out + REG_XMM, (REGS - REG_XMM) * sizeof(*in));
}

static void *work(void *arg)
{
	uint64_t r = 88172645463325252ull + (uintptr_t)arg, n = 0, wrong = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < 10; i++, n += 6) {
			wrong += !right[i](&r);
			wrong += !regs_kept(&r);
		}
	}
	__atomic_fetch_add(&bad, wrong, __ATOMIC_RELAXED);
	__atomic_fetch_add(&calls, n, __ATOMIC_RELAXED);
	return NULL;
}

/* -- threads that sleep ------------------------------------------------------------ */

static int pipe_fd[2];

TRACED long nap(long ms, long seven_)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return nanosleep(&t, NULL) ? -errno : ms * seven_;
}

TRACED long wait_byte(int fd, long add)
{
	char c = 0;

	return read(fd, &c, 1) == 1 ? c + add : -errno;
}

TRACED long wait_event(int fd, int ms)
{
	struct epoll_event ev;
	int n = epoll_wait(fd, &ev, 1, ms);

	return n < 0 ? -errno : n;
}

static void *sleeper(void *arg)
{
	long ok = 0;

	switch ((intptr_t)arg) {
	case 0:
		ok = nap(1500, 7) == 1500 * 7;
		break;
	case 1:
		ok = wait_byte(pipe_fd[0], 1000) == 1000 + '!';
		break;
	case 2:
		ok = wait_event(epoll_create1(0), 1500) == 0;
		break;
	}
	__atomic_fetch_add(ok ? &calls : &bad, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* -- main -------------------------------------------------------------------------- */

/* The next command, or q at the end of input. */
static char command(void)
{
	char c;

	return read(0, &c, 1) == 1 ? c : 'q';
}

int main(int argc, char **argv)
{
	bool sleeps = argc > 1 && !strcmp(argv[1], "sleep");
	int n = sleeps ? 3 : argc > 2 ? atoi(argv[2]) : 8;
	pthread_t thread[64];

	if (pipe(pipe_fd) || n > 64)
		return 2;
	for (int i = 0; i < n; i++)
		pthread_create(&thread[i], NULL, sleeps ? sleeper : work, (void *)(intptr_t)i);
	command();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	if (write(pipe_fd[1], "!", 1) != 1)
		return 2;
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	printf("# bad %lu%s\n", bad, calls ? "" : ", no calls");
	fflush(stdout);
	while (command() != 'q')
		;
	return calls && !bad ? RIGHT : 1;
}
