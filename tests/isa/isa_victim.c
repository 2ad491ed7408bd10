/*
 * isa_victim.c - calls work(0) to work(99); with -DASKED work(N) for each line N of stdin, "spawn"
 * makes a child, which does so for lines "child N".  Answers end in an empty line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
	long value;
	struct node *next;
};

__attribute__((noipa)) long work(int a, long b, struct node *n)
{
	return a * b + n->next->value;
}

static long call(int a)
{
	struct node second = { 1000, 0 }, first = { a, &second };

	return work(a, 5l * a + 3, &first);
}

#ifdef ASKED
/* A child that waits for numbers and gives results. */
static int to_child, from_child;

static void spawn(void)
{
	int in[2], out[2], a;

	if (to_child) /* the former child ends */
		close(to_child);
	if (pipe(in) || pipe(out))
		exit(1);
	to_child = in[1];
	from_child = out[0];
	if (fork())
		return;
	close(in[1]);
	while (read(in[0], &a, sizeof(a)) == sizeof(a)) {
		long r = call(a);

		if (write(out[1], &r, sizeof(r)) != sizeof(r))
			break;
	}
	_exit(0);
}

static long by_child(int a)
{
	long r = -1;

	if (write(to_child, &a, sizeof(a)) != sizeof(a) ||
	    read(from_child, &r, sizeof(r)) != sizeof(r))
		exit(1);
	return r;
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "spawn", 5))
			spawn();
		else if (!strncmp(line, "child ", 6))
			printf("work %ld\n", by_child(atoi(line + 6)));
		else
			printf("work %ld\n", call(atoi(line)));
		printf("\n");
		fflush(stdout);
	}
	close(to_child);
	while (wait(NULL) > 0)
		;
	return 0;
}
#else
int main(void)
{
	long sum = 0;

	for (int a = 0; a < 100; a++)
		sum += call(a);
	printf("%ld\n", sum);
	return 0;
}
#endif
