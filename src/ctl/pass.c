/*
 * ctl/pass.c - a descriptor of ours for a process that may not open it by /proc: another user's,
 * or one with a /proc of its own.
 *
 * It makes a pair of sockets, we take one end as a tracer may (pidfd_getfd(2)), send the descriptor
 * through it, and it takes it out of the other.  Both ends are closed again.
 *
 * Errors   those of the calls (diag: which)
 * Context  [ctl] stopped processes with a stack of ours (call.c), whose low end holds arguments
 * Spec     unix(7) SCM_RIGHTS; pidfd_getfd(2); recvmsg(2) MSG_CMSG_CLOEXEC
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* At the stack's low end there; addresses in it are the target's. */
struct passing {
	int pair[2];
	struct msghdr msg;
	struct iovec iov;
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))); /* a struct cmsghdr */
	char byte;
};

static long call3(struct process *p, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t e)
{
	const uint64_t arg[6] = { a, b, c, e };

	return process_syscall(p, nr, arg);
}

/* fd, or the same file for reading only, through our end of the pair. */
static int send_fd(int end, int fd, bool read_only)
{
	struct passing s = { .byte = 0 };
	char path[32];
	_close_ int again = -1;
	struct cmsghdr *c;

	if (read_only) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = open(path, O_RDONLY | O_CLOEXEC);
		if (again < 0)
			return -errno;
		fd = again;
	}
	s.iov = (struct iovec){ &s.byte, 1 };
	s.msg = (struct msghdr){ .msg_iov = &s.iov,
				 .msg_iovlen = 1,
				 .msg_control = s.control,
				 .msg_controllen = sizeof(s.control) };
	c = CMSG_FIRSTHDR(&s.msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(end, &s.msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -errno;
}

/* What it finds in its end; a negative errno. */
static long receive(struct process *p, taddr_t at, int end)
{
	struct passing s = { .byte = 0 };
	const size_t len = CMSG_LEN(sizeof(int)); /* cmsg_len, its first member */
	long got;
	int fd;

	s.iov.iov_base = (void *)(uintptr_t)(at + offsetof(struct passing, byte));
	s.iov.iov_len = 1;
	s.msg.msg_iov = (void *)(uintptr_t)(at + offsetof(struct passing, iov));
	s.msg.msg_iovlen = 1;
	s.msg.msg_control = (void *)(uintptr_t)(at + offsetof(struct passing, control));
	s.msg.msg_controllen = sizeof(s.control);
	if (process_write(p, at, &s, sizeof(s)) < 0)
		return -EFAULT;
	got = call3(p, SYS_recvmsg, (uint64_t)end, at + offsetof(struct passing, msg),
		    MSG_CMSG_CLOEXEC | MSG_DONTWAIT, 0);
	if (got != 1)
		return got < 0 ? got : -EIO;
	if (process_read(p, at, &s, sizeof(s)) < 0 || memcmp(s.control, &len, sizeof(len)) != 0)
		return -EIO;
	memcpy(&fd, s.control + CMSG_LEN(0), sizeof(fd));
	return fd;
}

long pass_fd(struct process *p, int fd, bool read_only, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	taddr_t at = pp->stack.lo + 2048;
	int pair[2];
	_close_ int end = -1;
	long r;

	if (!pp->stack.hi)
		return diag_set(d, -EINVAL, "process %d has no stack of ours", p->pid);
	r = call3(p, SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, at);
	if (r < 0 || process_read(p, at, pair, sizeof(pair)) < 0)
		return diag_set(d, r < 0 ? (int)r : -EFAULT,
				"process %d cannot open a descriptor of another user's, nor make a "
				"pair of sockets to be given one: %s",
				p->pid, strerror(r < 0 ? (int)-r : EFAULT));
	end = (int)syscall(SYS_pidfd_getfd, pp->pidfd, pair[0], 0);
	r = end < 0 ? -errno : send_fd(end, fd, read_only);
	if (r >= 0)
		r = receive(p, at, pair[1]);
	call3(p, SYS_close, (uint64_t)pair[0], 0, 0, 0);
	call3(p, SYS_close, (uint64_t)pair[1], 0, 0, 0);
	if (r < 0)
		return diag_set(d, (int)r, "process %d cannot be given a descriptor: %s", p->pid,
				strerror((int)-r));
	return r;
}
