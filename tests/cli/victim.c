/*
 * victim.c - the command of the command-line tests: does what its first argument says.
 *
 *   exit N   kill N   call N   loop N (ms a line; until stdin ends)   env   fds   ctx
 *   alarm N (N calls, a handler calls as well, each millisecond)
 */
#include "plain.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

extern char **environ;

__attribute__((noinline)) int work(int a, int b)
{
	__asm__ volatile("" : "+r"(a));
	return a + b;
}

__attribute__((noinline)) double half(double x, const char *why)
{
	__asm__ volatile("" : "+x"(x));
	return why[0] ? x / 2 : x;
}

/* Three of them on the stack, each of another size. */
__attribute__((noinline)) long nine(int a, long b, short c, char d, const char *e, unsigned f,
				    long g, signed char h, unsigned short i)
{
	__asm__ volatile("" : "+r"(a));
	return a + b + c + d + e[0] + f + g + h + i;
}

__attribute__((noinline)) int sum_of(int n, ...)
{
	va_list ap;
	int sum = 0;

	va_start(ap, n);
	while (n-- > 0)
		sum += va_arg(ap, int);
	va_end(ap);
	return sum;
}

static int chosen(void)
{
	return 4;
}

__attribute__((used)) static int (*choose(void))(void)
{
	return chosen;
}

int either(void) __attribute__((ifunc("choose")));

/* One byte long, and what follows is jumped to: no room for a patch, neither in nor behind. */
int tiny(void);
int target(void);
__asm__(".text\n"
	".p2align 4\n"
	".globl tiny, target\n"
	".type tiny, @function\n"
	"tiny: ret\n"
	".size tiny, 1\n"
	".type target, @function\n"
	"target: dec %edi\n"
	"jne target\n"
	"xor %eax, %eax\n"
	"ret\n"
	".size target, . - target\n");

static void list_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	char path[64], text[256];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%.16s", e->d_name);
		n = readlink(path, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		printf("%s %s\n", e->d_name, strncmp(text, "pipe:", 5) ? text : "pipe");
	}
	if (d)
		closedir(d);
}

/* Until stdin ends, so that no test leaves one behind. */
static void loop(int ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };

	for (int i = 0; poll(&in, 1, ms) == 0; i++) {
		printf("%d\n", work(i, i));
		fflush(stdout);
	}
	puts("end");
}

static volatile int handled;

static void on_alarm(int sig)
{
	handled += work(sig, 1) > 0;
}

static void alarms(int n)
{
	struct itimerval each = { .it_interval = { 0, 1000 }, .it_value = { 0, 1000 } };
	volatile int sum = 0;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &each, NULL);
	for (int i = 0; i < n; i++)
		sum += work(i, 1) - i;
	each = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &each, NULL);
	printf("sum %d\n", sum);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "call";
	int n = argc > 2 ? atoi(argv[2]) : 0;
	volatile int sum = 0;
	jmp_buf jb;

	if (!strcmp(verb, "exit"))
		return n;
	if (!strcmp(verb, "kill"))
		raise(n);
	if (!strcmp(verb, "loop"))
		loop(n);
	if (!strcmp(verb, "alarm"))
		alarms(n);
	if (!strcmp(verb, "fds"))
		list_fds();
	if (!strcmp(verb, "env")) {
		for (char **e = environ; *e; e++)
			puts(*e);
	}
	if (!strcmp(verb, "call")) {
		if (setjmp(jb) == 0)
			sum += tiny() & 0;
		for (int i = 0; i < n; i++)
			sum += work(i, 1) + plain_add(i, 2) + either() + (int)half(i, "x");
		n = (int)nine(n, 2, 3, 4, "x", 6, 7, 8, 9) + sum_of(1, n);
		printf("sum %d\n", sum + target() * 0);
	}
	return 0;
}
