/*
 * odd.c - calls that end in another way than by returning; see odd_test.py for what of each
 * must be reported.
 *
 *	odd CASE
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define ROUNDS   50

extern char **environ;
static volatile long handled, done;
static sigjmp_buf out;

NOINLINE long work(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n + 1000;
}

/* -- recursion ------------------------------------------------------------------------- */

NOINLINE long down(long n)
{
	long below = n ? down(n - 1) : 0;

	__asm__ volatile("" : "+r"(below));
	return below + n;
}

static int recursion(int n)
{
	printf("%ld\n", down(n));
	return 3;
}

/* -- longjmp --------------------------------------------------------------------------- */

NOINLINE int inner(int n)
{
	if (n % 2)
		siglongjmp(out, 1);
	return n;
}

NOINLINE int middle(int n)
{
	return inner(n) + 1;
}

NOINLINE int catcher(int n)
{
	return sigsetjmp(out, 1) ? -n : middle(n);
}

static int jumps(int rounds)
{
	for (int i = 0; i < rounds; i++)
		printf("%d\n", catcher(i));
	return 4;
}

/* -- ends of the process ---------------------------------------------------------------- */

NOINLINE void bye(void)
{
	work(3);
}

NOINLINE int last(int how)
{
	/* long enough for us to notice */
	static char *const argv[] = { "sh", "-c", "echo another program; sleep 0.2", NULL };

	if (how == 0)
		exit(9);
	if (how == 1)
		abort();
	if (how == 2)
		*(volatile int *)8 = 0;
	if (how == 3)
		execv("/bin/sh", argv);
	if (how == 4)
		_exit(11);
	return how;
}

NOINLINE int before_last(int how)
{
	return last(how) + 1;
}

NOINLINE int ending(int how)
{
	if (how == 0)
		atexit(bye);
	work(1);
	return before_last(how);
}

/* -- fork, vfork, spawn ------------------------------------------------------------------ */

NOINLINE int split(void)
{
	return fork();
}

static int forks(int calls)
{
	int status, child = split();

	if (!child) {
		for (long i = 0; i < calls; i++)
			work(100 + i);
		exit(5);
	}
	waitpid(child, &status, 0);
	for (long i = 0; i < calls; i++)
		work(i);
	return WEXITSTATUS(status);
}

static int vforks(int first)
{
	static char *const argv[] = { "true", NULL };
	int status = 0, child = vfork();

	if (!child) {
		work(first);
		_exit(6);
	}
	waitpid(child, &status, 0);
	work(first + 1);
	if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ))
		return 1;
	waitpid(child, NULL, 0);
	work(first + 2);
	return WEXITSTATUS(status);
}

/* -- signal handlers --------------------------------------------------------------------- */

NOINLINE void on_alarm(int sig)
{
	(void)sig;
	handled++;
	work(-handled);
}

static int signals(int on_alternate_stack)
{
	static char stack[65536];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_alarm,
				.sa_flags = on_alternate_stack ? SA_ONSTACK : 0 };
	struct itimerval fast = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	long n = 0;

	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &fast, NULL);
	while (handled < 100)
		work(n++);
	setitimer(ITIMER_REAL, &off, NULL);
	work(1000000000 + n); /* tells how often */
	work(2000000000 + handled);
	return 8;
}

static void jump_out(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

NOINLINE int interrupted(int n)
{
	kill(getpid(), SIGUSR1);
	return n;
}

static int signal_jumps(int rounds)
{
	struct sigaction sa = { .sa_handler = jump_out };

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < rounds; i++) {
		if (!sigsetjmp(out, 1))
			interrupted(i);
		work(i);
	}
	return 2;
}

/* -- threads ------------------------------------------------------------------------------ */

NOINLINE void leave(long n)
{
	pthread_exit((void *)n);
}

NOINLINE void *thread(void *arg)
{
	work((long)arg);
	if ((long)arg % 2)
		leave((long)arg);
	return arg;
}

static int threads(int rounds)
{
	for (long i = 0; i < rounds; i++) {
		pthread_t t;
		void *got;

		pthread_create(&t, NULL, thread, (void *)i);
		pthread_join(t, &got);
		printf("%ld\n", (long)got);
	}
	return 12;
}

/* A thread that is in the middle of a call when main returns. */
NOINLINE void *sleeper(void *arg)
{
	done = 1;
	pause();
	return arg;
}

static int abandoned(int code)
{
	pthread_t t;

	pthread_create(&t, NULL, sleeper, NULL);
	while (!done)
		usleep(1000);
	return 12 + code;
}

/* -- coroutines ---------------------------------------------------------------------------- */

static ucontext_t home, away[2];

NOINLINE long turn(long who, long n)
{
	swapcontext(&away[who], &home);
	return work(1000 * who + n);
}

NOINLINE void coroutine(int who)
{
	for (long i = 0; i < ROUNDS; i++)
		turn(who, i);
}

NOINLINE long resume(long who, long n)
{
	swapcontext(&home, &away[who]);
	return n;
}

/* They take turns; their stacks lie beside each other, as libraries allocate them. */
static int coroutines(int how_many)
{
	static char stack[2][65536];

	for (int i = 0; i < how_many; i++) {
		getcontext(&away[i]);
		away[i].uc_stack.ss_sp = stack[i];
		away[i].uc_stack.ss_size = sizeof(stack[i]);
		away[i].uc_link = &home;
		makecontext(&away[i], (void (*)(void))coroutine, 1, i);
	}
	for (long n = 0; n <= ROUNDS; n++) {
		for (int i = 0; i < how_many; i++)
			resume(i, n);
	}
	return 14;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int);
		int arg;
	} cases[] = {
		{ "recursion", recursion, 2000 },
		{ "longjmp", jumps, ROUNDS },
		{ "exit", ending, 0 },
		{ "abort", ending, 1 },
		{ "segv", ending, 2 },
		{ "exec", ending, 3 },
		{ "_exit", ending, 4 },
		{ "fork", forks, 10 },
		{ "vfork", vforks, 1 },
		{ "signals", signals, 0 },
		{ "altstack", signals, 1 },
		{ "siglongjmp", signal_jumps, ROUNDS },
		{ "threads", threads, ROUNDS },
		{ "abandoned", abandoned, 1 },
		{ "coroutine", coroutines, 1 },
		{ "coroutines", coroutines, 2 },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc > 1 && !strcmp(argv[1], cases[i].name))
			return cases[i].run(cases[i].arg);
	}
	return 1;
}
