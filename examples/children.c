/*
 * children.c - a program that attaches to its own children, while they run.
 *
 *	cc -O2 children.c $(pkg-config --cflags --libs utramp) -o children && ./children
 *
 * Two children work, at their own pace, and know nothing of it.  After a while their parent counts
 * what they do, for as long as each takes for 100 more pieces, and leaves them as they were.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utramp/attach.h>
#include <utramp/probe.h>

enum { CHILDREN = 2, PIECES = 100, PATIENCE = 3000 };

__attribute__((noinline)) unsigned long piece(unsigned long n)
{
	unsigned long sum = 0;

	for (unsigned long i = 0; i < 1000; i++)
		sum = sum * 31 + (*(volatile unsigned long *)&n ^ i);
	return sum;
}

static void nap(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void work(long pace)
{
	for (unsigned long n = 0;; n++) {
		piece(n);
		nap(pace);
	}
}

static int take(void *ctx, const struct utramp_probe_row *row)
{
	*(uint64_t *)ctx = row->calls;
	return 0;
}

/* How many pieces were counted; 0: it cannot be attached to. */
static uint64_t watch(pid_t pid)
{
	struct utramp_target *t = utramp_target__attach_pid(pid, NULL);
	struct utramp_probe *p = t ? utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL) : NULL;
	uint64_t calls = 0;

	if (!p || utramp_probe__add(p, "piece", NULL) < 0)
		fprintf(stderr, "children: %s\n", utramp_error());
	for (int i = 0; p && i < PATIENCE && calls < PIECES; i++) {
		if (utramp_target__poll(t, 10) != UTRAMP_RUNNING)
			break;
		utramp_probe__each(p, take, &calls);
	}
	utramp_probe__free(p);
	if (t)
		utramp_target__free(t); /* leaves */
	return calls;
}

int main(void)
{
	pid_t child[CHILDREN];
	int lost = 0, st;

	for (int i = 0; i < CHILDREN; i++) {
		child[i] = fork();
		if (child[i] == 0)
			work(1 + i);
	}
	nap(50);
	for (int i = 0; i < CHILDREN; i++)
		printf("child %d: %s\n", i, watch(child[i]) >= PIECES ? "at work" : "idle");
	for (int i = 0; i < CHILDREN; i++) {
		lost += waitpid(child[i], &st, WNOHANG) != 0; /* it should run still */
		kill(child[i], SIGTERM);
		waitpid(child[i], &st, 0);
		lost += !WIFSIGNALED(st) || WTERMSIG(st) != SIGTERM;
	}
	printf("%d lost\n", lost);
	return lost;
}
