/*
 * victim.c - sixteen threads that call 1,000 functions (functions.py) and check each other.
 *
 * victim FILE LIBRARY [signals|forks|loads]
 *
 * A thread calls a function and hands number, argument and result to the next thread, which
 * computes the value without a call.  Calls are counted in FILE, before they are made.
 *   signals  10,000 a second to random threads; the handler calls a function and checks it
 *   forks    a child in a loop, which calls 200 functions and checks them
 *   loads    LIBRARY is loaded, its function called, and unloaded, in a loop
 * The sixteen are nice, so that what disturbs them, and who attaches, gets a processor.
 *
 * stdin: "s" they stop, "g" they run again, "q" or the end: the process ends, 7 if all was right.
 */
#include "victim.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RIGHT     7
#define NICE      10
#define BURST     100
#define PERIOD_US 100
#define BUSY      3 /* threads that never sleep: more of them only wait for a processor */

static struct shared *shared;
static const char *library;
static bool stop;
static pid_t tid_of[THREADS];

static inline uint64_t next(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r;
}

static bool stopping(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static void add(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

static void sleep_us(long us)
{
	const struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

/* -- threads and their neighbours -------------------------------------------------- */

struct claim {
	uint64_t r, result;
	unsigned function;
};

#define QUEUE 64

/* From one thread to the next: one writes, one reads. */
static struct queue {
	struct claim at[QUEUE];
	unsigned head, tail;
} queue[THREADS];

static bool right(const struct claim *c)
{
	return value_of[c->function](c->r) == c->result;
}

static bool offer(struct queue *q, const struct claim *c)
{
	unsigned head = q->head;

	if (head - __atomic_load_n(&q->tail, __ATOMIC_ACQUIRE) == QUEUE)
		return false;
	q->at[head % QUEUE] = *c;
	__atomic_store_n(&q->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

static bool take(struct queue *q, struct claim *c)
{
	unsigned tail = q->tail;

	if (tail == __atomic_load_n(&q->head, __ATOMIC_ACQUIRE))
		return false;
	*c = q->at[tail % QUEUE];
	__atomic_store_n(&q->tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

/* Half of the calls are of the steady ones. */
static unsigned choose(uint64_t *r)
{
	uint64_t x = next(r);

	return (unsigned)((x >> 8) % (x & 1 ? STEADY : FUNCTIONS));
}

static void *work(void *arg)
{
	unsigned self = (unsigned)(uintptr_t)arg;
	uint64_t r = 88172645463325252ull + self, wrong = 0, others = 0;
	struct claim mine, theirs;

	tid_of[self] = (pid_t)syscall(SYS_gettid);
	setpriority(PRIO_PROCESS, (id_t)tid_of[self], NICE);
	__atomic_fetch_add(&shared->ready, 1, __ATOMIC_RELEASE);
	while (!stopping()) {
		mine.function = choose(&r);
		mine.r = next(&r);
		shared->calls[self][mine.function]++;
		mine.result = call_of[mine.function](mine.r);
		if (!offer(&queue[(self + 1) % THREADS], &mine))
			wrong += !right(&mine);
		if (take(&queue[self], &theirs)) {
			wrong += !right(&theirs);
			others++;
		}
		if (self >= BUSY && r % 512 == 0)
			sleep_us(1000);
	}
	add(&shared->wrong, wrong);
	add(&shared->checked_for_others, others);
	return NULL;
}

/* -- what else goes on ------------------------------------------------------------- */

/* A call within a program that is on its function, too, runs it not, and is counted as missed. */
static void handler(int sig)
{
	static uint64_t seeds;
	uint64_t r = 0x9e3779b97f4a7c15ull * (__atomic_add_fetch(&seeds, 1, __ATOMIC_RELAXED) | 1);
	struct claim c = { .r = next(&r) };

	(void)sig;
	c.function = choose(&r);
	add(&shared->calls[ROW_HANDLERS][c.function], 1);
	c.result = call_of[c.function](c.r);
	if (!right(&c))
		add(&shared->wrong, 1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What was not sent in time, as all were stopped or others ran, is sent at once, up to BURST. */
static void *signals(void *arg)
{
	uint64_t r = 4101842887655102017ull, due = now_us();

	while (!stopping()) {
		uint64_t now = now_us();

		if (now > due + BURST * PERIOD_US)
			due = now - BURST * PERIOD_US;
		for (; due < now; due += PERIOD_US) {
			syscall(SYS_tgkill, getpid(), tid_of[next(&r) % THREADS], SIGUSR1);
			shared->signals++;
		}
		sleep_us(PERIOD_US);
	}
	return arg;
}

static int child(uint64_t r)
{
	struct claim c;
	int wrong = 0;

	for (int i = 0; i < 200; i++) {
		c.function = choose(&r);
		c.r = next(&r);
		add(&shared->calls[ROW_CHILDREN][c.function], 1);
		c.result = call_of[c.function](c.r);
		wrong |= !right(&c);
	}
	return wrong;
}

static void *forks(void *arg)
{
	uint64_t r = 2685821657736338717ull;

	while (!stopping()) {
		uint64_t seed = next(&r);
		pid_t pid = fork();
		int st;

		if (pid == 0)
			_exit(child(seed) ? 1 : RIGHT);
		if (pid < 0 || waitpid(pid, &st, 0) != pid || !WIFEXITED(st) ||
		    WEXITSTATUS(st) != RIGHT)
			add(&shared->wrong, 1);
		shared->children++;
	}
	return arg;
}

static void *loads(void *arg)
{
	for (long i = 0; !stopping(); i++) {
		void *lib = dlopen(library, RTLD_NOW);
		long (*extra)(long, long) = lib ? dlsym(lib, "extra") : NULL;

		if (!extra || extra(i, 3) != i * 31 + 3 || dlclose(lib))
			add(&shared->wrong, 1);
		shared->loaded++;
	}
	return arg;
}

/* -- main -------------------------------------------------------------------------- */

static pthread_t thread[THREADS], other;

static void start(void *(*more)(void *))
{
	stop = false;
	shared->ready = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, (void *)i);
	while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) < THREADS)
		sleep_us(1000);
	if (more)
		pthread_create(&other, NULL, more, NULL);
	__atomic_store_n(&shared->quiet, 0, __ATOMIC_RELEASE);
}

/* The signals stop before the threads that they are sent to. */
static void finish(bool more)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	if (more)
		pthread_join(other, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	__atomic_store_n(&shared->quiet, 1, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	const char *what = argc > 3 ? argv[3] : "";
	void *(*more)(void *) = !strcmp(what, "signals") ? signals :
				!strcmp(what, "forks")   ? forks :
				!strcmp(what, "loads")   ? loads :
							   NULL;
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	bool running = true;
	char c;

	if (fd < 0 || (*what && !more))
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	library = argv[2];
	if (shared == MAP_FAILED || sigaction(SIGUSR1, &sa, NULL))
		return 2;
	start(more);
	while (read(0, &c, 1) == 1 && c != 'q') {
		if (c == 's' && running)
			finish(more);
		else if (c == 'g' && !running)
			start(more);
		running = c == 'g';
	}
	if (running)
		finish(more);
	return shared->wrong || !shared->checked_for_others ? 1 : RIGHT;
}
