/*
 * victim_stack.c - calls innermost() in several ways; built with frame pointers, or with BY_TABLES
 * and without them: then libc's backtrace() tells who the callers are, all of them.
 *
 * A command names the way.  Answered is what innermost() finds by walking the frames itself, which
 * is right as long as nobody on the way is traced with exit programs: "pc 0x...", one a line,
 * nearest caller first, up to the caller of the function that the walk began in.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline, used))

static uint64_t pcs[64];
static unsigned npcs;
static const uint64_t *last; /* the outermost frame to look at */
static volatile int sink;

#ifdef BY_TABLES
NOINLINE int innermost(int n)
{
	void *frames[65];
	int have = backtrace(frames, 65);

	for (npcs = 0; (int)npcs + 1 < have; npcs++)
		pcs[npcs] = (uintptr_t)frames[npcs + 1];
	return n + 1;
}
#else
NOINLINE int innermost(int n)
{
	const uint64_t *fp = __builtin_frame_address(0);

	for (npcs = 0; last && npcs < 64; fp = (const uint64_t *)(uintptr_t)fp[0]) {
		pcs[npcs++] = fp[1];
		if (fp == last)
			break;
	}
	return n + 1;
}
#endif

/* jumper() tail-calls it; with_rbp() calls it with an rbp of the caller's choice. */
int jumper(int n);
int with_rbp(uint64_t rbp, int n);
extern char with_rbp_return[];

__asm__(".text\n"
	".globl jumper\n"
	".type jumper, @function\n"
	"jumper:\n"
	"	addl $1, %edi\n"
	"	nopl 8(%rax)\n"
	"	jmp innermost\n"
	".size jumper, . - jumper\n"
	".globl with_rbp, with_rbp_return\n"
	".type with_rbp, @function\n"
	"with_rbp:\n"
	"	pushq %rbp\n"
	"	movq %rdi, %rbp\n"
	"	movl %esi, %edi\n"
	"	call innermost\n"
	"with_rbp_return:\n"
	"	popq %rbp\n"
	"	ret\n"
	".size with_rbp, . - with_rbp\n");

NOINLINE int middle(int n)
{
	char room[600]; /* farther than one piece that is read at once */

	memset(room, n, sizeof(room));
	sink = room[n & 511];
	n = n > 100 ? jumper(n) : innermost(n);
	sink = n;
	return n + 1;
}

NOINLINE int outer(int n)
{
	n = middle(n);
	sink = n;
	return n + 1;
}

/* Each level is a call of the same function. */
NOINLINE int deep(int n)
{
	n = n % 100 ? deep(n - 1) : innermost(n);
	sink = n;
	return n;
}

/* Its stack is realigned, and of a size that is known late. */
NOINLINE int aligned(int n)
{
	char room[64] __attribute__((aligned(64)));
	char *more = alloca((size_t)n & 255);

	memset(room, n, sizeof(room));
	more[0] = room[n & 63];
	n = outer(more[0]);
	sink = room[n & 63] + more[0];
	return n + 1;
}

/* Called by libc. */
static NOINLINE int compare(const void *a, const void *b)
{
	int n = *(const int *)a - *(const int *)b;

	sink = outer(1);
	return n + (sink & 0);
}

static NOINLINE void sorted(void)
{
	int v[2] = { 2, 1 };

	qsort(v, 2, sizeof(v[0]), compare);
	sink = v[0];
}

static NOINLINE void *in_thread(void *arg)
{
	last = __builtin_frame_address(0);
	sink = outer(1);
	return arg;
}

static NOINLINE void on_signal(int sig)
{
	last = __builtin_frame_address(0);
	sink = outer(sig);
}

static void thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, in_thread, NULL) || pthread_join(t, NULL))
		abort();
}

static void signalled(void)
{
	static char alt[65536];
	stack_t s = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction a = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	if (sigaltstack(&s, NULL) || sigaction(SIGUSR1, &a, NULL) || raise(SIGUSR1))
		abort();
}

/* Returned to from with_rbp(), whatever rbp was. */
static void wild(void)
{
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t here = (uintptr_t)__builtin_frame_address(0);
	uint64_t rbp[] = { 0,
			   1,
			   8,
			   UINT64_MAX,
			   ~7ull,
			   0xffffffff80000000,
			   here + 1,
			   here - 8,
			   (uintptr_t)edge + 4096 - 8,
			   (uintptr_t)edge + 4096,
			   (uintptr_t)edge,
			   0x8000000000000000,
			   (uintptr_t)&innermost,
			   (uintptr_t)&sink };

	if (edge == MAP_FAILED || mprotect(edge + 4096, 4096, PROT_NONE))
		abort();
	last = NULL;
	for (unsigned i = 0; i < sizeof(rbp) / sizeof(rbp[0]); i++)
		if (with_rbp(rbp[i], (int)i) != (int)i + 1)
			abort();
	pcs[0] = (uintptr_t)with_rbp_return;
	npcs = 1;
	munmap(edge, 8192);
}

static void fail_malloc(void)
{
	volatile int *code = &errno; /* clang holds that malloc() leaves errno alone */
	void *volatile p;

	*code = 0;
	p = malloc(4242);
	printf("%s: %s\n", p ? "memory" : "NULL", strerror(*code));
	free(p);
}

#ifdef ODD_ERRNO /* nobody's way to keep errno */
__attribute__((visibility("default"))) int *__errno_location(void)
{
	static int all[4];

	return &all[sink & 3];
}
#endif

static NOINLINE void command(const char *line)
{
	last = __builtin_frame_address(0);
	npcs = 0;
	if (!strcmp(line, "outer"))
		sink = outer(1);
	if (!strcmp(line, "jump"))
		sink = outer(101);
	if (!strcmp(line, "deep"))
		sink = deep(25);
	if (!strcmp(line, "thread"))
		thread();
	if (!strcmp(line, "signal"))
		signalled();
	if (!strcmp(line, "aligned"))
		sink = aligned(100);
	if (!strcmp(line, "sorted"))
		sorted();
	if (!strcmp(line, "wild"))
		wild();
	if (!strcmp(line, "malloc"))
		fail_malloc();
	for (unsigned i = 0; i < npcs; i++)
		printf("pc %#lx\n", (unsigned long)pcs[i]);
}

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		command(line);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
