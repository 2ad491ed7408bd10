/*
 * exceptions.cc - what a throw costs: see exceptions.py, which adds FUNCTIONS functions.
 *
 * exceptions BLOCKS THROWS   ns of the first throw, then the medians of BLOCKS blocks of THROWS
 *                            throws each, in turn: through plain, and through traced
 *
 * plain and traced are the same; which is traced is the caller's choice.
 */
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

struct error {
	long code;
};

extern long (*const functions[])(long);
extern const long nfunctions;

#define APART __attribute__((noinline, noclone))

static volatile long caught;

extern "C" {
APART void thrower(long a)
{
	throw error{ a };
}

APART long plain(long a)
{
	thrower(a);
	return a + caught;
}

APART long traced(long a)
{
	thrower(a);
	return a + caught;
}
}

static double now()
{
	timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double block(long (*through)(long), long n)
{
	double start = now();

	for (long i = 0; i < n; i++) {
		try {
			through(i);
		} catch (error &e) {
			caught = caught + e.code - i + 1;
		}
	}
	return (now() - start) / (double)n;
}

static double median(std::vector<double> &v)
{
	std::sort(v.begin(), v.end());
	return v[v.size() / 2];
}

int main(int argc, char **argv)
{
	long blocks = argc > 1 ? atol(argv[1]) : 50, n = argc > 2 ? atol(argv[2]) : 200, sum = 0;
	std::vector<double> a, b;
	double first = block(plain, 1);

	for (long i = 0; i < nfunctions; i++)
		sum += functions[i](i);
	for (long i = 0; i < blocks; i++) {
		a.push_back(block(plain, n));
		b.push_back(block(traced, n));
	}
	printf("%.0f %.0f %.0f %ld %ld\n", first, median(a), median(b), (long)caught, sum);
	return 0;
}
