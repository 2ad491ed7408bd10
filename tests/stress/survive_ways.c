/*
 * survive_ways.c - jumps into the frames of traced functions, exit() from inside, vfork children,
 * and libc's functions that look at their caller.
 *
 * survive_ways CASE     See survive.h.  Finds libsurvive_rpath.so, whose own RUNPATH is $ORIGIN,
 * beside itself.
 */
#include "survive.h"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* -- returning twice -------------------------------------------------------------------- */

/* Where a compiler sees that a function never returns, it says so in DWARF: entry only then. */

TRACED long t_hop(jmp_buf *to, long v, long c, long d, long e, long f, long g, long h)
{
	if (v)
		longjmp(*to, (int)v);
	return c + d + e + f + g + h;
}

/* It returns once, whatever returned into it. */
TRACED long t_set(long times, long b, long c, long d, long e, long f, long g, long h)
{
	jmp_buf here;
	volatile long n = 0;
	int v = setjmp(here);

	check(v == n);
	n++;
	if (v < times)
		t_hop(&here, v + 1, c, d, e, f, g, h);
	return times + b + c + d + e + f + g + h;
}

TRACED long t_sighop(sigjmp_buf *to, long v, long c, long d, long e, long f, long g, long h)
{
	if (v)
		siglongjmp(*to, (int)v);
	return c + d + e + f + g + h;
}

TRACED long t_sigset(long times, long b, long c, long d, long e, long f, long g, long h)
{
	sigjmp_buf here;
	volatile long n = 0;
	int v = sigsetjmp(here, 1);

	check(v == n);
	n++;
	if (v < times)
		t_sighop(&here, v + 1, c, d, e, f, g, h);
	return times + b + c + d + e + f + g + h;
}

TRACED long t_again(ucontext_t *to, long b, long c, long d, long e, long f, long g, long h)
{
	setcontext(to);
	return b + c + d + e + f + g + h;
}

TRACED long t_context(long times, long b, long c, long d, long e, long f, long g, long h)
{
	ucontext_t here;
	volatile long n = 0;

	getcontext(&here);
	if (n++ < times)
		t_again(&here, b, c, d, e, f, g, h);
	return n + b + c + d + e + f + g + h;
}

#define ROUNDS 300

static void case_twice(void)
{
	for (long i = 0; i < ROUNDS; i++) {
		check(t_set(3, 1, 2, 3, 4, 5, 6, i) == 24 + i);
		check(t_sigset(3, 1, 2, 3, 4, 5, 6, i) == 24 + i);
		check(t_context(3, 1, 2, 3, 4, 5, 6, i) == 25 + i);
		check(works(2));
	}
	leaves(ROUNDS * 9, ROUNDS * 9); /* each jump is out of one call */
}

/* -- exit from inside --------------------------------------------------------------------- */

static int order;

/* Registered first, so the last one: the counts are looked at here, inside of t_quit(). */
static void at_last(void)
{
	check(order == 2 && works(4));
	if (survive_end("quit") != RIGHT)
		_exit(1);
}

static void at_exit(void)
{
	order++;
	check(works(3));
}

TRACED long t_quit(long depth, long b, long c, long d, long e, long f, long g, long h)
{
	if (!depth)
		exit(RIGHT);
	return t_quit(depth - 1, b, c, d, e, f, g, h) + 1;
}

static void *quitter(void *arg)
{
	t_quit(3, 1, 2, 3, 4, 5, 6, 7);
	return arg;
}

static void prepare_quit(void)
{
	leaves(4, 4);
	atexit(at_last);
	atexit(at_exit);
	atexit(at_exit);
}

static void case_quit(void)
{
	prepare_quit();
	quitter(NULL);
}

static void case_quit_thread(void)
{
	pthread_t t;

	prepare_quit();
	pthread_create(&t, NULL, quitter, NULL);
	pthread_join(t, NULL);
}

/* -- children that share our memory ------------------------------------------------------- */

static bool ended(pid_t pid, int code)
{
	int st;

	return waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == code;
}

TRACED long t_become(char *const argv[], long b, long c, long d, long e, long f, long g, long h)
{
	execv("/bin/sh", argv);
	return b + c + d + e + f + g + h;
}

/* The child calls traced functions in its parent's memory, then ends or becomes another. */
TRACED long t_vfork(long a, long b, long c, long d, long e, long f, long g, long code)
{
	char text[] = { 'e', 'x', 'i', 't', ' ', (char)('0' + code), 0 };
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, text, NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		if (!works(20))
			_exit(98);
		if (code % 2)
			_exit((int)code);
		t_become(argv, 1, 2, 3, 4, 5, 6, 7);
		_exit(99);
	}
	check(works(3));
	return ended(pid, (int)code) ? a + b + c + d + e + f + g : -1;
}

static void case_vfork(void)
{
	for (int i = 0; i < 20; i++)
		check(t_vfork(1, 2, 3, 4, 5, 6, 7, i % 10) == 28);
	leaves(10, 10); /* t_become(), in each second child */
}

/* -- functions that look at their caller -------------------------------------------------- */

/* In a library of its own, whose RUNPATH finds what ours does not. */
long t_rpath(long a, long b, long c, long d, long e, long f, long g, long h);

TRACED void *t_next(const char *name, long b, long c, long d, long e, long f, long g, long h)
{
	void *p = dlsym(RTLD_NEXT, name);

	check(b + c + d + e + f + g + h == 35);
	return p;
}

TRACED bool t_where(void *p, const char *file, long c, long d, long e, long f, long g, long h)
{
	Dl_info i;

	check(c + d + e + f + g + h == 33);
	return dladdr(p, &i) && strstr(i.dli_fname, file);
}

static void case_linker(void)
{
	for (int i = 0; i < 20; i++) {
		void *p = t_next("malloc", 2, 3, 4, 5, 6, 7, 8);

		check(p == dlsym(RTLD_DEFAULT, "malloc"));
		check(t_where(p, "/libc.so", 3, 4, 5, 6, 7, 8));
		check(t_where((void *)(uintptr_t)case_linker, "survive_ways", 3, 4, 5, 6, 7, 8));
		check(!t_next("no_such_function", 2, 3, 4, 5, 6, 7, 8));
		check(t_rpath(1, 2, 3, 4, 5, 6, 7, 8) == 36 + 41);
		check(works(2));
	}
}

int main(int argc, char **argv)
{
	static const struct survive_case cases[] = {
		{ "twice", case_twice },
		{ "quit", case_quit },
		{ "quit-thread", case_quit_thread },
		{ "vfork", case_vfork },
		{ "linker", case_linker },
	};

	return survive_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
