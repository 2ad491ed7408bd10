/*
 * tally_victim.c - the command of the tests of count, latency and stack; says what it did.
 *
 *   calls N          N calls of leaf
 *   threads N M      N threads one after the other, and N more in groups of 8 at once; each
 *                    calls leaf M times
 *   recursion N      deep(N), which calls itself down to 0
 *   signals N        N calls of leaf, a handler calls it as well, each 100 us
 *   longjmp N        N calls of jumps, each second one left by longjmp
 *   fork N           leaf N times, in a child 2 * N times
 *   callers N        leaf through red (N), green (2 * N), and red from green (3 * N)
 *   many N           leaf from N different places of a deep stack
 *   paths N          leaf by N different paths, each 15 callers long
 *   kill N           N calls of leaf, then SIGKILL
 *   values N         sized(i) for i below N, which gives i % 10
 *   forever          leaf, until killed; says "ready" after the first calls
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static unsigned long called;

NOINLINE long leaf(long a)
{
	__atomic_add_fetch(&called, 1, __ATOMIC_RELAXED);
	return a + 1;
}

static void repeat(long n)
{
	for (long i = 0; i < n; i++)
		leaf(i);
}

static void *thread(void *arg)
{
	repeat(*(long *)arg);
	return NULL;
}

static void threads(long n, long m)
{
	pthread_t t[8];

	for (long i = 0; i < n; i++) {
		pthread_create(&t[0], NULL, thread, &m);
		pthread_join(t[0], NULL);
	}
	for (long i = 0; i < n; i += 8) {
		for (int k = 0; k < 8; k++)
			pthread_create(&t[k], NULL, thread, &m);
		for (int k = 0; k < 8; k++)
			pthread_join(t[k], NULL);
	}
}

NOINLINE long deep(long n)
{
	long v = n ? deep(n - 1) : 0;

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

static volatile long handled;

static void handler(int sig)
{
	(void)sig;
	handled = leaf(0); /* no tail call */
}

static void signals(long n)
{
	const struct itimerval each = { .it_interval.tv_usec = 100, .it_value.tv_usec = 100 };
	const struct itimerval off = { 0 };

	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &each, NULL);
	repeat(n);
	setitimer(ITIMER_REAL, &off, NULL);
}

static jmp_buf back;

NOINLINE int jumps(int leave)
{
	if (leave)
		longjmp(back, 1);
	return 1;
}

static void jump(volatile long n)
{
	for (; n > 0; n--) {
		if (!setjmp(back))
			jumps(n % 2 == 0);
	}
}

static void forked(long n)
{
	pid_t pid = fork();

	repeat(pid ? n : 2 * n);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	called += 2 * (unsigned long)n;
}

/* Behind the calls something is left to do: no tail calls. */
NOINLINE long red(long a)
{
	long v = leaf(a);

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

NOINLINE long green(long a)
{
	long v = leaf(a);

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

NOINLINE long blue(long a)
{
	long v = red(a);

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

static void callers(long n)
{
	for (long i = 0; i < n; i++)
		red(i);
	for (long i = 0; i < 2 * n; i++)
		green(i);
	for (long i = 0; i < 3 * n; i++)
		blue(i);
}

/* The depth makes the stack. */
NOINLINE long dig(long n)
{
	long v = n ? dig(n - 1) : leaf(0);

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

NOINLINE long left(long path, int n);
NOINLINE long right(long path, int n);

/* Its bits say who calls whom. */
static inline __attribute__((always_inline)) long turn(long path, int n)
{
	long v = !n ? leaf(0) : path & 1 ? right(path >> 1, n - 1) : left(path >> 1, n - 1);

	__asm__ volatile("" : "+r"(v));
	return v + 1;
}

NOINLINE long left(long path, int n)
{
	return turn(path, n);
}

NOINLINE long right(long path, int n)
{
	return turn(path, n);
}

NOINLINE int sized(unsigned n)
{
	called++;
	return (int)(n % 10);
}

static int act(const char *what, long n, long m)
{
	if (!strcmp(what, "calls"))
		repeat(n);
	else if (!strcmp(what, "threads"))
		threads(n, m);
	else if (!strcmp(what, "recursion"))
		called = (unsigned long)deep(n);
	else if (!strcmp(what, "signals"))
		signals(n);
	else if (!strcmp(what, "longjmp"))
		jump(n);
	else if (!strcmp(what, "fork"))
		forked(n);
	else if (!strcmp(what, "callers"))
		callers(n);
	else
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[2]) : 0;

	if (!strcmp(what, "many")) {
		for (long i = 0; i < n; i++)
			dig(i);
	} else if (!strcmp(what, "paths")) {
		for (long i = 0; i < n; i++)
			left(i, 15);
	} else if (!strcmp(what, "kill")) {
		repeat(n);
		raise(SIGKILL);
	} else if (!strcmp(what, "values")) {
		for (long i = 0; i < n; i++)
			sized((unsigned)i);
	} else if (!strcmp(what, "forever")) {
		repeat(1000);
		puts("ready");
		fflush(stdout);
		for (;;)
			repeat(1000);
	} else if (act(what, n, argc > 3 ? atol(argv[3]) : 0) < 0) {
		return 2;
	}
	printf("%lu\n", called);
	return 0;
}
