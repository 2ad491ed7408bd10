/*
 * hit.c - what a call costs with and without programs on it.
 *
 * Each row is a pair of equal functions, of which programs are attached to the second.
 * Blocks of calls to the one and the other alternate, so that both see the same machine; of
 * the blocks the least and the median count.  Run it without utramp to see the error.
 *
 * usage: hit [BLOCKS [CALLS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TWIN __attribute__((noipa, aligned(64)))

#define ONE(name) \
	TWIN long name(long a) \
	{ \
		__asm__ volatile("" : "+r"(a)); \
		return a + 1; \
	}
#define TWELVE(name) \
	TWIN long name(long a, long b, long c, long d, long e, long f, long g, long h, long i, \
		       long j, long k, long l) \
	{ \
		__asm__ volatile("" : "+r"(a)); \
		return a + b + c + d + e + f + g + h + i + j + k + l; \
	}

#define TWINS(kind, name) kind(name##_plain) kind(name##_traced)

TWINS(ONE, empty)
TWINS(ONE, entry)
TWINS(ONE, exit)
TWINS(ONE, both)
TWINS(ONE, percpu)
TWINS(TWELVE, store)
TWINS(TWELVE, late)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef long one_fn(long);
typedef long twelve_fn(long, long, long, long, long, long, long, long, long, long, long, long);

static double time_one(one_fn *f, long calls)
{
	double start = now();

	for (long i = 0; i < calls; i++)
		f(i);
	return (now() - start) / (double)calls;
}

static double time_twelve(twelve_fn *f, long calls)
{
	double start = now();

	for (long i = 0; i < calls; i++)
		f(i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
	return (now() - start) / (double)calls;
}

static const struct row {
	const char *what;
	one_fn *one[2]; /* untraced, traced */
	twelve_fn *twelve[2];
} rows[] = {
	{ "empty program at entry", { empty_plain, empty_traced }, { 0 } },
	{ "count at entry", { entry_plain, entry_traced }, { 0 } },
	{ "count at exit", { exit_plain, exit_traced }, { 0 } },
	{ "count at entry and exit", { both_plain, both_traced }, { 0 } },
	{ "count per CPU at entry", { percpu_plain, percpu_traced }, { 0 } },
	{ "store argument 9 of 12", { 0 }, { late_plain, late_traced } },
	{ "store 12 arguments", { 0 }, { store_plain, store_traced } },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct row *r, int blocks, long calls)
{
	double *ns[2], least[2], median[2];

	for (int k = 0; k < 2; k++) {
		ns[k] = calloc((size_t)blocks, sizeof(double));
		if (!ns[k])
			exit(1);
	}
	for (int b = -1; b < blocks; b++) { /* the first pair warms up */
		for (int k = 0; k < 2; k++) {
			double t = r->one[k] ? time_one(r->one[k], calls) :
					       time_twelve(r->twelve[k], calls);

			if (b >= 0)
				ns[k][b] = t;
		}
	}
	for (int k = 0; k < 2; k++) {
		qsort(ns[k], (size_t)blocks, sizeof(double), compare);
		least[k] = ns[k][0];
		median[k] = ns[k][blocks / 2];
		free(ns[k]);
	}
	printf("%-25s %8.2f %8.2f %8.2f %6.1fx   %8.2f %8.2f %8.2f %6.1fx\n", r->what, least[0],
	       least[1], least[1] - least[0], least[1] / least[0], median[0], median[1],
	       median[1] - median[0], median[1] / median[0]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int blocks = argc > 1 ? atoi(argv[1]) : 40;
	long calls = argc > 2 ? atol(argv[2]) : 200000;

	if (blocks < 1 || calls < 1) {
		fprintf(stderr, "usage: hit [BLOCKS [CALLS]]\n");
		return 2;
	}
	printf("%-25s %35s   %35s\n", "ns a call", "least of the blocks       ",
	       "median of the blocks      ");
	printf("%-25s %8s %8s %8s %7s   %8s %8s %8s %7s\n", "", "untraced", "traced", "more",
	       "ratio", "untraced", "traced", "more", "ratio");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		measure(&rows[i], blocks, calls);
	return 0;
}
