/*
 * several.c - calls work() every few milliseconds, N times or until its standard input ends.
 *
 *	several [N]
 *
 * What it prints at its end is how many calls gave what work() gives.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) int work(int n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

__attribute__((noinline)) int caller(int n)
{
	return work(n) + 1;
}

int main(int argc, char **argv)
{
	int most = argc > 1 ? atoi(argv[1]) : 0, good = 0, n = 0;
	struct pollfd in = { .fd = 0, .events = POLLIN };

	printf("ready\n");
	fflush(stdout);
	for (; !most || n < most; n++) {
		if (poll(&in, 1, 2) > 0)
			break;
		good += caller(n) == 2 * n + 2;
	}
	printf("%d of %d\n", good, n);
	return 0;
}
