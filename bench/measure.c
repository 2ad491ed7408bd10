/* measure.c - see measure.h. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double measure_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *array(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p) {
		fprintf(stderr, "no memory\n");
		exit(1);
	}
	return p;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How many calls make a block; they warm up, too. */
static long calls_of(measure_block *block, const void *what, unsigned i, double us)
{
	long calls = 16;
	double ns = block(what, i, calls);

	while (ns < 100 * us && calls < 1l << 30) {
		calls *= 2;
		ns = block(what, i, calls);
	}
	calls = (long)(us * 1e3 * (double)calls / ns);
	return calls < 1 ? 1 : calls;
}

void measure_in_turn(measure_block *block, const void *what, unsigned n, int blocks, double us,
		     struct measure_result *out)
{
	double *ns = array((size_t)n * (size_t)blocks, sizeof(*ns));
	long *calls = array(n, sizeof(*calls));

	for (unsigned i = 0; i < n; i++)
		calls[i] = calls_of(block, what, i, us);
	for (int b = 0; b < blocks; b++) {
		for (unsigned i = 0; i < n; i++)
			ns[(size_t)i * (size_t)blocks + (size_t)b] =
				block(what, i, calls[i]) / (double)calls[i];
	}
	for (unsigned i = 0; i < n; i++) {
		double *of = ns + (size_t)i * (size_t)blocks;

		qsort(of, (size_t)blocks, sizeof(*of), compare);
		out[i] = (struct measure_result){ of[0], of[blocks / 2] };
	}
	free(calls);
	free(ns);
}
