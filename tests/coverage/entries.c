/* entries.c - call each function of entries.S N times and print what they give. */
#include <stdio.h>
#include <stdlib.h>

#define NAMES(X)      X(bare_add) X(bare_stub) X(bare_short) X(bare_last)
#define DECLARE(name) long name(long a, long b);
NAMES(DECLARE)

static const struct {
	const char *name;
	long (*fn)(long a, long b);
} all[] = {
#define ROW(name) { #name, name },
	NAMES(ROW)
};

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 1;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		unsigned long sum = 0;

		for (long k = 0; k < n; k++)
			sum = sum * 31 + (unsigned long)all[i].fn(k, 3 * k + 1);
		printf("%s %lu\n", all[i].name, sum);
	}
	return 0;
}
