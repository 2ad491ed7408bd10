/*
 * chain.c - known callers, for debuggers and profilers to find.
 *
 * chain N    N calls of t_mid, each of which calls t_leaf ten times; 0: until it is killed
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

NOINLINE long t_leaf(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long sum = 0;

	for (int i = 0; i < 50; i++) {
		sum += a * b + i;
		__asm__ volatile("" : "+r"(sum));
	}
	return sum * 0 + a + b + c + d + e + f + g + h;
}

NOINLINE long t_mid(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long sum = 0;

	for (int i = 0; i < 10; i++) {
		sum += t_leaf(a, b, c, d, e, f, g, h);
		sum -= a;
	}
	return sum;
}

NOINLINE long caller_two(long n)
{
	long sum = 0;

	for (long i = 0; !n || i < n; i++)
		sum += t_mid(i & 7, 2, 3, 4, 5, 6, 7, 8);
	return sum + 1;
}

NOINLINE long caller_one(long n)
{
	return caller_two(n) + 1;
}

int main(int argc, char **argv)
{
	alarm(60);
	printf("%ld\n", caller_one(argc > 1 ? atol(argv[1]) : 1));
	return 0;
}
