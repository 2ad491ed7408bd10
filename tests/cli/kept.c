/*
 * kept.c - calls work() as often as it is told to, for the tests of sessions that go on alone.
 *
 * Lines of standard input are orders: N calls it N times and answers "ok N" if all were right, "x"
 * makes this process another program, cat(1).  At the input's end it ends with code 7.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) int work(int n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

int main(void)
{
	char line[32];

	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		int n = atoi(line), good = 0;

		if (line[0] == 'x')
			execlp("cat", "cat", NULL);
		for (int i = 0; i < n; i++)
			good += work(i) == 2 * i + 1;
		printf("%s %d\n", good == n ? "ok" : "bad", n);
		fflush(stdout);
	}
	return 7;
}
