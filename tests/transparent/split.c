/*
 * split.c - recursion through many pieces of stack, each as large as gcc's -fsplit-stack thinks
 * that it must be; entries lie at every distance from a piece's end.
 */
#include "cases.h"

#include <pthread.h>

#define DEPTH 600

NOINLINE long t_deep(long n, long b, long c, long d, long e, long f, long g)
{
	volatile char pad[40];

	pad[n % 40] = (char)n;
	return n > 0 ? t_deep(n - 1, b, c, d, e, f, g + 1) * 3 + pad[n % 40] :
		       b + c + d + e + f + g;
}

static void *in_thread(void *arg)
{
	long *r = arg;

	*r = t_deep(DEPTH + seed * 13, 1, 2, 3, 4, 5, seed);
	return arg;
}

static long call_t_deep(void)
{
	pthread_attr_t small;
	pthread_t t;
	long r = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	pthread_create(&t, &small, in_thread, &r);
	pthread_join(t, NULL);
	return r;
}

MAIN(CASE(t_deep))
