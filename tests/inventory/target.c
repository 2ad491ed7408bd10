/*
 * target.c - threads that call functions and check what they give, until stdin ends.
 *
 * target THREADS: the first thread waits for stdin if there are others, else it works itself.
 * Prints "ready" when all of them work and, at the end, what was wrong; status 7: nothing.
 * State that an attach could spoil is there: handlers, ignored and blocked signals, an alternate
 * stack, open files, errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RIGHT  7
#define TRACED __attribute__((noinline))
#define BODY   static inline __attribute__((always_inline))

static int stop;
static unsigned long calls, wrong, started;

BODY long mixed_body(long a, long b, double c, long d, long e, long f, long g, long h)
{
	return (a ^ b) + (long)c * d - (e ^ f) + g * h;
}

TRACED long mixed(long a, long b, double c, long d, long e, long f, long g, long h)
{
	__asm__ volatile("" ::: "memory"); /* every call is made */
	return mixed_body(a, b, c, d, e, f, g, h);
}

TRACED int text_of(char *out, size_t n, unsigned long v)
{
	return snprintf(out, n, "%lu:%lx", v, v);
}

/* One round: a call whose result is known, a string that is read back, an allocation. */
static int right(uint64_t i)
{
	char text[64], *copy, *end;
	long want = mixed_body((long)i, 3, (double)i, 5, 7, (long)i, 11, 13);
	int ok;

	errno = EDOM;
	ok = mixed((long)i, 3, (double)i, 5, 7, (long)i, 11, 13) == want && errno == EDOM;
	ok &= text_of(text, sizeof(text), i) == (int)strlen(text);
	copy = strdup(text);
	if (!copy)
		return 0;
	ok &= strtoul(copy, &end, 10) == i && *end == ':' && strtoul(end + 1, NULL, 16) == i;
	free(copy);
	return ok;
}

static int asked_to_stop(int ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	return poll(&in, 1, ms) != 0;
}

static void *work(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t i = (uintptr_t)arg << 32;

	__atomic_add_fetch(&started, 1, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int ok = right(i++);

		if (!arg)
			stop = asked_to_stop(1); /* -1, EINTR: would end us too early */
		else
			ok &= !nanosleep(&pause, NULL);
		__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&wrong, !ok, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void handler(int sig)
{
	(void)sig;
}

static int prepare(void)
{
	static char other[1 << 16];
	stack_t alt = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTRAP);
	signal(SIGPIPE, SIG_IGN);
	return sigaltstack(&alt, NULL) | sigaction(SIGUSR1, &sa, NULL) |
	       sigaction(SIGSEGV, &sa, NULL) | sigprocmask(SIG_BLOCK, &set, NULL) |
	       (open("/dev/null", O_RDWR) < 0);
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	pthread_t t[1000];
	char c;

	if (n < 1 || n > 1000 || prepare())
		return 2;
	for (uintptr_t i = 1; i < n; i++) {
		if (pthread_create(&t[i], NULL, work, (void *)i))
			return 2;
	}
	while (__atomic_load_n(&started, __ATOMIC_RELAXED) < n - 1)
		usleep(1000);
	printf("ready\n");
	fflush(stdout);
	if (n == 1)
		work(NULL);
	else if (read(0, &c, 1) < 0)
		return 3;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (uintptr_t i = 1; i < n; i++)
		pthread_join(t[i], NULL);
	printf("wrong %lu\n", wrong);
	return calls && !wrong ? RIGHT : 1;
}
