/*
 * measure.h - blocks of calls, timed in turn.
 *
 * Whatever is compared runs block by block in turn, so that all of it sees the same machine.
 * The least block counts, the median tells how quiet it was.
 *
 * Units    nanoseconds a call
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

struct measure_result {
	double least, median;
};

/* One block of calls of the thing numbered i; returns what it took, in ns. */
typedef double measure_block(const void *what, unsigned i, long calls);

double measure_now(void);

/*
 * n things, blocks of `us` microseconds (after one block each to warm up and to learn how
 * many calls that is).  Exits when there is no memory.
 */
void measure_in_turn(measure_block *block, const void *what, unsigned n, int blocks, double us,
		     struct measure_result *out);

#endif
