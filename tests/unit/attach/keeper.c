/*
 * keeper.c - calls that stay inside of traced functions, in every way there is, while others come
 * and go; for reclaim_test.c.
 *
 *	blocked()  a thread in read()
 *	handled()  a signal handler on an alternate stack, in read()
 *	yields()   a coroutine on a stack in the heap, parked
 *	moved()    one whose stack is copied to the heap and back all the time, and wiped meanwhile
 *	away()     one whose stack is in a pipe while it is told so: no memory has it
 *	hot_0() .. hot_7()  called by three threads as fast as they can, results compared
 *
 * Prints "parked" when all are inside; "out" when stdin says o, and away()'s stack is in the pipe,
 * "in" when it says i and it is back; lets them return when stdin ends, and tells what they did.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#define FUNC __attribute__((noinline, noclone, noipa))

static volatile int stop, wrong;
static int release[2][2]; /* pipes */

#define HOT(n) \
	FUNC long hot_##n(long a, long b) \
	{ \
		return a * (n + 3) + (b ^ n); \
	}

/* clang-format off */
HOT(0) HOT(1) HOT(2) HOT(3) HOT(4) HOT(5) HOT(6) HOT(7)
	/* clang-format on */

	static long (*const hot[])(long, long) = { hot_0, hot_1, hot_2, hot_3,
						   hot_4, hot_5, hot_6, hot_7 };

static void *worker(void *arg)
{
	for (long i = (long)(intptr_t)arg; !stop; i += 7) {
		long n = i & 7;

		if (hot[n](i, i + 1) != i * (n + 3) + ((i + 1) ^ n))
			wrong = 1;
	}
	return NULL;
}

FUNC long blocked(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 ? c * 3 : -1;
}

FUNC long handled(int fd)
{
	char c;

	return read(fd, &c, 1) == 1 ? c * 5 : -1;
}

static void *block(void *arg)
{
	return (void *)blocked(release[0][0]);
}

static long handled_result;

static void handler(int sig)
{
	handled_result = handled(release[1][0]);
}

static void *handle(void *arg)
{
	stack_t alt = { .ss_sp = malloc(65536), .ss_size = 65536 };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaltstack(&alt, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	return (void *)handled_result;
}

/* -- coroutines ---------------------------------------------------------------------------- */

static ucontext_t yield_co, yield_back, move_co, move_back;
static long yields_result, moved_result, steps;
static volatile int moving, move_end;
static char move_stack[65536] __attribute__((aligned(64)));

FUNC long yields(long n)
{
	swapcontext(&yield_co, &yield_back);
	return n * 11;
}

FUNC long moved(long n)
{
	while (!move_end) {
		steps++;
		swapcontext(&move_co, &move_back);
	}
	return n * 13;
}

static void yield_body(void)
{
	yields_result = yields(7);
}

static void move_body(void)
{
	moved_result = moved(9);
}

static ucontext_t away_co, away_back;
static long away_result;
static char away_stack[16384] __attribute__((aligned(64)));
static int away_pipe[2];

FUNC long away(long n)
{
	swapcontext(&away_co, &away_back);
	return n * 17;
}

static void away_body(void)
{
	away_result = away(3);
}

static void away_go(char how)
{
	if (how == 'o') {
		write(away_pipe[1], away_stack, sizeof(away_stack));
		memset(away_stack, 0, sizeof(away_stack));
		__asm__ volatile("" : : : "memory");
		puts("out");
	} else {
		read(away_pipe[0], away_stack, sizeof(away_stack));
		puts("in");
	}
	fflush(stdout);
}

static void begin(ucontext_t *co, ucontext_t *back, void *stack, size_t size, void (*body)(void))
{
	getcontext(co);
	co->uc_stack.ss_sp = stack;
	co->uc_stack.ss_size = size;
	co->uc_link = back;
	makecontext(co, body, 0);
	swapcontext(back, co);
}

/* The stack lies in the heap while others of its kind would run on its place. */
static void *mover(void *arg)
{
	char *copy[8];

	for (int i = 0; i < 8; i++)
		copy[i] = malloc(sizeof(move_stack) + 4096 * i);
	begin(&move_co, &move_back, move_stack, sizeof(move_stack), move_body);
	moving = 1;
	for (unsigned i = 0; !stop; i++) {
		memcpy(copy[i % 8], move_stack, sizeof(move_stack));
		memset(move_stack, 0, sizeof(move_stack));
		__asm__ volatile("" : : : "memory"); /* nothing is optimised away */
		memcpy(move_stack, copy[i % 8], sizeof(move_stack));
		memset(copy[i % 8], 0, sizeof(move_stack));
		swapcontext(&move_back, &move_co);
	}
	move_end = 1;
	swapcontext(&move_back, &move_co);
	return NULL;
}

/* The thread is in a system call with this descriptor, "0 0xFD ...": it reads. */
static int reads(int fd)
{
	int found = 0;

	for (pid_t tid = getpid(); tid < getpid() + 50 && !found; tid++) {
		char path[64], line[32] = "", want[32];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
		snprintf(want, sizeof(want), "0 0x%x ", fd);
		f = fopen(path, "r");
		if (!f)
			continue;
		found = fgets(line, sizeof(line), f) && !strncmp(line, want, strlen(want));
		fclose(f);
	}
	return found;
}

int main(void)
{
	void *result[2];
	pthread_t t[6];
	char c;

	alarm(60); /* whatever became of our code: it ends */
	if (pipe(release[0]) || pipe(release[1]) || pipe(away_pipe))
		return 1;
	pthread_create(&t[0], NULL, block, NULL);
	pthread_create(&t[1], NULL, handle, NULL);
	pthread_create(&t[2], NULL, mover, NULL);
	for (long i = 3; i < 6; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	begin(&yield_co, &yield_back, malloc(65536), 65536, yield_body);
	begin(&away_co, &away_back, away_stack, sizeof(away_stack), away_body);
	while (!moving || !reads(release[0][0]) || !reads(release[1][0]))
		usleep(1000);
	printf("parked\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		away_go(c);
	stop = 1;
	write(release[0][1], "A", 1);
	write(release[1][1], "B", 1);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], i < 2 ? &result[i] : NULL);
	swapcontext(&yield_back, &yield_co);
	swapcontext(&away_back, &away_co);
	printf("blocked %ld, handled %ld, yields %ld, moved %ld, away %ld, %s%s\n", (long)result[0],
	       (long)result[1], yields_result, moved_result, away_result,
	       steps > 3 ? "went on" : "stood still", wrong ? ", a result is wrong" : "");
	return 3;
}
