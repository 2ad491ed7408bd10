/*
 * survive_co.c - coroutines: switched by hand and by ucontext, between threads, at any instruction,
 * and some that never go on.
 *
 * survive_co CASE     See survive.h.
 */
#include "survive.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* -- switched by hand ---------------------------------------------------------------------- */

#define STACK 16384
#define COS   12
#define DEPTH 3

void hand_switch(void **save, void *to); /* survive_switch.S */

struct co {
	void *sp;
	char *stack;
	long id, rounds, done;
};

static struct co co[COS];
static struct co *current;
static void *scheduler;

/* Suspended in the innermost of DEPTH + 1 traced calls. */
TRACED long t_pause(long depth, long b, long c, long d, long e, long f, long g, long id)
{
	if (depth)
		return t_pause(depth - 1, b, c, d, e, f, g, id) + 1;
	hand_switch(&co[id].sp, scheduler);
	return b + c + d + e + f + g + id;
}

static void body(void)
{
	struct co *me = current;

	for (long i = 0; i < me->rounds; i++) {
		check(t_pause(DEPTH, i, 2, 3, 4, 5, 6, me->id) == DEPTH + i + 20 + me->id);
		check(works(2));
	}
	me->done = 1;
	for (;;)
		hand_switch(&me->sp, scheduler);
}

static void resume(struct co *c)
{
	current = c;
	hand_switch(&scheduler, c->sp);
}

/* Six registers and where to go; body() finds rsp as after a call. */
static void start(struct co *c, long id, long rounds)
{
	void **sp;

	if (!c->stack)
		c->stack = malloc(STACK);
	sp = (void **)(void *)(c->stack + STACK - 64);
	*--sp = NULL;
	*--sp = (void *)(uintptr_t)body;
	for (int i = 0; i < 6; i++)
		*--sp = NULL;
	*c = (struct co){ sp, c->stack, id, rounds, 0 };
}

static void *resume_all(void *arg)
{
	long times = (long)(intptr_t)arg;

	while (times--) {
		for (int i = 0; i < COS; i++)
			resume(&co[i]);
	}
	return NULL;
}

static void start_all(long rounds)
{
	for (int i = 0; i < COS; i++)
		start(&co[i], i, rounds);
}

static void check_done(void)
{
	for (int i = 0; i < COS; i++)
		check(co[i].done);
}

static void case_hand(void)
{
	start_all(400);
	resume_all((void *)401);
	check_done();
}

/* -- on other threads ---------------------------------------------------------------------- */

static void on_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	check(!pthread_create(&t, NULL, fn, arg));
	pthread_join(t, NULL);
}

static void *short_one(void *arg)
{
	check(works(1));
	return arg;
}

/* Each step on a thread of its own, which is gone when the next one begins. */
static void case_moved(void)
{
	start_all(30);
	for (int i = 0; i < 31; i++)
		on_thread(resume_all, (void *)1);
	check_done();
}

/* The thread that entered the calls is long gone, its block in use by others. */
static void case_outlived(void)
{
	start_all(1);
	on_thread(resume_all, (void *)1);
	for (int i = 0; i < 1100; i++) /* more than there are blocks: SHM_MAX_THREADS */
		on_thread(short_one, NULL);
	on_thread(resume_all, (void *)1);
	check_done();
}

/* Their stacks are given back with calls of ours in them. */
static void case_never(void)
{
	for (int i = 0; i < 20; i++) {
		start_all(2);
		resume_all((void *)1);
		for (int k = 0; k < COS; k++)
			memset(co[k].stack, 0x5a, STACK);
		check(works(2));
	}
	leaves(20 * COS * (DEPTH + 1), 20 * COS * (DEPTH + 1));
}

/* -- ucontext -------------------------------------------------------------------------------- */

static ucontext_t home, way[COS];
static char room[COS][65536];
static long entered;

/* Entered by libc's jump, returning into its end of a context. */
TRACED void t_begin(int a, int b, int c, int d, int e, int f, int g, int h)
{
	check(a + b + c + d + e + f + g + h == 36);
	entered++;
	check(works(3));
	swapcontext(&way[0], &home);
	check(works(3));
}

TRACED long t_away(long a, long b, long c, long d, long e, long f, long g, long h)
{
	setcontext(&home);
	return a + b + c + d + e + f + g + h;
}

static void begin(ucontext_t *u, char *stack)
{
	getcontext(u);
	u->uc_stack.ss_sp = stack;
	u->uc_stack.ss_size = sizeof(room[0]);
	u->uc_link = &home;
}

static void come_back(void)
{
	volatile bool back = false;

	getcontext(&home);
	if (!back) {
		back = true;
		t_away(1, 2, 3, 4, 5, 6, 7, 8);
	}
}

static void case_ucontext(void)
{
	for (int i = 0; i < 500; i++) {
		begin(&way[0], room[0]);
		makecontext(&way[0], (void (*)(void))(void *)t_begin, 8, 1, 2, 3, 4, 5, 6, 7, 8);
		swapcontext(&home, &way[0]); /* to where it waits */
		swapcontext(&home, &way[0]); /* to its end, and back by uc_link */
		come_back();
	}
	check(entered == 500);
	leaves(500, 500); /* t_away() */
}

/* -- switched by a signal, at any instruction ------------------------------------------------ */

#define TASKS 4

static volatile int task = -1; /* not while one switches: nothing may interrupt that */
static volatile long switches;
static volatile bool over[TASKS];

static void preempt(int sig)
{
	int me = task;

	(void)sig;
	if (me < 0)
		return;
	task = -1;
	switches++;
	swapcontext(&way[me], &home);
	task = me;
}

static void busy(int me)
{
	task = me;
	for (int i = 0; i < 3000 || switches < 300; i++)
		check(works(10));
	over[me] = true;
	for (;;)
		preempt(0);
}

static void case_preempt(void)
{
	int left = TASKS;

	for (int i = 0; i < TASKS; i++) {
		begin(&way[i], room[i]);
		makecontext(&way[i], (void (*)(void))(void *)busy, 1, i);
	}
	on(SIGALRM, preempt, 0);
	every(SIGALRM, 300000);
	for (int i = 0; left; i = (i + 1) % TASKS) {
		if (over[i])
			continue;
		swapcontext(&home, &way[i]);
		left -= over[i];
	}
	check(switches >= 300);
}

int main(int argc, char **argv)
{
	static const struct survive_case cases[] = {
		{ "hand", case_hand },         { "moved", case_moved },
		{ "outlived", case_outlived }, { "never", case_never },
		{ "ucontext", case_ucontext }, { "preempt", case_preempt },
	};

	return survive_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
