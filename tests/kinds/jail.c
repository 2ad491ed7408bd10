/*
 * jail.c WHO [THREADS] - a program under a filter that kills it for any system call but its own.
 *
 * Its threads call work() and sleep; the first one also reads its standard input, without blocking.
 * Who is under the filter:
 *
 *   nobody
 *   all       from before "ready" on
 *   others    all threads but the first
 *   first     the first thread alone
 *   mode1     the first, which is alone, under SECCOMP_MODE_STRICT: read, write, exit, sigreturn
 *
 * A byte 's' on standard input puts all under the filter that are not (it says "jailed"), '.' or the
 * end ends it with "ok N", N calls of work() that were right.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_ulong calls;
static atomic_bool over;
static pthread_barrier_t ready;
static int filter_others;

__attribute__((noinline)) long work(long a, long b)
{
	__asm__ volatile("");
	return a * 3 + b;
}

/* Whose argument is shown as text: reading it needs a signal handler of the tool's in here. */
__attribute__((noinline)) long name(const char *text)
{
	__asm__ volatile("" : : "r"(text) : "memory");
	return text[0];
}

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(8);
}

static void check(long i)
{
	if (work(i, 7) != i * 3 + 7) {
		say("wrong\n");
		_exit(9);
	}
	if (name("jailed") != 'j')
		_exit(9);
	calls++;
}

static void jail(unsigned flags)
{
	static const unsigned allowed[] = {
		SYS_read,      SYS_write,           SYS_exit,           SYS_exit_group, SYS_futex,
		SYS_nanosleep, SYS_clock_nanosleep, SYS_restart_syscall
	};
	enum { N = sizeof(allowed) / sizeof(allowed[0]) };
	struct sock_filter f[N + 3] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr)) };
	struct sock_fprog prog = { N + 3, f };

	for (unsigned i = 0; i < N; i++)
		f[i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							(unsigned char)(N - i), 0);
	f[N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	f[N + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) != 0) {
		say("no filter\n");
		_exit(7);
	}
}

static void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

static void *other(void *arg)
{
	if (filter_others)
		jail(0);
	pthread_barrier_wait(&ready);
	for (long i = 0; !over; i++) {
		check(i);
		nap();
	}
	for (;;) /* libc's way out has system calls of its own */
		nap();
	return arg;
}

static void end(int alone)
{
	char text[64];

	over = 1;
	snprintf(text, sizeof(text), "ok %lu\n", (unsigned long)calls);
	say(text);
	syscall(alone ? SYS_exit : SYS_exit_group, 0);
}

int main(int argc, char **argv)
{
	const char *who = argc > 1 ? argv[1] : "nobody";
	int n = argc > 2 ? atoi(argv[2]) : 0, alone = !strcmp(who, "mode1");
	pthread_t t;
	char c;

	filter_others = !strcmp(who, "others");
	fcntl(0, F_SETFL, O_NONBLOCK);
	pthread_barrier_init(&ready, NULL, (unsigned)n + 1);
	for (int i = 0; i < n; i++)
		pthread_create(&t, NULL, other, NULL);
	pthread_barrier_wait(&ready);
	if (!strcmp(who, "all"))
		jail(SECCOMP_FILTER_FLAG_TSYNC);
	if (!strcmp(who, "first"))
		jail(0);
	if (alone && prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) != 0)
		return 7;
	say("ready\n");
	for (long i = 0;; i++) {
		ssize_t got = read(0, &c, 1);

		check(i);
		if (got == 0 || (got > 0 && c == '.'))
			break;
		if (got > 0 && c == 's') {
			jail(SECCOMP_FILTER_FLAG_TSYNC);
			say("jailed\n");
		}
		if (!alone)
			nap();
	}
	end(alone);
}
