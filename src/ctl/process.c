/*
 * ctl/process.c - the handle of a traced process: memory, life, end.  As in the header.
 *
 * Context  [ctl]
 * Spec     proc_pid_mem(5): the descriptor keeps to the address space it was opened on, so
 *          it reads 0 bytes after exit and after exec; pidfd_open(2)
 */
#include "ctl/process.h"

#include "base/cleanup.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	EXEC_CHECK_MS = 50, /* nothing wakes us for an exec */
	FREE_WAIT_MS = 500,
};

uint64_t process_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct process *process_alloc(void)
{
	struct process *p = calloc(1, sizeof(*p));
	struct process_priv *pp = calloc(1, sizeof(*pp));

	if (!p || !pp) {
		free(p);
		free(pp);
		return NULL;
	}
	p->priv = pp;
	p->pid = -1;
	p->mem = -1;
	pp->pidfd = -1;
	for (int i = 0; i < SLABS; i++)
		p->slab[i].fd = -1;
	return p;
}

struct process *process_none(void)
{
	struct process *p = process_alloc();

	if (p)
		p->exited = true;
	return p;
}

void process_free(struct process *p)
{
	struct process_priv *pp;

	if (!p)
		return;
	pp = process_priv(p);
	if (p->child && !p->exited && !pp->ran)
		tracee_kill(p);
	if (p->stopped)
		process_resume(p, NULL);
	/* a thread left seized would hang at its next signal, or never be buried */
	for (int i = 0; i < FREE_WAIT_MS && pp->threads.n && !p->exited; i++) {
		const struct timespec ms = { .tv_nsec = 1000000 };

		process_settle_late(p);
		if (pp->threads.n)
			nanosleep(&ms, NULL);
	}
	slab_remove_files(p);
	modules_free(&p->modules);
	vec_free(&pp->threads);
	if (p->mem >= 0)
		close(p->mem);
	if (pp->pidfd >= 0)
		close(pp->pidfd);
	free(pp);
	free(p);
}

int process_open_mem(struct process *p, struct diag *d)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", p->pid);
	if (p->mem >= 0)
		close(p->mem);
	p->mem = open(path, O_RDWR | O_CLOEXEC);
	if (p->mem < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int process_refresh(struct process *p, struct diag *d)
{
	struct module_list fresh = { 0 };
	int err = modules_read(tracee_any(p), &fresh, d);

	if (err)
		return err;
	modules_free(&p->modules);
	p->modules = fresh;
	return 0;
}

/* -- memory -------------------------------------------------------------------------------- */

/* How far it came; *err tells why it stopped short. */
static size_t read_some(const struct process *p, taddr_t addr, void *out, size_t n, int *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(p->mem, (char *)out + done, n - done, (off_t)(addr + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			*err = r == 0 ? -ESRCH : -EFAULT;
			break;
		}
		done += (size_t)r;
	}
	return done;
}

static size_t write_some(const struct process *p, taddr_t addr, const void *bytes, size_t n,
			 int *err)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r =
			pwrite(p->mem, (const char *)bytes + done, n - done, (off_t)(addr + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			*err = r == 0 ? -ESRCH : -EFAULT;
			break;
		}
		done += (size_t)r;
	}
	return done;
}

int process_read(struct process *p, taddr_t addr, void *out, size_t n)
{
	int err = 0;

	if (p->mem < 0)
		return -ESRCH;
	if (addr + n < addr || addr > INT64_MAX)
		return -EFAULT;
	read_some(p, addr, out, n, &err);
	return err;
}

int process_write(struct process *p, taddr_t addr, const void *bytes, size_t n)
{
	_free_ uint8_t *old = NULL;
	int err = 0, ignored;
	size_t done;

	if (p->mem < 0)
		return -ESRCH;
	if (addr + n < addr || addr > INT64_MAX)
		return -EFAULT;
	if (addr / PAGE != (addr + n) / PAGE) {
		/* may fail half way, at a page's end: then the first half is put back */
		old = malloc(n);
		if (!old)
			return -ENOMEM;
		read_some(p, addr, old, n, &err);
		if (err)
			return err;
	}
	done = write_some(p, addr, bytes, n, &err);
	if (err && done && old)
		write_some(p, addr, old, done, &ignored);
	return err;
}

/* -- life ---------------------------------------------------------------------------------- */

bool process_alive(struct process *p)
{
	uint8_t byte;

	if (p->exited || p->mem < 0)
		return false;
	/* an unmapped address is an error, no address space is 0 bytes */
	return pread(p->mem, &byte, 1, (off_t)process_priv(p)->entry) != 0;
}

/* Its address space is another one than ours; a process that ends has none. */
static bool has_executed(struct process *p)
{
	char path[32], exe[8];

	if (process_alive(p))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	return readlink(path, exe, sizeof(exe)) >= 0;
}

/* 1 if it ended, 0 if not. */
static int collect(struct process *p)
{
	siginfo_t si = { 0 };
	struct pollfd pf = { .fd = process_priv(p)->pidfd, .events = POLLIN };
	int st;

	if (!p->child) {
		if (poll(&pf, 1, 0) > 0)
			tracee_ended(p, 0);
		return p->exited;
	}
	/* WEXITED alone: stops are not ours to consume here */
	if (waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == EINTR ? 0 : -errno;
	if (si.si_pid == 0)
		return 0;
	if (TEMP_FAILURE_RETRY(waitpid(p->pid, &st, __WALL)) != p->pid)
		return -errno;
	tracee_ended(p, st);
	return 1;
}

int process_poll(struct process *p, int timeout_ms, bool *exec)
{
	struct process_priv *pp = process_priv(p);
	uint64_t end = process_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;

	for (;;) {
		struct pollfd pf = { .fd = pp->pidfd, .events = POLLIN };
		uint64_t now;
		int left, r;

		process_settle_late(p);
		if (p->exited) /* perhaps seen just now */
			return 1;
		r = collect(p);
		if (r)
			return r;
		if (has_executed(p)) {
			*exec = true;
			if (!pp->exec_seen) {
				pp->exec_seen = true;
				return 0;
			}
		}
		now = process_now_ns();
		if (timeout_ms >= 0 && now >= end)
			return 0;
		left = timeout_ms < 0 ? EXEC_CHECK_MS : (int)((end - now + 999999) / 1000000);
		if (poll(&pf, 1, left < EXEC_CHECK_MS ? left : EXEC_CHECK_MS) < 0 && errno != EINTR)
			return -errno;
	}
}

uint64_t process_stopped_ns(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);

	return p->stopped ? process_now_ns() - pp->stopped_at_ns : pp->stopped_ns;
}
