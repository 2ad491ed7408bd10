/*
 * room.c - recursion that uses up stacks of all kinds, whose ends are guarded.
 *
 *   room CASE NUMBER     deep(NUMBER) makes NUMBER calls of itself, all told
 *
 * Every case prints the results, which depend on every call.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define PAGE 4096

long deep(long n);
long deep(long n)
{
	return n > 1 ? deep(n - 1) + n : n;
}

/* Memory that ends below in a page nobody may touch; skew: bytes its top is off by. */
static char *guarded(size_t size, size_t skew)
{
	char *p = mmap(NULL, size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	mprotect(p, PAGE, PROT_NONE);
	return p + PAGE + skew;
}

static void *run(void *n)
{
	printf("%ld\n", deep((long)n));
	return NULL;
}

static void on_thread(pthread_attr_t *a, void *(*fn)(void *), long n)
{
	pthread_t t;

	if (pthread_create(&t, a, fn, (void *)n))
		abort();
	pthread_join(t, NULL);
}

static void small_thread(size_t size, void *(*fn)(void *), long n)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, size);
	on_thread(&a, fn, n);
}

/* The control block of the thread lies across two pages. */
static void own_stack(size_t size, size_t skew, long n)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	if (pthread_attr_setstack(&a, guarded(size, skew), size))
		abort();
	on_thread(&a, run, n);
}

static long number, result;

static void handler(int sig)
{
	result = deep(number);
}

/* What the kernel needs for the frame and what MINSIGSTKSZ used to leave. */
static void alternate(void)
{
	size_t frame = getauxval(AT_MINSIGSTKSZ), size = (frame ? frame : 1024) + 2048 - 1024;
	stack_t alt = { .ss_size = (size + 15) & ~15ul };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	alt.ss_sp = guarded(alt.ss_size, 0);
	if (sigaltstack(&alt, NULL) || sigaction(SIGUSR1, &sa, NULL))
		abort();
	raise(SIGUSR1);
	printf("%ld\n", result);
}

static ucontext_t back, other;

static void coroutine(void)
{
	result = deep(number);
}

static void *on_coroutine(void *n)
{
	getcontext(&other);
	other.uc_stack.ss_size = 16384;
	other.uc_stack.ss_sp = guarded(16384, 0);
	other.uc_link = &back;
	number = 50;
	makecontext(&other, coroutine, 0);
	swapcontext(&back, &other);
	printf("%ld\n", result);
	return n ? run(n) : NULL;
}

/* Shares everything with us, thread-local storage too, but not the stack. */
static int cloned(void *arg)
{
	result = deep(number);
	return 0;
}

static void raw_clone(void)
{
	static int tid = 1;
	char *stack = guarded(65536, 0);
	int old;

	clone(cloned, stack + 65536,
	      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		      CLONE_CHILD_CLEARTID,
	      NULL, NULL, NULL, &tid);
	while ((old = __atomic_load_n(&tid, __ATOMIC_ACQUIRE)))
		syscall(SYS_futex, &tid, FUTEX_WAIT, old, NULL, NULL, 0);
	printf("%ld\n", result);
}

static void *forks(void *n)
{
	int status = 0;
	pid_t pid;

	deep(1); /* the thread is known before */
	pid = fork();
	if (!pid) {
		printf("%ld\n", deep((long)n));
		fflush(stdout);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argv[1];
	long n = atol(argv[2]);

	setvbuf(stdout, NULL, _IONBF, 0);
	number = n;
	if (!strcmp(name, "main"))
		run((void *)n);
	else if (!strcmp(name, "thread256"))
		small_thread(256 << 10, run, n);
	else if (!strcmp(name, "thread16"))
		small_thread(16 << 10, run, n);
	else if (!strcmp(name, "own"))
		own_stack(128 << 10, 0, n);
	else if (!strcmp(name, "skewed"))
		own_stack((128 << 10) - 1024, 2048, n);
	else if (!strcmp(name, "alternate"))
		alternate();
	else if (!strcmp(name, "coroutine"))
		on_coroutine(NULL);
	else if (!strcmp(name, "fresh"))
		small_thread(256 << 10, on_coroutine, n);
	else if (!strcmp(name, "clone"))
		raw_clone();
	else if (!strcmp(name, "fork"))
		forks((void *)n);
	else if (!strcmp(name, "thread-fork"))
		small_thread(256 << 10, forks, n);
	else
		return 2;
	return 0;
}
