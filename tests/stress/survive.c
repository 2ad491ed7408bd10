/*
 * survive.c - what programs do that leaves calls by other ways than return.
 *
 * survive CASE     See survive.h.  Between its line and the end it reads stdin, so that it
 * can be looked at.
 */
#include "survive.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static char *self;

/* -- threads that end inside --------------------------------------------------------- */

static int cleaned;

static void clean(void *arg)
{
	__atomic_fetch_add(&cleaned, (int)(intptr_t)arg, __ATOMIC_RELAXED);
	check(works(3));
}

TRACED long t_leave(long depth, long b, long c, long d, long e, long f, long g, void *result)
{
	long r;

	pthread_cleanup_push(clean, (void *)1);
	if (depth == 0)
		pthread_exit(result);
	r = t_leave(depth - 1, b, c, d, e, f, g, result);
	pthread_cleanup_pop(0);
	return r + 1;
}

static void *leaver(void *arg)
{
	t_leave(5, 1, 2, 3, 4, 5, 6, arg);
	return NULL;
}

static void case_exit(void)
{
	for (intptr_t i = 1; i <= 300; i++) {
		pthread_t t;
		void *r;

		pthread_create(&t, NULL, leaver, (void *)i);
		pthread_join(t, &r);
		check(r == (void *)i && cleaned == i * 6);
	}
}

TRACED long t_sleep(long depth, long b, long c, long d, long e, long f, long g, long h)
{
	if (depth)
		return t_sleep(depth - 1, b, c, d, e, f, g, h) + 1;
	for (;;)
		pause();
}

TRACED long t_spin(long depth, long b, long c, long d, long e, long f, long g, long h)
{
	if (depth)
		return t_spin(depth - 1, b, c, d, e, f, g, h) + 1;
	for (;;)
		t_mix(depth, b, c, d, e, f, g, h);
}

static int ready;

static void *cancelled(void *arg)
{
	pthread_cleanup_push(clean, (void *)1);
	if (arg)
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	if (arg)
		t_spin(3, 1, 2, 3, 4, 5, 6, 7);
	else
		t_sleep(3, 1, 2, 3, 4, 5, 6, 7);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_some(int n, void *async)
{
	cleaned = 0;
	for (int i = 1; i <= n; i++) {
		struct timespec us = { 0, async ? (i * 7919) % 200000 : 1000 };
		pthread_t t;
		void *r;

		__atomic_store_n(&ready, 0, __ATOMIC_RELEASE);
		pthread_create(&t, NULL, cancelled, async);
		while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
			sched_yield();
		nanosleep(&us, NULL);
		pthread_cancel(t);
		pthread_join(t, &r);
		check(r == PTHREAD_CANCELED && cleaned == i);
	}
}

static void case_cancel(void)
{
	cancel_some(200, NULL);
}

/*
 * Where the innermost call has no frame of ours, or its tag is not valid yet or any more, it is
 * not counted out: at most one a thread.
 */
static void case_cancel_async(void)
{
	cancel_some(150, (void *)1);
	leaves(0, 150);
}

static void *short_thread(void *arg)
{
	return (void *)(intptr_t)works((long)(intptr_t)arg % 7 + 1);
}

static void case_threads(void)
{
	pthread_t t[12];

	for (int i = 0; i < 1500 / 12; i++) {
		for (intptr_t k = 0; k < 12; k++)
			pthread_create(&t[k], NULL, short_thread, (void *)k);
		for (int k = 0; k < 12; k++) {
			void *r;

			pthread_join(t[k], &r);
			check(r == (void *)1);
		}
	}
}

static pthread_barrier_t gather;

static void *crowded(void *arg)
{
	bool ok = works(2);

	pthread_barrier_wait(&gather);
	return (void *)(intptr_t)(ok & works(3));
}

/* More threads at a time than there are thread slots, on the smallest stacks. */
static void case_crowd(void)
{
	static pthread_t t[1100];
	const unsigned n = sizeof(t) / sizeof(t[0]);
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, (size_t)sysconf(_SC_THREAD_STACK_MIN));
	pthread_barrier_init(&gather, NULL, n);
	for (unsigned i = 0; i < n; i++)
		check(pthread_create(&t[i], &small, crowded, NULL) == 0);
	for (unsigned i = 0; i < n; i++) {
		void *r;

		pthread_join(t[i], &r);
		check(r == (void *)1);
	}
}

/* -- jumps --------------------------------------------------------------------------- */

static jmp_buf back;

TRACED long t_jump(long depth, long b, long c, long d, long e, long f, long g, long h)
{
	if (depth == 0)
		longjmp(back, (int)(b + 1));
	return t_jump(depth - 1, b, c, d, e, f, g, h) + 1;
}

static void case_longjmp(void)
{
	for (volatile int i = 0; i < 5000; i++) {
		int r = setjmp(back);

		if (r == 0)
			t_jump(4, i, 2, 3, 4, 5, 6, 7);
		check(r == i + 1);
		check(works(2));
	}
	leaves(5000 * 5, 5000 * 5);
}

static sigjmp_buf sig_back;
static volatile sig_atomic_t armed;

static void jump_out(int sig)
{
	(void)sig;
	sig_seen++;
	if (armed) {
		armed = 0;
		siglongjmp(sig_back, 1);
	}
}

/* A jump out of any instruction of ours, a program's included. */
static void case_siglongjmp(void)
{
	volatile long jumps = 0;

	on(SIGALRM, jump_out, 0);
	every(SIGALRM, 300000);
	while (sig_seen < 800) {
		if (sigsetjmp(sig_back, 1) == 0) {
			armed = 1;
			for (int i = 0; i < 100; i++)
				check(works(20));
			armed = 0;
		} else {
			jumps++;
		}
		check(works(2));
	}
	leaves(0, 2 * jumps); /* t_work and t_mix */
}

/* -- signals ------------------------------------------------------------------------- */

static void call_traced(int sig)
{
	(void)sig;
	sig_seen++;
	check(works(5));
}

static void signals(int flags)
{
	stack_t st = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&st, NULL);
	on(SIGALRM, call_traced, flags);
	every(SIGALRM, 300000);
	while (sig_seen < 800)
		check(works(50));
}

static void case_signal(void)
{
	signals(SA_RESTART);
}

static void case_altstack(void)
{
	signals(SA_RESTART | SA_ONSTACK);
}

static void *bottom; /* a return address of main's caller: every complete trace has it */

static void trace_back(int sig)
{
	void *pc[64];
	int n = backtrace(pc, 64);
	bool found = false;

	(void)sig;
	sig_seen++;
	for (int i = 0; i < n; i++)
		found |= pc[i] == bottom;
	check(found);
}

static void case_profile(void)
{
	void *pc[64];

	bottom = pc[backtrace(pc, 64) - 2]; /* loads libgcc, too */
	on(SIGPROF, trace_back, SA_RESTART);
	every(SIGPROF, 300000);
	while (sig_seen < 1000)
		check(works(50));
}

static void *worst; /* a pc from which the stack could not be walked */

static void trace_step(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *u = context;
	long before = survive_bad;

	(void)si;
	trace_back(sig);
	if (survive_bad != before && !worst)
		worst = (void *)u->uc_mcontext.gregs[REG_RIP];
}

/* The trap flag is the interrupted code's. */
static void toggle_step(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	(void)si;
	u->uc_mcontext.gregs[REG_EFL] ^= 0x100;
}

/* The same at each instruction, those of slots, images, programs and helpers among them. */
static void case_step(void)
{
	struct sigaction sa = { .sa_sigaction = trace_step, .sa_flags = SA_SIGINFO };
	void *pc[64];

	bottom = pc[backtrace(pc, 64) - 2];
	sigaction(SIGTRAP, &sa, NULL);
	sa.sa_sigaction = toggle_step;
	sigaction(SIGUSR1, &sa, NULL);
	check(works(1)); /* its symbols are bound */
	for (int i = 0; i < 10; i++) {
		bool ok;

		raise(SIGUSR1);
		ok = works(2);
		raise(SIGUSR1);
		check(ok);
	}
	check(sig_seen > 1000);
	if (worst)
		printf("# no way up from %p\n", worst);
}

/* The n-th instruction of a traced call is its last: jumped out of, for every n. */
static volatile long steps_left;

static void jump_step(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)si;
	(void)context;
	if (--steps_left == 0)
		siglongjmp(sig_back, 1);
}

TRACED long t_final(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + b + c + d + e + f + g + h;
}

static void jump_any(int flags, long part)
{
	struct sigaction sa = { .sa_sigaction = jump_step, .sa_flags = SA_SIGINFO | flags };
	volatile bool done = false;
	volatile long jumps = 0;

	sigaction(SIGTRAP, &sa, NULL);
	sa.sa_sigaction = toggle_step;
	sigaction(SIGUSR1, &sa, NULL);
	check(works(1));
	for (volatile long n = 1; !done; n += 1 + n / part) {
		if (sigsetjmp(sig_back, 1) == 0) {
			steps_left = n;
			raise(SIGUSR1);
			check(works(1));
			raise(SIGUSR1);
			done = steps_left > 0; /* it came to its end first */
		} else {
			jumps++;
		}
	}
	check(works(5) && t_final(1, 2, 3, 4, 5, 6, 7, 8) == 36);
	leaves(0, 2 * jumps);
}

static void case_jump_any(void)
{
	jump_any(0, 64);
}

/* From another stack, which lies above or below. */
static void case_jump_alt(void)
{
	stack_t st = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&st, NULL);
	jump_any(SA_ONSTACK, 10);
}

/* -- children ------------------------------------------------------------------------ */

TRACED long t_fork(long a, long b, long c, long d, long e, long f, long g, long h)
{
	pid_t pid = fork();

	return pid ? pid : -(a + b + c + d + e + f + g + h);
}

static bool ended(pid_t pid, int code)
{
	int st;

	return waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == code;
}

static void *fork_thread(void *arg)
{
	for (int i = 0; i < 20; i++) {
		long r = t_fork(1, 2, 3, 4, 5, 6, 7, 8);

		if (r == -36)
			_exit(works(1000) && !survive_bad ? 5 : 6);
		check(ended((pid_t)r, 5));
		check(works(20));
	}
	return arg;
}

static void case_fork(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, fork_thread, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
}

TRACED long t_vfork(long a, long b, long c, long d, long e, long f, long g, long code)
{
	char text[] = { 'e', 'x', 'i', 't', ' ', (char)('0' + code), 0 };
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, text, NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/bin/sh", argv);
		_exit(99);
	}
	return ended(pid, (int)code) ? a + b + c + d + e + f + g : -1;
}

extern char **environ;

TRACED long t_spawn(long a, long b, long c, long d, long e, long f, long g, long code)
{
	char text[] = { 'e', 'x', 'i', 't', ' ', (char)('0' + code), 0 };
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, text, NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ))
		return -1;
	return ended(pid, (int)code) ? a + b + c + d + e + f + g : -1;
}

static void case_spawn(void)
{
	for (int i = 0; i < 20; i++) {
		check(t_vfork(1, 2, 3, 4, 5, 6, 7, i % 10) == 28);
		check(t_spawn(1, 2, 3, 4, 5, 6, 7, i % 10) == 28);
		check(WEXITSTATUS(system("exit 4")) == 4);
	}
}

TRACED long t_exec(char **argv, long b, long c, long d, long e, long f, long g, long h)
{
	execv("/proc/self/exe", argv);
	return b + c + d + e + f + g + h;
}

static void case_exec(void)
{
	char *argv[] = { self, (char[]){ "plain" }, NULL };

	check(works(100));
	check(!getenv("LD_PRELOAD"));
	t_exec(argv, 1, 2, 3, 4, 5, 6, 7);
	check(false);
}

static void case_plain(void)
{
	check(works(100));
}

/* -- stacks -------------------------------------------------------------------------- */

TRACED long t_deep(long n, long b, long c, long d, long e, long f, long g, long h)
{
	volatile long keep = n;

	return n ? t_deep(n - 1, b, c, d, e, f, g, h) + (keep & 3) : b + c + d + e + f + g + h;
}

static void case_deep(void)
{
	long want = 35;

	for (long n = 20000; n; n--)
		want += n & 3;
	check(t_deep(20000, 2, 3, 4, 5, 6, 7, 8) == want);
}

static ucontext_t main_ctx, co_ctx[2];
static int switches;

TRACED long t_yield(long who, long b, long c, long d, long e, long f, long g, long h)
{
	switches++;
	swapcontext(&co_ctx[who], &main_ctx);
	return who + b + c + d + e + f + g + h;
}

static void coroutine(int who)
{
	for (int i = 0; i < 3000; i++) {
		check(t_yield(who, 2, 3, 4, 5, 6, 7, i) == who + 27 + i);
		check(works(3));
	}
}

static void *run_coroutines(void *arg)
{
	for (int i = 0; i < 2 * (intptr_t)arg; i++)
		swapcontext(&main_ctx, &co_ctx[i & 1]);
	return NULL;
}

/* Half of it on another thread: calls leave where they did not enter. */
static void case_coroutine(void)
{
	pthread_t t;

	for (int i = 0; i < 2; i++) {
		getcontext(&co_ctx[i]);
		co_ctx[i].uc_stack.ss_sp = malloc(65536);
		co_ctx[i].uc_stack.ss_size = 65536;
		co_ctx[i].uc_link = &main_ctx;
		makecontext(&co_ctx[i], (void (*)(void))(void *)coroutine, 1, i);
	}
	run_coroutines((void *)1500);
	pthread_create(&t, NULL, run_coroutines, (void *)1501);
	pthread_join(t, NULL);
	check(switches == 6000);
}

int main(int argc, char **argv)
{
	static const struct survive_case cases[] = {
		{ "exit", case_exit },         { "cancel", case_cancel },
		{ "threads", case_threads },   { "cancel-async", case_cancel_async },
		{ "longjmp", case_longjmp },   { "siglongjmp", case_siglongjmp },
		{ "signal", case_signal },     { "altstack", case_altstack },
		{ "profile", case_profile },   { "fork", case_fork },
		{ "spawn", case_spawn },       { "exec", case_exec },
		{ "deep", case_deep },         { "coroutine", case_coroutine },
		{ "crowd", case_crowd },       { "step", case_step },
		{ "jump-any", case_jump_any }, { "jump-alt", case_jump_alt },
		{ "plain", case_plain },
	};

	self = argv[0];
	return survive_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
