/*
 * die_test.c - a tracer that is killed behind any of its ptrace() calls leaves no trace in what a
 * thread of the process waits for: neither an error that is none, nor a call that ends early.
 *
 * ptrace() is wrapped: behind the N-th call the tracer kills itself.  A victim goes through all
 * of them, one after the other.
 */
#include "ctl_util.h"

#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 400 };

static int die_behind, calls;

long __real_ptrace(int request, pid_t pid, void *addr, void *data);
long __wrap_ptrace(int request, pid_t pid, void *addr, void *data);

long __wrap_ptrace(int request, pid_t pid, void *addr, void *data)
{
	long r = __real_ptrace(request, pid, addr, data);

	if (die_behind && ++calls == die_behind)
		kill(getpid(), SIGKILL);
	return r;
}

/* Waits as told, by a system call without libc's ways out, and tells its result. */
struct waiter {
	pid_t pid;
	int fd; /* its socket */
};

static long wait_read(int fd)
{
	char c;
	long r = syscall(SYS_read, fd, &c, 1);

	return r == 1 ? c : r < 0 ? -errno : -4000;
}

static long wait_poll(int fd)
{
	struct pollfd pf = { .fd = fd, .events = POLLIN };
	long r = syscall(SYS_poll, &pf, 1, 30000);

	return r == 1 ? wait_read(fd) : r < 0 ? -errno : -4001;
}

static void waiter_start(struct waiter *w, long (*wait)(int fd))
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	fflush(stdout);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fd[0]);
		for (;;) {
			long r = wait(fd[1]);

			if (write(fd[1], &r, sizeof(r)) != sizeof(r))
				_exit(1);
		}
	}
	close(fd[1]);
	w->fd = fd[0];
}

static void waiter_end(const struct waiter *w)
{
	int st;

	kill(w->pid, SIGKILL);
	assert_int_equal(waitpid(w->pid, &st, 0), w->pid);
	assert_int_equal(WTERMSIG(st), SIGKILL); /* of nothing before */
	close(w->fd);
}

/* It has not come back; a byte makes it, with that byte and nothing else. */
static void waiter_asks(const struct waiter *w, int round)
{
	struct pollfd pf = { .fd = w->fd, .events = POLLIN };
	char c = (char)(round % 100 + 1);
	long r = 0;

	if (poll(&pf, 1, 5)) {
		assert_int_equal(read(w->fd, &r, sizeof(r)), sizeof(r));
		fail_msg("killed behind ptrace() %d: it came back with %ld", round, r);
	}
	assert_int_equal(write(w->fd, &c, 1), 1);
	assert_int_equal(poll(&pf, 1, 20000), 1);
	assert_int_equal(read(w->fd, &r, sizeof(r)), sizeof(r));
	if (r != c)
		fail_msg("killed behind ptrace() %d: %ld instead of %d", round, r, c);
}

static void await_blocked(pid_t pid)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	char path[32], text[256] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 20000; i++) {
		FILE *f = fopen(path, "re");
		const char *at = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;

		if (f)
			fclose(f);
		if (at && at[2] == 'S')
			return;
		nanosleep(&ms, NULL);
	}
	fail_msg("%s", text);
}

static int one_call(pid_t pid)
{
	const uint64_t none[6] = { 0 };
	struct process *p = process_of(pid);
	int good = process_stop(p, NULL) == 0 && process_syscall(p, SYS_getpid, none) == pid &&
		   process_resume(p, NULL) == 0;

	return good ? 0 : 4;
}

static int whole_attach(pid_t pid)
{
	const struct process_attach_opts opts = { .slab = template_get() };
	struct process *p;
	struct diag d;

	if (process_attach(pid, &opts, &p, &d) < 0) {
		fprintf(stderr, "%s\n", d.text);
		return 4;
	}
	return process_resume(p, NULL) == 0 ? 0 : 5;
}

/* true: it was killed; else it has done its work. */
static bool tracer_dies(pid_t pid, int (*work)(pid_t pid), int behind)
{
	pid_t tracer;
	int st;

	fflush(stdout);
	tracer = fork();
	assert_true(tracer >= 0);
	if (tracer == 0) {
		die_behind = behind;
		_exit(work(pid));
	}
	assert_int_equal(waitpid(tracer, &st, 0), tracer);
	if (WIFSIGNALED(st))
		return true;
	assert_int_equal(WEXITSTATUS(st), 0);
	return false;
}

/* Each STEP-th call; how many there are. */
static int die_everywhere(long (*wait)(int fd), int (*work)(pid_t pid), int step)
{
	struct waiter w;
	int round;

	waiter_start(&w, wait);
	for (round = 1; round < MOST * step; round += step) {
		await_blocked(w.pid);
		if (!tracer_dies(w.pid, work, round))
			break;
		waiter_asks(&w, round);
	}
	waiter_asks(&w, round);
	waiter_end(&w);
	return round;
}

static void test_call_read(void **state)
{
	assert_in_range(die_everywhere(wait_read, one_call, 1), 10, MOST - 1);
}

static void test_call_poll(void **state)
{
	assert_in_range(die_everywhere(wait_poll, one_call, 1), 10, MOST - 1);
}

/* Each victim gets slabs by every try that came far enough: not too many. */
static void test_attach(void **state)
{
	assert_in_range(die_everywhere(wait_read, whole_attach, 5), 40, 5 * MOST - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_read),
		cmocka_unit_test(test_call_poll),
		cmocka_unit_test(test_attach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
