/*
 * tests/late/standing.c - a program that keeps a library loaded, whatever becomes of its file.
 *
 *   standing LIB     load it, print "ready"; then for each line of stdin, a number: so many calls of
 *                    late_one(), whose results are checked, and print the number
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	void *h = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	long (*one)(long, int) = NULL;
	char line[32];

	if (h)
		one = (long (*)(long, int))dlsym(h, "late_one");
	if (!one)
		return 9;
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		long n = strtol(line, NULL, 10);

		for (long i = 0; i < n; i++) {
			if (one(i, 5) != i * 3 + 5)
				return 8;
		}
		printf("%ld\n", n);
		fflush(stdout);
	}
	return 0;
}
