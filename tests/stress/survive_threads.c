/*
 * survive_threads.c - threads that libc did not make, and those that are nearly gone.
 *
 * survive_threads CASE     See survive.h.
 */
#include "survive.h"

#include <asm/prctl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* -- after the thread's own function ------------------------------------------------------ */

static pthread_key_t key[3];
static long destroyed;

/* Comes again as often as libc lets it: PTHREAD_DESTRUCTOR_ITERATIONS. */
TRACED void t_destroy(void *value, long b, long c, long d, long e, long f, long g, long h)
{
	check(works(2) && b + c + d + e + f + g + h == 35);
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
	pthread_setspecific(key[(uintptr_t)value % 3], value);
}

static void destroy(void *value)
{
	t_destroy(value, 2, 3, 4, 5, 6, 7, 8);
}

int __cxa_thread_atexit_impl(void (*fn)(void *), void *arg, void *dso);
extern void *__dso_handle;

static void at_thread_exit(void *arg)
{
	check(works((long)(intptr_t)arg));
	__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

TRACED long t_enter(long how, long b, long c, long d, long e, long f, long g, long h)
{
	if (how % 2)
		pthread_exit(NULL);
	return how + b + c + d + e + f + g + h;
}

static void *has_destructors(void *arg)
{
	for (uintptr_t i = 0; i < 3; i++)
		pthread_setspecific(key[i], (void *)(3 + i));
	__cxa_thread_atexit_impl(at_thread_exit, (void *)4, &__dso_handle);
	t_enter((long)(intptr_t)arg, 2, 3, 4, 5, 6, 7, 8);
	return NULL;
}

#define ITERATIONS 4 /* PTHREAD_DESTRUCTOR_ITERATIONS, bits/local_lim.h */

static void case_destructors(void)
{
	for (int i = 0; i < 3; i++)
		pthread_key_create(&key[i], destroy);
	for (intptr_t i = 1; i <= 100; i++) {
		pthread_t t;

		pthread_create(&t, NULL, has_destructors, (void *)i);
		pthread_join(t, NULL);
		check(destroyed == i * (3 * ITERATIONS + 1));
	}
}

/* The first thread ends, inside a call; another one goes on and ends the process. */
static pthread_t first;

static void *goes_on(void *arg)
{
	pthread_join(first, NULL);
	for (int i = 0; i < 100; i++)
		check(works(20));
	exit(survive_end(arg));
}

static void case_first_ends(void)
{
	static char name[] = "first-ends";
	pthread_t t;

	first = pthread_self();
	pthread_create(&t, NULL, goes_on, name);
	t_enter(1, 2, 3, 4, 5, 6, 7, 8);
}

/* -- raw clone() -------------------------------------------------------------------------- */

#define RAW     4
#define STACK   65536
#define TLS     16384 /* static TLS below the thread pointer; what is ours is a word of it */
#define CALLS   3000
#define THREAD  (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define PROCESS (CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD)

static char stack[RAW][STACK] __attribute__((aligned(64)));
static char tls[RAW][2 * TLS] __attribute__((aligned(64)));
static volatile int running[RAW];

/* No function of libc may be called here: it might have no thread of its own. */
static int raw(void *arg)
{
	long i = 0;

	while (i < CALLS && works(2))
		i++;
	*(long *)arg = i;
	return 0;
}

/* How many of their calls were right, while we call as well. */
static void raw_threads(int (*fn)(void *), int flags, bool own_tls, bool dead)
{
	long right[RAW] = { 0 };
	pid_t pid[RAW];

	for (int i = 0; i < RAW; i++) {
		uintptr_t tp = (uintptr_t)tls[i] + TLS;

		memset(tls[i], 0, sizeof(tls[i]));
		*(uintptr_t *)tp = tp; /* psABI 3.4.6: the thread pointer's word is its address */
		running[i] = 1;
		pid[i] = clone(fn, stack[i] + STACK, flags | CLONE_CHILD_CLEARTID, &right[i], NULL,
			       own_tls ? (void *)tp : NULL, &running[i]);
		check(pid[i] > 0);
	}
	for (int i = 0; i < RAW; i++) {
		while (running[i])
			check(works(10));
		if (dead)
			check(waitpid(pid[i], NULL, __WALL) == pid[i]);
		check(right[i] == CALLS);
	}
	check(works(5));
}

static void case_raw_tls(void)
{
	for (int i = 0; i < 5; i++)
		raw_threads(raw, THREAD | CLONE_SETTLS, true, false);
}

/*
 * Two threads with one thread pointer are one thread to whatever is kept per thread: counts
 * that both change at a time may get lost, results may not.
 */
static void case_raw_shared(void)
{
	raw_threads(raw, THREAD, false, false);
	leaves(-1000000, 1000000);
}

static void case_raw_process(void)
{
	for (int i = 0; i < 5; i++)
		raw_threads(raw, PROCESS | CLONE_SETTLS, true, true);
}

static void case_raw_process_shared(void)
{
	raw_threads(raw, PROCESS, false, true);
	leaves(-1000000, 1000000);
}

/* A thread that ends in a call, without a word to libc: no one counts that out. */
TRACED long t_gone(long a, long b, long c, long d, long e, long f, long g, long h)
{
	__asm__ volatile("syscall" : : "a"(SYS_exit), "D"(0) : "rcx", "r11", "memory");
	return a + b + c + d + e + f + g + h;
}

static int raw_gone(void *arg)
{
	*(long *)arg = works(3) ? CALLS : 0;
	t_gone(1, 2, 3, 4, 5, 6, 7, 8);
	*(long *)arg = 0;
	return 0;
}

static void case_raw_exit(void)
{
	for (int i = 0; i < 5; i++)
		raw_threads(raw_gone, THREAD | CLONE_SETTLS, true, false);
	leaves(5 * RAW, 5 * RAW);
}

/* The parent waits, as for vfork(): nothing is at a time, so all is counted. */
static void case_raw_vfork(void)
{
	for (int i = 0; i < 5; i++) {
		long right = 0;
		pid_t pid = clone(raw, stack[0] + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &right);

		check(pid > 0 && waitpid(pid, NULL, 0) == pid && right == CALLS);
		check(works(5));
	}
}

int main(int argc, char **argv)
{
	static const struct survive_case cases[] = {
		{ "destructors", case_destructors },
		{ "first-ends", case_first_ends },
		{ "raw-tls", case_raw_tls },
		{ "raw-shared", case_raw_shared },
		{ "raw-process", case_raw_process },
		{ "raw-process-shared", case_raw_process_shared },
		{ "raw-vfork", case_raw_vfork },
		{ "raw-exit", case_raw_exit },
	};

	return survive_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
