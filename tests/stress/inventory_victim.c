/*
 * inventory_victim.c - set up some state, print "ready", wait for stdin, then use the heap.
 *
 * After stdin's first byte or end: 1 GiB by allocations that grow the heap; "heap" tells where
 * they lie.  Status 7: as it should be.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define CHUNK (128 << 10) /* below M_MMAP_THRESHOLD as set: taken by brk() */
#define TOTAL (1l << 30)

static volatile int go;

static void nothing(int sig)
{
	(void)sig;
}

__attribute__((noinline)) long counted(long a, long b, long c, long d, long e, long f, long g)
{
	__asm__ volatile("" ::: "memory"); /* every call is made */
	return a + b + c + d + e + f + g;
}

static void *idle(void *arg)
{
	volatile long sum = 0;

	while (!go) {
		sum += counted(sum, 2, 3, 4, 5, 6, 7);
		usleep(10000);
	}
	return arg;
}

static int grow(void)
{
	char *start = sbrk(0), *end;

	mallopt(M_MMAP_THRESHOLD, 4 * CHUNK);
	mallopt(M_TOP_PAD, 64 << 20);
	for (long n = 0; n < TOTAL; n += CHUNK) {
		char *p = malloc(CHUNK);

		if (!p)
			return 1;
		p[0] = 1; /* a page of each: it need not fit into memory */
	}
	end = sbrk(0);
	printf("heap grew by %ld MiB\n", (long)(end - start) >> 26 << 6);
	return end - start < TOTAL;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	pthread_t t[2];
	sigset_t set;
	char c;
	int bad;

	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, idle, NULL);
	printf("ready\n");
	fflush(stdout);
	bad = read(0, &c, 1) < 0;
	go = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	bad |= grow();
	return bad ? 1 : 7;
}
