/*
 * ctl/aside.c - see aside.h.
 *
 * Context  [ctl]
 */
#include "ctl/aside.h"

#include "ctl/bare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (2u << 20)
#define LOOK_NS    20000000l /* how often it is looked whether the one in between lives */
#define MASK_BYTES 8
#define KEPT       (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1))

static uint64_t word(const volatile void *p)
{
	return (uintptr_t)p;
}

static void tell(uint32_t *at)
{
	__atomic_store_n(at, 1, __ATOMIC_RELEASE);
	bare_syscall(SYS_futex, word(at), FUTEX_WAKE, INT32_MAX, 0);
}

static bool is_told(uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static void wait_told(uint32_t *at)
{
	const struct timespec nap = { .tv_nsec = LOOK_NS };

	bare_syscall(SYS_futex, word(at), FUTEX_WAIT, 0, word(&nap));
}

/* -- the helper, and the one in between ------------------------------------------------------- */

/* A parent that has ended before this leaves somebody else as the parent. */
static void end_with_parent(pid_t parent)
{
	bare_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	if (bare_syscall(SYS_getppid, 0, 0, 0, 0) != parent)
		bare_syscall(SYS_exit_group, 0, 0, 0, 0);
}

static void help(const struct aside *a)
{
	char byte;

	end_with_parent(a->between);
	if (bare_syscall(SYS_read, (uint64_t)a->go[0], word(&byte), 1, 0) == 1)
		a->job(a->arg);
	bare_syscall(SYS_exit_group, 0, 0, 0, 0);
	__builtin_unreachable();
}

static int run_between(void *arg)
{
	struct aside *a = arg;
	pid_t helper;

	end_with_parent(a->caller);
	a->between = (pid_t)bare_syscall(SYS_getpid, 0, 0, 0, 0);
	/* its descriptors are its own: the helper is to see the end of our parent's */
	bare_syscall(SYS_close, (uint64_t)a->go[1], 0, 0, 0);
	helper = fork();
	if (helper == 0)
		help(a);
	a->err = helper < 0 ? -errno : 0;
	a->helper = helper;
	tell(&a->told); /* from here on bare calls */
	while (helper > 0 && !is_told(&a->seen))
		wait_told(&a->seen);
	while (helper > 0 && bare_syscall(SYS_wait4, (uint64_t)helper, 0, __WALL, 0) == -EINTR)
		;
	bare_syscall(SYS_exit, 0, 0, 0, 0);
	__builtin_unreachable();
}

/* -- the caller -------------------------------------------------------------------------------- */

static bool is_over(pid_t pid)
{
	siginfo_t si = { 0 };
	long r = bare_syscall(SYS_waitid, P_PID, (uint64_t)pid, word(&si),
			      WEXITED | WNOHANG | WNOWAIT | __WALL);

	return r == -ECHILD || (r == 0 && si.si_pid == pid);
}

/* Collected by somebody else: then it has ended as well. */
static void collect(pid_t pid)
{
	while (bare_syscall(SYS_wait4, (uint64_t)pid, 0, __WALL, 0) == -EINTR)
		;
}

/* Not bare: who makes this call by itself goes around our handler (attach/faults.c F.3). */
static void block(struct aside *a)
{
	uint64_t set = ~KEPT, was = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &was, MASK_BYTES);
	a->blocked = ~was & ~KEPT;
}

static void unblock(const struct aside *a)
{
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &a->blocked, NULL, MASK_BYTES);
}

static int start(struct aside *a)
{
	pid_t pid = clone(run_between, (char *)a->stack + STACK_SIZE, CLONE_VM, a);

	if (pid < 0)
		return -errno;
	a->between = pid;
	while (!is_told(&a->told) && !is_over(pid))
		wait_told(&a->told);
	if (!is_told(&a->told))
		a->err = -ECHILD;
	/* a pid means this helper as long as nobody has collected it */
	if (!a->err) {
		a->pidfd = (int)syscall(SYS_pidfd_open, a->helper, 0);
		a->err = a->pidfd < 0 ? -errno : 0;
	}
	if (a->err) {
		close(a->go[1]); /* its end: there is nothing to do */
		a->go[1] = -1;
		tell(&a->seen);
		collect(pid);
	}
	return a->err;
}

static void close_all(struct aside *a)
{
	const int fd[] = { a->go[0], a->go[1], a->pidfd };

	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		if (fd[i] >= 0)
			close(fd[i]);
	}
	munmap(a->stack, STACK_SIZE);
}

int aside_begin(struct aside *a, void (*job)(void *arg), void *arg, struct diag *d)
{
	int err;

	*a = (struct aside){ .job = job,
			     .arg = arg,
			     .go = { -1, -1 },
			     .pidfd = -1,
			     .caller = getpid(),
			     .helper = -1 };
	a->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (a->stack == MAP_FAILED)
		return diag_set(d, -errno, "no memory for a helper's stack");
	err = pipe2(a->go, O_CLOEXEC) < 0 ? -errno : 0;
	if (!err) {
		block(a);
		err = start(a);
		if (err)
			unblock(a);
	}
	if (err) {
		close_all(a);
		return diag_set(d, err, "a helper cannot be started: %s", strerror(-err));
	}
	return 0;
}

void aside_end(struct aside *a)
{
	struct pollfd over = { .fd = a->pidfd, .events = POLLIN };

	tell(&a->seen);
	bare_syscall(SYS_write, (uint64_t)a->go[1], word(""), 1, 0);
	collect(a->between);
	while (bare_syscall(SYS_poll, word(&over), 1, UINT64_MAX, 0) == -EINTR)
		;
	close_all(a);
	unblock(a);
}
