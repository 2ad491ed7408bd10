/*
 * victim.c - what the tests of attach/ trace: one function of each kind that matters here.
 *
 *	victim run N      call everything N times, print the sum, end
 *	victim loop       the same until killed, or until stdin ends
 *	victim inside     enter slow(), which returns when a byte comes in; then print its result
 *	victim exec       execute `victim run 1` after a byte came in
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUNC __attribute__((noinline, noclone, noipa))

FUNC long alpha(long a, int b)
{
	return a * 3 + b;
}

FUNC long beta(long a)
{
	return alpha(a, 1) ^ 5;
}

long beta_too(long a) __attribute__((alias("beta")));
static long (*volatile again)(long) = beta_too; /* else one call for both */

FUNC void gamma_(const char *text)
{
	if (*text == '!')
		puts(text);
}

FUNC long many_args(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b + c + d + e + f + g * 2 + h * 3;
}

FUNC long double wide(long a)
{
	return (long double)a / 3;
}

FUNC long variadic(int n, ...)
{
	return n;
}

FUNC long slow(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 ? c : -1;
}

/* `same` is two functions: here and in victim2.c. */
static FUNC long same(long a)
{
	return a + 1;
}

long victim2(long a);

static long chosen_impl(long a)
{
	return a + 7;
}

static void *choose(void)
{
	return (void *)chosen_impl;
}

long chosen(long a) __attribute__((ifunc("choose")));

static FUNC int short_one(void)
{
	return 1;
}

static long all(long i)
{
	gamma_("text");
	return alpha(i, 2) + beta(i) + again(i) + many_args(i, 2, 3, 4, 5, 6, 7, 8) +
	       variadic(2, 1, 2) + (long)wide(i) + same(i) + victim2(i) + chosen(i) + short_one();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "run";
	long sum = 0, n = argc > 2 ? atol(argv[2]) : 1;

	if (!strcmp(mode, "loop"))
		n = 1l << 60;
	if (!strcmp(mode, "inside")) {
		printf("%ld\n", slow(0));
		fflush(stdout);
	}
	if (!strcmp(mode, "exec")) {
		slow(0);
		execl("/proc/self/exe", argv[0], "run", "1", (char *)NULL);
	}
	for (long i = 0; i < n; i++) {
		sum += all(i);
		if (n > 1000)
			usleep(200);
	}
	printf("%ld\n", sum);
	return 3;
}
