/*
 * attach_victim.c MODE [THREADS] - a program that is attached to while it runs.
 *
 * Its threads do what MODE says until a byte or the end comes on stdin, then it checks what they
 * did and prints "ok".  Anything wrong ends it at once with a line that says what.
 *
 *   mix      one thread each sleeps, polls, waits in epoll_wait() and for a condition, none of which
 *            may fail with EINTR; the others allocate, fill, check and free; all call work()
 *   malloc   all allocate
 *   dlopen   all load and unload a library and call into it
 *   fork     all fork a child that allocates and calls work(), and wait for it
 *   compute  no system call, no allocation: work() in a loop; the main thread, too
 */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_bool over;
static atomic_ulong rounds;

static void fail(const char *what)
{
	printf("wrong: %s (%s)\n", what, strerror(errno));
	fflush(stdout);
	_exit(9);
}

__attribute__((noinline)) long work(long a, long b, double x)
{
	__asm__ volatile("");
	return a * 3 + b + (long)x;
}

/* Threads that have not come that far yet may be starting still, all signals blocked. */
static atomic_int starting;
static _Thread_local int started;

static void check_work(long i)
{
	if (!started++)
		starting--;
	if (work(i, 7, 2.5) != i * 3 + 9)
		fail("work()");
	atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
}

/* Blocks of many sizes, some kept for a while, each filled with its own byte. */
static void *allocate(void *arg)
{
	unsigned char *kept[64] = { 0 };
	size_t size[64] = { 0 };
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (long i = 0; !over; i++) {
		unsigned k = rand_r(&seed) % 64;
		size_t n = 1 + rand_r(&seed) % (i % 50 ? 2000 : 300000);

		for (size_t b = 0; kept[k] && b < size[k]; b += 61) {
			if (kept[k][b] != (unsigned char)k)
				fail("a block's bytes");
		}
		free(kept[k]);
		kept[k] = i % 3 ? malloc(n) : aligned_alloc(64, (n + 63) & ~(size_t)63);
		if (!kept[k])
			fail("malloc()");
		memset(kept[k], (int)k, n);
		size[k] = n;
		check_work(i);
	}
	for (unsigned k = 0; k < 64; k++)
		free(kept[k]);
	return NULL;
}

static void *sleeps(void *arg)
{
	(void)arg;
	for (long i = 0; !over; i++) {
		const struct timespec nap = { .tv_nsec = 20000000 };
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		if (nanosleep(&nap, NULL))
			fail("nanosleep()");
		clock_gettime(CLOCK_MONOTONIC, &b);
		if ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec < nap.tv_nsec)
			fail("nanosleep() was short");
		check_work(i);
	}
	return NULL;
}

static void *polls(void *arg)
{
	int fd[2];

	(void)arg;
	if (pipe(fd))
		fail("pipe()");
	for (long i = 0; !over; i++) {
		struct pollfd p = { .fd = fd[0], .events = POLLIN };

		if (poll(&p, 1, 15))
			fail("poll()");
		check_work(i);
	}
	return NULL;
}

static void *epolls(void *arg)
{
	struct epoll_event e = { .events = EPOLLIN };
	int ep = epoll_create1(0), fd[2];

	(void)arg;
	if (pipe(fd) || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e))
		fail("epoll");
	for (long i = 0; !over; i++) {
		int n = epoll_wait(ep, &e, 1, 25);

		if (n && !(n < 0 && errno == EINTR && getenv("STOPPER_DIES")))
			fail("epoll_wait()");
		check_work(i);
	}
	return NULL;
}

static void *waits(void *arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

	(void)arg;
	for (long i = 0; !over; i++) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += 10000000;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_mutex_lock(&lock);
		if (pthread_cond_timedwait(&never, &lock, &t) != ETIMEDOUT)
			fail("pthread_cond_timedwait()");
		pthread_mutex_unlock(&lock);
		check_work(i);
	}
	return NULL;
}

static void *loads(void *arg)
{
	(void)arg;
	for (long i = 0; !over; i++) {
		void *h = dlopen(getenv("LIBRARY"), RTLD_NOW | RTLD_LOCAL);
		long (*twice)(long) = h ? (long (*)(long))dlsym(h, "found_twice") : NULL;

		if (!twice || twice(i) != 2 * i)
			fail(h ? "the library's function" : dlerror());
		if (dlclose(h))
			fail("dlclose()");
		check_work(i);
	}
	return NULL;
}

static void *forks(void *arg)
{
	(void)arg;
	for (long i = 0; !over; i++) {
		pid_t pid = fork();
		int st;

		if (pid == 0) {
			char *p = malloc(5000);

			memset(p, 3, 5000);
			_exit(work(i, 1, 1.0) == i * 3 + 2 && p[4999] == 3 ? 0 : 1);
		}
		if (pid < 0 || waitpid(pid, &st, 0) != pid || st)
			fail("a child");
		check_work(i);
	}
	return NULL;
}

static void *computes(void *arg)
{
	double sum = 0;

	(void)arg;
	for (long i = 0; !over; i++) {
		sum += sqrt((double)i);
		check_work(i);
	}
	return sum > 0 ? NULL : &over;
}

/* Until stdin has something; true then. */
static int asked(int ms)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	int n = poll(&p, 1, ms);

	if (n < 0)
		fail("poll() of stdin");
	return n != 0;
}

int main(int argc, char **argv)
{
	static void *(*const mix[])(void *) = { sleeps, polls, epolls, waits };
	const char *mode = argc > 1 ? argv[1] : "mix";
	int n = argc > 2 ? atoi(argv[2]) : 2;
	void *(*each)(void *) = !strcmp(mode, "dlopen")  ? loads :
				!strcmp(mode, "fork")    ? forks :
				!strcmp(mode, "compute") ? computes :
							   allocate;
	pthread_t t[64];
	int have = 0;

	starting = n + 4 * !strcmp(mode, "mix");
	for (int i = 0; i < 4 && !strcmp(mode, "mix"); i++)
		pthread_create(&t[have++], NULL, mix[i], NULL);
	for (int i = 0; i < n && have < 60; i++)
		pthread_create(&t[have++], NULL, each, (void *)(uintptr_t)(i + 1));
	while (rounds < 100 || starting)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	for (long i = 0; !strcmp(mode, "compute") && !asked(0);) {
		for (long end = i + 20000000; i < end; i++)
			check_work(i);
	}
	while (!asked(-1))
		;
	over = 1;
	for (int i = 0; i < have; i++)
		pthread_join(t[i], NULL);
	printf("ok %lu\n", (unsigned long)rounds);
	return 0;
}
