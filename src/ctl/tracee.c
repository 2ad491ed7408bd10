/*
 * ctl/tracee.c - one thread under ptrace: wait for its stop, read and set registers.
 *
 * Context  [ctl]
 * Spec     ptrace(2); signal(7) "Interruption of system calls and library functions";
 *          kernel/signal.c: get_signal() traps for a pending PTRACE_INTERRUPT before it takes
 *          the next signal, but any other trap, ptrace_stop(), forgets the pending one.  So
 *          it is asked for again at each, and one PTRACE_CONT per signal-delivery-stop suffices;
 *          arch/x86/kernel/signal.c: arch_do_signal_or_restart() reads the call's result, from
 *          the registers, behind that trap;
 *          include/uapi/linux/rseq.h struct rseq, struct rseq_cs; kernel/rseq.c rseq_ip_fixup()
 */
#include "base/cleanup.h"
#include "ctl/follow_priv.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

void tracee_ended(struct process *p, int status)
{
	p->exited = true;
	p->stopped = false;
	p->status = status;
	process_priv(p)->threads.n = 0;
	followed_ended(p, status);
}

bool tracee_is_zombie(pid_t pid, pid_t tid)
{
	char path[64], text[512], *end;
	_fclose_ FILE *f = NULL;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	end = strrchr(text, ')'); /* the command's name may hold anything */
	return !end || !end[1] || end[2] == 'Z' || end[2] == 'X';
}

int tracee_settle(struct process *p, struct tracee *t)
{
	bool zombie = false;

	for (;;) {
		int st, sig;
		pid_t got = waitpid(t->tid, &st, __WALL | WNOHANG);

		if (got < 0)
			return errno == EINTR ? 0 : -ESRCH;
		if (got == 0 && zombie)
			return -ESRCH;
		if (got == 0) {
			/* died since? then it must be waited for, or its process never ends */
			zombie = tracee_is_zombie(p->pid, t->tid);
			if (!zombie)
				return 0;
			continue;
		}
		if (!WIFSTOPPED(st)) {
			if (t->tid == p->pid)
				tracee_ended(p, st);
			return -ESRCH;
		}
		if (st >> 16 == PTRACE_EVENT_STOP) {
			t->stopped = true;
			return 1;
		}
		/* an event or a system call stop has no signal to deliver */
		sig = WSTOPSIG(st);
		if (st >> 16 || sig == (SIGTRAP | 0x80))
			sig = 0;
		ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
		if (ptrace(PTRACE_CONT, t->tid, 0, (long)sig) < 0 && errno != ESRCH)
			return -errno;
	}
}

int tracee_await(struct process *p, struct tracee *t, uint64_t deadline_ns)
{
	for (unsigned turn = 0;; turn++) {
		/* sleeping, not sched_yield(): that hands a whole slice to anybody */
		struct timespec pause = { .tv_nsec = turn < 200 ? 10000 : 1000000 };
		int r = tracee_settle(p, t);

		if (r)
			return r < 0 ? r : 0;
		if (process_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

pid_t tracee_any(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < pp->threads.n; i++) {
		if (pp->threads.at[i].stopped)
			return pp->threads.at[i].tid;
	}
	return p->pid;
}

int tracee_regs(const struct tracee *t, struct user_regs_struct *out)
{
	struct iovec iov = { out, sizeof(*out) };

	if (ptrace(PTRACE_GETREGSET, t->tid, (long)NT_PRSTATUS, &iov) < 0)
		return -errno;
	return iov.iov_len == sizeof(*out) ? 0 : -ENOTSUP; /* shorter: a 32-bit program */
}

int tracee_set_regs(const struct tracee *t, const struct user_regs_struct *regs)
{
	struct user_regs_struct copy = *regs;
	struct iovec iov = { &copy, sizeof(copy) };

	return ptrace(PTRACE_SETREGSET, t->tid, (long)NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static bool peek(const struct tracee *t, taddr_t at, uint64_t *word)
{
	errno = 0;
	*word = (uint64_t)ptrace(PTRACE_PEEKDATA, t->tid, at, 0);
	return errno == 0;
}

taddr_t tracee_rseq_abort(const struct tracee *t, taddr_t pc)
{
	const int get_rseq_configuration = 0x420f; /* Linux 5.13; not in each libc's header */
	struct {
		uint64_t area;
		uint32_t size, signature, flags, pad;
	} c = { 0 };
	uint64_t cs, begin, len, abort_at;

	if (ptrace(get_rseq_configuration, t->tid, sizeof(c), &c) < 0 || !c.area ||
	    !peek(t, c.area + 8, &cs) || !cs)
		return 0;
	if (!peek(t, cs + 8, &begin) || !peek(t, cs + 16, &len) || !peek(t, cs + 24, &abort_at))
		return 0;
	return pc - begin < len ? abort_at : 0;
}

/*
 * Calls that fail with EINTR after a stop though no handler ran, and that had no effect
 * when they do.  close(2) is not one: its descriptor is gone.
 */
static bool call_repeats(uint64_t nr)
{
	static const uint16_t repeat[] = {
		SYS_epoll_wait,   SYS_epoll_pwait, SYS_epoll_pwait2,    SYS_semop,
		SYS_semtimedop,   SYS_read,        SYS_readv,           SYS_write,
		SYS_writev,       SYS_recvfrom,    SYS_recvmsg,         SYS_recvmmsg,
		SYS_sendto,       SYS_sendmsg,     SYS_sendmmsg,        SYS_accept,
		SYS_accept4,      SYS_connect,     SYS_io_getevents,    SYS_io_pgetevents,
		SYS_nanosleep,    SYS_futex,       SYS_clock_nanosleep, SYS_poll,
		SYS_ppoll,        SYS_select,      SYS_pselect6,        SYS_rt_sigtimedwait,
		SYS_msgrcv,       SYS_msgsnd,      SYS_io_uring_enter,  SYS_mq_timedreceive,
		SYS_mq_timedsend,
	};

	for (size_t i = 0; i < ARRAY_LEN(repeat); i++) {
		if (repeat[i] == nr)
			return true;
	}
	return false;
}

/*
 * Only the result changes, to the kernel's own "repeat unless a handler runs": it decides
 * when the thread leaves the kernel, by the signals of then, not of now.  A handler gets its
 * EINTR, with or without SA_RESTART, as these calls always give it (signal(7)).
 */
void tracee_repeat_call(const struct tracee *t)
{
	const int restart_nohand = 514; /* ERESTARTNOHAND, which no header of ours has */
	struct user_regs_struct r;

	if (tracee_regs(t, &r) < 0)
		return;
	if ((int64_t)r.orig_rax < 0 || (int64_t)r.rax != -EINTR || !call_repeats(r.orig_rax))
		return;
	r.rax = (uint64_t)-restart_nohand;
	tracee_set_regs(t, &r);
}

bool tracee_will_restart(const struct user_regs_struct *r)
{
	const int restart_sys = 512, restart_nointr = 513, restart_nohand = 514,
		  restart_block = 516;
	int64_t ret = (int64_t)r->rax;

	return (int64_t)r->orig_rax >= 0 && (ret == -restart_sys || ret == -restart_nointr ||
					     ret == -restart_nohand || ret == -restart_block);
}

void tracee_kill(struct process *p)
{
	int st;

	if (p->exited || p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	for (;;) {
		pid_t got = waitpid(p->pid, &st, __WALL);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			tracee_ended(p, SIGKILL);
			return;
		}
		if (!WIFSTOPPED(st)) {
			tracee_ended(p, st);
			return;
		}
		ptrace(PTRACE_CONT, p->pid, 0, 0);
	}
}
