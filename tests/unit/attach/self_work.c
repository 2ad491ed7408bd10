/* self_work.c - functions that self_test.c traces in its own process; nothing is inlined. */
#include "self_work.h"

#include <unistd.h>

long self_sum(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}

double self_mean(double x, double y)
{
	return (x + y) / 2;
}

/* It does not look. */
long self_value(const struct self_box *box)
{
	return box != 0;
}

/* Until somebody writes a digit, which is added. */
long self_wait(int fd, long n)
{
	char digit = '0';

	while (read(fd, &digit, 1) < 0)
		;
	return n + digit - '0';
}
