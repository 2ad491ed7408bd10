/* victim.c [TIMES [FILE]], FILE being made at the end - functions that call work(), for the programs of maps.bpf.c. */
#include <stdio.h>
#include <stdlib.h>

#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

static volatile int sink;

NOINLINE int work(int a, const char *text)
{
	__asm__ volatile("" : "+r"(a) : "r"(text) : "memory");
	return a * 2;
}

NOINLINE int red(int a)
{
	sink = work(a, "red");
	return sink;
}

NOINLINE int blue(int a)
{
	sink = work(a, "blue");
	return sink + red(a);
}

NOINLINE int idle(int a)
{
	__asm__ volatile("" : "+r"(a) : : "memory");
	return a + 1;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1, sum = 0;

	for (int i = 0; i < n; i++) {
		sum += red(i);
		sum += blue(i);
		sum += idle(i);
	}
	printf("sum %d\n", sum);
	return argc > 2 && !fopen(argv[2], "w");
}
