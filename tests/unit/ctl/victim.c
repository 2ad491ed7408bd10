/*
 * victim.c - programs to be traced, chosen by the first argument.
 *
 * answer() gives 1; tests patch it to give 42.  The copies after it are where a thread that
 * stands inside a window is moved to.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int answer(void);
long nap(const struct timespec *t, struct timespec *left);
long nap_copy(const struct timespec *t, struct timespec *left);
extern char **environ;

__asm__(".text\n"
	".globl answer, answer_copy, nap, nap_copy\n"
	".type answer, @function\n"
	".type nap, @function\n"
	".balign 16\n"
	"answer: movl $1, %eax\n ret\n .size answer, . - answer\n .skip 10, 0x90\n"
	"answer_copy: movl $1, %eax\n ret\n .skip 10, 0x90\n"
	/* nanosleep, the system call inside or at the end of the window */
	"nap: movl $35, %eax\n syscall\n nop\n ret\n .size nap, . - nap\n .skip 10, 0x90\n"
	"nap_copy: movl $35, %eax\n syscall\n nop\n orq $0x10000, %rax\n ret\n"
	/* the same bytes lie 4 KiB - 3 behind a page's start: a window across two pages */
	".balign 4096\n .skip 4093, 0x90\n"
	".globl edge\n .type edge, @function\n"
	"edge: movl $1, %eax\n ret\n .size edge, . - edge\n");
int edge(void);

static volatile int from_constructor;

__attribute__((constructor)) static void early(void)
{
	from_constructor = answer();
}

static int show_env(void)
{
	char **e = environ;
	const unsigned long *aux;

	for (; *e; e++) {
		if (!strncmp(*e, "LD_", 3))
			printf("%s\n", *e);
	}
	/* who walks past the environment finds the auxiliary vector there */
	for (aux = (unsigned long *)(e + 1); *aux && *aux != AT_PAGESZ; aux += 2)
		;
	printf("page size %lu\n", *aux ? aux[1] : 0);
	fflush(stdout);
	return system("cat /proc/$$/environ | tr '\\0' '\\n' | grep ^LD_; exit 3") >> 8;
}

static bool in_environ(const char *entry)
{
	for (char **e = environ; *e; e++) {
		if (!strcmp(*e, entry))
			return true;
	}
	return false;
}

/* An entry of ours is one that libc's environment has not: PWD may well name a folder "utramp". */
static int show_raw_env(void)
{
	static char text[1 << 17];
	FILE *f = fopen("/proc/self/environ", "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	bool ours = false;

	for (const char *e = text; e < text + n; e += strlen(e) + 1)
		ours |= strstr(e, "utramp") && !in_environ(e);
	printf("utramp in environ: %s\n", ours ? "yes" : "no");
	return 0;
}

static int show_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	printf("%d fds\n", n - 1);
	return 0;
}

/* -- many threads -------------------------------------------------------------------------- */

static volatile int stop_now;

static void *busy(void *arg)
{
	uint64_t h = 1469598103934665603u, want;
	long bad = 0;

	for (int i = 0; i < 1000; i++)
		h = (h ^ (uint64_t)i) * 1099511628211u;
	want = h;
	while (!stop_now) {
		h = 1469598103934665603u;
		for (int i = 0; i < 1000; i++) {
			int a = answer();

			bad += a != 1 && a != 42;
			h = (h ^ (uint64_t)i) * 1099511628211u;
		}
		bad += h != want;
	}
	return (void *)bad;
}

static int many_threads(void)
{
	pthread_t t[20];
	char byte;
	long bad = 0;

	for (int i = 0; i < 20; i++)
		pthread_create(&t[i], NULL, busy, NULL);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	stop_now = 1;
	for (int i = 0; i < 20; i++) {
		void *r;

		pthread_join(t[i], &r);
		bad += (long)r;
	}
	printf("bad %ld\n", bad);
	return bad != 0;
}

/* Threads come and go all the time. */
static void *short_lived(void *arg)
{
	return (void *)(long)answer();
}

static int churn(void)
{
	long n = 0, bad = 0;

	printf("ready\n");
	fflush(stdout);
	for (uint64_t end = (uint64_t)time(NULL) + 3; (uint64_t)time(NULL) < end; n++) {
		pthread_t t[4];

		for (int i = 0; i < 4; i++)
			bad += pthread_create(&t[i], NULL, short_lived, NULL) != 0;
		for (int i = 0; i < 4; i++) {
			void *r;

			pthread_join(t[i], &r);
			bad += r != (void *)1 && r != (void *)42;
		}
	}
	printf("bad %ld\n", bad);
	return bad != 0 || n < 10;
}

/* -- calls that a stop interrupts ------------------------------------------------------------ */

/* Real signals still interrupt, and none gets lost. */
static volatile int caught;

static void on_signal(int sig)
{
	__atomic_fetch_add(&caught, 1, __ATOMIC_RELAXED);
}

static int signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int sent = 0, e = epoll_create1(0), interrupted = 0;
	struct epoll_event ev;

	sigaction(SIGRTMIN, &sa, NULL);
	printf("ready\n");
	fflush(stdout);
	if (fork() == 0) {
		union sigval v = { .sival_int = 0 };

		for (int i = 0; i < 2000; i++) {
			while (sigqueue(getppid(), SIGRTMIN, v) && errno == EAGAIN)
				usleep(1000);
			usleep(500);
		}
		_exit(0);
	}
	sent = 2000;
	while (caught < sent) {
		int r = epoll_wait(e, &ev, 1, 2000);

		if (r == 0 && caught < sent)
			break;
		interrupted += r < 0 && errno == EINTR;
	}
	printf("caught %d of %d, interrupted %s\n", caught, sent, interrupted > 0 ? "yes" : "no");
	return caught != sent || !interrupted;
}

/*
 * A POSIX timer's signals, whose taking drops the kernel's lock (posixtimer_rearm()): a
 * PTRACE_INTERRUPT that comes just then is forgotten at the signal's own stop.
 */
static int timer_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerspec its = { { 0, 100000 }, { 0, 100000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	volatile unsigned long n = 0;
	timer_t t;

	sigaction(SIGALRM, &sa, NULL);
	if (timer_create(CLOCK_MONOTONIC, &ev, &t) || timer_settime(t, 0, &its, NULL))
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (!stop_now) {
		struct pollfd in = { .fd = 0, .events = POLLIN };

		for (int i = 0; i < 20000; i++)
			n++;
		stop_now = poll(&in, 1, 0) > 0;
	}
	printf("caught %s\n", caught > 100 ? "many" : "few");
	return 0;
}

/* SIGALRM gets through inside epoll_pwait() only, and each wait is for ever: one signal, one EINTR. */
static int masked_wait(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int rounds = 0, e = epoll_create1(0);
	sigset_t block, none;
	struct epoll_event ev;

	sigaction(SIGALRM, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	printf("ready\n");
	fflush(stdout);
	while (rounds < 50 && epoll_pwait(e, &ev, 1, -1, &none) == -1 && errno == EINTR) {
		rounds++;
		if (write(1, ".", 1) != 1)
			return 1;
	}
	printf("\n%d rounds, caught %d\n", rounds, caught);
	return 0;
}

static int napping(void)
{
	struct timespec t = { .tv_sec = 1 };
	struct timespec from, to;
	long r, took;

	printf("ready\n");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &from);
	r = nap(&t, NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	printf("nap %#lx %s\n", r, took >= 1000 && took < 1500 ? "whole" : "cut");
	return 0;
}

/* The interrupted pc lies in the signal frame, inside answer(). */
static void on_segv_like(int sig, siginfo_t *si, void *context)
{
	char byte;

	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
}

static int in_handler(void)
{
	struct sigaction sa = { .sa_sigaction = on_segv_like, .sa_flags = SA_SIGINFO };
	volatile uint64_t on_stack = (uint64_t)answer + 5, first = (uint64_t)answer;

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	return on_stack == 0 || first == 0;
}

static int forking(void)
{
	char byte;
	pid_t c = fork();

	if (c == 0) {
		while (read(0, &byte, 1) > 0)
			;
		_exit(answer());
	}
	printf("ready\n");
	fflush(stdout);
	int st;

	waitpid(c, &st, 0);
	printf("parent %d child %d\n", answer(), WEXITSTATUS(st));
	return 0;
}

/* A thread that waits for its vfork child cannot be stopped. */
static int vforking(int seconds)
{
	int st;
	pid_t c;

	printf("ready\n");
	fflush(stdout);
	c = vfork();
	if (c == 0) {
		syscall(SYS_nanosleep, &(struct timespec){ .tv_sec = seconds }, NULL);
		_exit(0);
	}
	waitpid(c, &st, 0);
	printf("answer %d\n", answer());
	return 6;
}

/* The first thread is gone, the process lives on. */
static void *survivor(void *arg)
{
	char byte;

	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	exit(answer());
}

static int leaderless(void)
{
	pthread_t t;

	pthread_create(&t, NULL, survivor, NULL);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char byte;

	if (!strcmp(what, "env"))
		return show_env();
	if (!strcmp(what, "rawenv"))
		return show_raw_env();
	if (!strcmp(what, "fds"))
		return show_fds();
	if (!strcmp(what, "early"))
		return printf("%d %d %d\n", from_constructor, answer(), edge()) < 0;
	if (!strcmp(what, "threads"))
		return many_threads();
	if (!strcmp(what, "churn"))
		return churn();
	if (!strcmp(what, "signals"))
		return signals();
	if (!strcmp(what, "timer"))
		return timer_signals();
	if (!strcmp(what, "masked"))
		return masked_wait();
	if (!strcmp(what, "nap"))
		return napping();
	if (!strcmp(what, "handler"))
		return in_handler();
	if (!strcmp(what, "vfork"))
		return vforking(3);
	if (!strcmp(what, "vfork-long"))
		return vforking(7);
	if (!strcmp(what, "leaderless"))
		return leaderless();
	if (!strcmp(what, "fork"))
		return forking();
	if (!strcmp(what, "cat")) {
		printf("ready\n");
		fflush(stdout);
		while (read(0, &byte, 1) > 0)
			;
		return 5;
	}
	if (!strcmp(what, "exec")) {
		printf("ready\n");
		fflush(stdout);
		while (read(0, &byte, 1) > 0)
			;
		execlp("sleep", "sleep", "0.5", (char *)NULL);
	}
	if (!strcmp(what, "sigtrap")) {
		struct sigaction sa;
		sigset_t set;

		sigaction(SIGTRAP, NULL, &sa);
		sigprocmask(SIG_SETMASK, NULL, &set);
		printf("%s %s\n", sa.sa_handler == SIG_IGN ? "ignored" : "default",
		       sigismember(&set, SIGTRAP) ? "blocked" : "open");
		return 0;
	}
	return 99;
}
