/*
 * again.c - what reuse_test.c attaches to: threads call alpha() all the time, each call checked; what
 * else it does, it is told by bytes on stdin, and answers each with a line.
 *
 *	c   how many calls there were
 *	f   fork; the child's number.  The child calls alpha() until it is killed
 *	s   a thread of its own is in sigsuspend(), which blocks SIGSEGV, by now
 *	w   it has come back from there
 *
 * The end of stdin ends it: "ok".
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3

static atomic_bool over;
static atomic_ulong calls;
static atomic_int waits;

__attribute__((noinline, noclone, noipa)) long alpha(const long *a, int b)
{
	return *a * 3 + b;
}

__attribute__((noinline, noclone, noipa)) long beta(long a)
{
	return a ^ 5;
}

static void check(long i)
{
	if (alpha(&i, 2) != i * 3 + 2 || beta(i) != (i ^ 5))
		_exit(9);
	calls++;
}

static void *work(void *arg)
{
	const struct timespec nap = { .tv_nsec = 50000 };

	for (long i = 0; !over; i++) {
		check(i);
		nanosleep(&nap, NULL);
	}
	return arg;
}

static void handler(int sig)
{
	(void)sig;
}

static void *suspend(void *arg)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGUSR1);
	waits = 1;
	sigsuspend(&set);
	waits = 0;
	return arg;
}

/* /proc says that it is inside of the system call; or that is not to be had. */
static void until_asleep(void)
{
	while (!waits)
		usleep(1000);
	usleep(50000);
}

static void child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (long i = 0;; i++) {
		check(i);
		usleep(500);
	}
}

static void told(char what)
{
	static pthread_t waiter;
	pid_t pid;

	switch (what) {
	case 'c':
		printf("%lu\n", (unsigned long)calls);
		break;
	case 'f':
		pid = fork();
		if (!pid)
			child();
		printf("%d\n", (int)pid);
		break;
	case 's':
		pthread_create(&waiter, NULL, suspend, NULL);
		until_asleep();
		puts("waits");
		break;
	case 'w':
		pthread_kill(waiter, SIGUSR1);
		pthread_join(waiter, NULL);
		puts("back");
		break;
	default:
		_exit(8);
	}
	fflush(stdout);
}

int main(void)
{
	pthread_t t[THREADS];
	char what;

	signal(SIGUSR1, handler);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, work, NULL);
	while (calls < 10)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	while (read(0, &what, 1) == 1)
		told(what);
	over = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	puts("ok");
	return 0;
}
