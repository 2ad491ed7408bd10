/*
 * ctl/admit_try.c - what the kernel lets us do, tried on a child of our own.
 *
 * Rules have many sources (a filter on ourselves, Yama, SELinux, the kernel's configuration and
 * its command line), so it is done instead of guessed.  The child does nothing but wait: it is
 * killed at the end, and by the kernel if we die before.
 *
 * Errors   in the struct
 * Context  [ctl] the child makes raw system calls only, since other threads may hold locks; its
 *          end sends no signal to a program that uses the library
 * Spec     clone(2): no exit signal, so waitpid(2) needs __WALL; proc_pid_mem(5) and the boot
 *          parameter proc_mem.force_override (fs/proc/base.c); ptrace(2) PTRACE_O_SUSPEND_SECCOMP
 */
#include "base/cleanup.h"
#include "ctl/admit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long trace(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, (long)pid, addr, data) < 0 ? -errno : 0;
}

__attribute__((noreturn)) static void child_main(void)
{
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;)
		syscall(SYS_pause);
}

/* A byte of code, replaced by itself: the page is private to the child and r-x. */
static int write_code(int mem)
{
	off_t at = (off_t)(uintptr_t)admit_try;
	uint8_t byte;

	if (mem < 0)
		return mem;
	if (pread(mem, &byte, 1, at) != 1)
		return -EIO;
	return pwrite(mem, &byte, 1, at) == 1 ? 0 : -errno;
}

static void try_child(pid_t pid, struct admit_probe *out)
{
	uint64_t mask;
	char path[32];
	int mem, st;

	out->trace = (int)trace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL);
	if (!out->trace)
		out->trace = (int)trace(PTRACE_INTERRUPT, pid, 0, 0);
	if (!out->trace && TEMP_FAILURE_RETRY(waitpid(pid, &st, __WALL)) != pid)
		out->trace = -errno;
	if (out->trace)
		return;
	out->sigmask = (int)trace(PTRACE_GETSIGMASK, pid, sizeof(mask), (unsigned long)&mask);
	out->suspend =
		(int)trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		mem = -errno;
	out->write = write_code(mem);
	/* it may run now; the descriptor stays good */
	trace(PTRACE_DETACH, pid, 0, 0);
	out->touch = write_code(mem);
	if (mem >= 0)
		close(mem);
}

void admit_try(struct admit_probe *out)
{
	const int untried = -ENOTSUP;
	pid_t pid;
	int st;

	*out = (struct admit_probe){ untried, untried, untried, untried, untried, false };
	pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid == 0)
		child_main();
	if (pid < 0) {
		out->no_fork = true;
		out->trace = -errno;
		return;
	}
	try_child(pid, out);
	kill(pid, SIGKILL);
	do
		st = 0;
	while (TEMP_FAILURE_RETRY(waitpid(pid, &st, __WALL)) == pid && !WIFEXITED(st) &&
	       !WIFSIGNALED(st));
}
