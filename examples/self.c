/*
 * self.c - a program that traces itself, by the library.
 *
 *	cc -O2 self.c $(pkg-config --cflags --libs utramp) -o self && ./self
 *
 * Its own cache is asked 1,000 times; which of it goes to the slow path, and how long that
 * takes, is counted only in between the two lines that switch it on and off.
 */
#include <inttypes.h>
#include <stdio.h>

#include <utramp/probe.h>
#include <utramp/self.h>

__attribute__((noinline)) unsigned long slow_square(unsigned long n)
{
	unsigned long sum = 0;

	for (unsigned long i = 0; i < n; i++)
		sum += *(volatile unsigned long *)&n;
	return sum;
}

__attribute__((noinline)) unsigned long square(unsigned long n)
{
	static unsigned long known[64];

	if (!known[n % 64])
		known[n % 64] = slow_square(n % 64) + 1;
	return known[n % 64] - 1;
}

static unsigned long ask(unsigned times)
{
	unsigned long sum = 0;

	for (unsigned i = 0; i < times; i++)
		sum += square(i);
	return sum;
}

static int show(void *ctx, const struct utramp_probe_row *row)
{
	printf("%-12s %5" PRIu64 " calls, %" PRIu64 " ns each\n", row->func, row->calls,
	       row->calls ? row->sum_ns / row->calls : 0);
	return 0;
}

int main(void)
{
	struct utramp_target *t = utramp_target__self(NULL);
	struct utramp_probe *p = t ? utramp_probe__new(t, UTRAMP_PROBE_LATENCY, NULL) : NULL;

	printf("%lu\n", ask(8)); /* not traced */
	if (!p || utramp_probe__add(p, "*square", NULL) < 0) {
		fprintf(stderr, "self: %s\n", utramp_error());
		return 1;
	}
	printf("%lu\n", ask(1000));
	utramp_target__detach(t);
	printf("%lu\n", ask(1000)); /* not traced any more */
	utramp_probe__each(p, show, NULL);
	utramp_probe__free(p);
	utramp_target__free(t);
	return 0;
}
