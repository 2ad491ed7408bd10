/*
 * victim.c - processes as they make others, and what they notice of it: for follow.py.
 *
 *	victim MODE [ARG...]
 *
 * Each mode prints what it saw, the same whether it is followed or not; its exit code is part of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

__attribute__((noinline)) int work(int n)
{
	__asm__ volatile("" ::: "memory");
	return 2 * n + 1;
}

__attribute__((noinline)) static int calls(int n)
{
	int good = 0;

	for (int i = 0; i < n; i++)
		good += work(i) == 2 * i + 1;
	return good != n;
}

static void check(int ok, const char *what)
{
	if (ok)
		return;
	printf("failed: %s: %s\n", what, strerror(errno));
	exit(99);
}

static int await(pid_t pid)
{
	int st = 0;

	check(waitpid(pid, &st, 0) == pid, "waitpid");
	return st;
}

/* calls N */
static int do_calls(char **arg)
{
	return calls(atoi(arg[0]));
}

/* fork N M: N children, each of which has one of its own; M calls each */
static int do_fork(char **arg)
{
	int n = atoi(arg[0]), m = atoi(arg[1]), bad = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (!pid) {
			pid = fork();
			if (!pid)
				_exit(calls(m));
			_exit(calls(m) || await(pid));
		}
		bad += await(pid) != 0;
	}
	return bad;
}

/* leave M: a child that outlives its parent, and then calls */
static int do_leave(char **arg)
{
	if (fork())
		return 0;
	usleep(200000);
	_exit(calls(atoi(arg[0])));
}

/* spawn HOW ARG...: this program again, by posix_spawn(), vfork(), or a shared memory without it */
static int shared_main(void *arg)
{
	execv("/proc/self/exe", arg);
	_exit(98);
}

static int do_spawn(char **arg)
{
	static char stack[65536];
	char *how = arg[0];
	pid_t pid = 0;

	arg[0] = (char *)"victim";
	if (!strcmp(how, "posix"))
		check(!posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arg, environ), "spawn");
	else if (!strcmp(how, "vfork") && !(pid = vfork()))
		_exit(execv("/proc/self/exe", arg));
	else if (!strcmp(how, "clone"))
		pid = clone(shared_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, arg);
	check(pid > 0, how);
	return WEXITSTATUS(await(pid)) + calls(1);
}

/* exec ARG...: from a thread that is not the first */
static void *exec_thread(void *arg)
{
	calls(2);
	execv("/proc/self/exe", arg);
	return NULL;
}

static void *wait_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int do_exec(char **arg)
{
	pthread_t t;

	check(!pthread_create(&t, NULL, wait_thread, NULL), "thread");
	check(!pthread_create(&t, NULL, exec_thread, arg - 1), "thread");
	pthread_join(t, NULL);
	return 97;
}

/* signals N: queued ones, each of which has to arrive, and a timer's */
static volatile sig_atomic_t got, sum, alarms;

static void on_queued(int sig, siginfo_t *si, void *ctx)
{
	(void)sig, (void)ctx;
	sum += si->si_value.sival_int;
	work(got++);
}

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static int do_signals(char **arg)
{
	struct sigaction sa = { .sa_sigaction = on_queued, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, none = { { 0, 0 }, { 0, 0 } };
	int n = atoi(arg[0]), want = 0, in[2];
	pid_t parent = getpid(), pid;
	char byte;

	sigaction(SIGRTMIN, &sa, NULL);
	sa = (struct sigaction){ .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &sa, NULL);
	check(!pipe(in), "pipe");
	pid = fork();
	check(pid >= 0, "fork");
	if (!pid) {
		for (int i = 0; i < n; i++) {
			union sigval v = { .sival_int = i };

			while (sigqueue(parent, SIGRTMIN, v) < 0 && errno == EAGAIN)
				usleep(1000);
			usleep(1000);
		}
		_exit(write(in[1], "x", 1) != 1);
	}
	setitimer(ITIMER_REAL, &every, NULL);
	check(read(in[0], &byte, 1) == 1, "read"); /* SA_RESTART: whatever comes */
	setitimer(ITIMER_REAL, &none, NULL);
	check(!await(pid), "child");
	for (int i = 0; i < n; i++)
		want += i;
	printf("%d of %d, sum %s, alarms %s\n", (int)got, n, sum == want ? "right" : "wrong",
	       alarms > 0 ? "came" : "none");
	return 0;
}

/* quiet: ignored signals end no system call */
static int do_quiet(char **arg)
{
	int ep = epoll_create1(0), n = 0;
	struct epoll_event ev;
	pid_t pid = fork();

	(void)arg;
	if (!pid) {
		for (int i = 0; i < 20; i++) {
			if (!fork())
				_exit(0);
			usleep(5000);
			kill(getppid(), SIGWINCH);
			kill(getppid(), SIGCONT);
		}
		usleep(100000);
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	errno = 0;
	/* the child's SIGCHLD ends nothing, either */
	n = epoll_wait(ep, &ev, 1, 600);
	printf("epoll_wait: %d, %s\n", n, strerror(errno));
	return WEXITSTATUS(await(pid));
}

/* jobs: a child that stops, goes on, is killed, as its parent sees it */
static int do_jobs(char **arg)
{
	int st, go[2];
	char byte;
	pid_t pid;

	(void)arg;
	check(!pipe(go), "pipe");
	pid = fork();
	if (!pid) {
		raise(SIGSTOP);
		calls(3);
		check(read(go[0], &byte, 1) == 1, "read"); /* its going on is seen by then */
		raise(SIGSTOP);
		for (;;)
			pause();
	}
	check(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st), "stop");
	printf("stopped by %d\n", WSTOPSIG(st));
	usleep(50000);
	check(waitpid(pid, &st, WUNTRACED | WCONTINUED | WNOHANG) == 0, "it stays so");
	kill(pid, SIGCONT);
	check(waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st), "continue");
	check(write(go[1], "x", 1) == 1, "write");
	check(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st), "stop again");
	printf("stopped by %d\n", WSTOPSIG(st));
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	st = await(pid);
	printf("ended by %d\n", WTERMSIG(st));
	return 0;
}

/* serve N: children that call until standard input ends; their pids, then how many were wrong */
static int serve(int fd)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	int bad = 0;

	for (int n = 0; poll(&in, 1, 1) == 0; n++)
		bad += work(n) != 2 * n + 1;
	return bad;
}

static int do_serve(char **arg)
{
	int n = atoi(arg[0]), bad;

	printf("%d %p\n", getpid(), (void *)work);
	fflush(stdout);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (!pid) {
			printf("%d %p\n", getpid(), (void *)work);
			fflush(stdout);
			_exit(serve(0));
		}
	}
	bad = serve(0);
	while (n--) {
		int st;

		check(wait(&st) > 0, "wait");
		bad += st != 0;
	}
	printf("%d wrong\n", bad);
	return 0;
}

/* storm N: processes that are killed at any moment, or execute this program again */
static int do_storm(char **arg)
{
	int n = atoi(arg[0]);
	unsigned seed = 1;

	for (int i = 0; i < n; i++) {
		char *again[] = { (char *)"victim", (char *)"calls", (char *)"50", NULL };
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (!pid) {
			if (i % 3)
				execv("/proc/self/exe", again);
			for (;;)
				calls(10);
		}
		usleep(rand_r(&seed) % 60000);
		kill(pid, SIGKILL);
		await(pid);
	}
	printf("all ended\n");
	return 0;
}

/* environment: what it is given */
static int do_environment(char **arg)
{
	static char text[65536];
	int fd = open("/proc/self/environ", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text));

	(void)arg;
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(text + i) + 1)
		printf("%s\n", text + i);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char **arg);
} modes[] = {
	{ "calls", do_calls },
	{ "fork", do_fork },
	{ "leave", do_leave },
	{ "spawn", do_spawn },
	{ "exec", do_exec },
	{ "signals", do_signals },
	{ "quiet", do_quiet },
	{ "jobs", do_jobs },
	{ "serve", do_serve },
	{ "storm", do_storm },
	{ "environment", do_environment },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && argc > 1; i++) {
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run(argv + 2);
	}
	return 96;
}
