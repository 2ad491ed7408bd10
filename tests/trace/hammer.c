/*
 * hammer.c - a program of 100 functions that is called very often.
 *
 *	hammer CALLS THREADS [SIGNAL]
 *
 * Call i of a thread is f_(i % 100)(thread, i), whose result is 3 * i + thread.  With
 * THREADS 0 main makes the calls.  Nothing else is called but main, worker (once a thread)
 * and, with SIGNAL, the_end, which dies of it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define NOINLINE __attribute__((noinline, noclone))

/* clang-format off */
#define F(n) \
	NOINLINE long f_##n(int thread, long i) \
	{ \
		__asm__ volatile("" : : "i"(__COUNTER__)); /* no two functions are alike */ \
		return 3 * i + thread; \
	}
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
F10() F10(1) F10(2) F10(3) F10(4) F10(5) F10(6) F10(7) F10(8) F10(9)

#define P(n)   f_##n,
#define P10(n) P(n##0) P(n##1) P(n##2) P(n##3) P(n##4) P(n##5) P(n##6) P(n##7) P(n##8) P(n##9)
static long (*const functions[100])(int, long) = {
	P10() P10(1) P10(2) P10(3) P10(4) P10(5) P10(6) P10(7) P10(8) P10(9)
};
/* clang-format on */

static long calls, sums[64];

static inline __attribute__((always_inline)) void work(int thread)
{
	for (long i = 0; i < calls; i++)
		sums[thread] += functions[i % 100](thread, i);
}

NOINLINE void *worker(void *arg)
{
	work((int)(long)arg);
	return NULL;
}

NOINLINE int the_end(int sig)
{
	raise(sig);
	return sig;
}

int main(int argc, char **argv)
{
	int n = atoi(argv[2]);
	pthread_t thread[64];
	long sum = 0;

	calls = atol(argv[1]);
	if (!n)
		work(0);
	for (long i = 0; i < n; i++)
		pthread_create(&thread[i], NULL, worker, (void *)i);
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 64; i++)
		sum += sums[i];
	printf("%ld\n", sum);
	fflush(stdout);
	if (argc > 3)
		the_end(atoi(argv[3]));
	return 7;
}
