/*
 * ctl/process.c - the handle of a traced process: memory, life, end.  As in the header.
 *
 * Context  [ctl]
 * Spec     proc_pid_mem(5): the descriptor keeps to the address space it was opened on, so
 *          it reads 0 bytes after exit and after exec; pidfd_open(2); inotify(7): IN_CLOSE
 *          comes when the last reference to an open file goes, which may be a mapping
 */
#include "ctl/process.h"

#include "base/cleanup.h"
#include "ctl/follow_priv.h"
#include "ctl/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	EXEC_CHECK_MS = 50, /* when a forked child keeps the arena's file in use */
	EXEC_BLIND_MS = 5,  /* when nothing wakes us for an exec */
	FREE_WAIT_MS = 500,
	DYING_MS = 50,  /* until it is seen that it dies; */
	DEAD_MS = 5000, /* and then until it has */
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
	pp->pidfd = pp->notify = pp->comm_fd = pp->base_fd = pp->dir_fd = -1;
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
	leftover_settle();
	if (!pp->followed)
		leftover_add(p);
	followed_forget(p);
	slab_remove_files(p);
	journal_close(p);
	modules_free(&p->modules);
	vec_free(&pp->threads);
	if (p->mem >= 0)
		close(p->mem);
	if (pp->pidfd >= 0)
		close(pp->pidfd);
	if (pp->notify >= 0)
		close(pp->notify);
	if (pp->comm_fd >= 0)
		close(pp->comm_fd);
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
	process_priv(p)->cfi_known = false;
	return 0;
}

int process_maps(const struct process *p, struct map_list *out, struct diag *d)
{
	return maps_read(tracee_any(p), out, d);
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

	if (tape_plays(p))
		return (int)tape_take(p, TAPE_READ, out, n);
	tape_begin(p);
	if (p->mem < 0)
		err = -ESRCH;
	else if (addr + n < addr || addr > INT64_MAX)
		err = -EFAULT;
	else
		read_some(p, addr, out, n, &err);
	return (int)tape_end(p, TAPE_READ, err, out, n);
}

static int write_whole(struct process *p, taddr_t addr, const void *bytes, size_t n)
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

int process_write(struct process *p, taddr_t addr, const void *bytes, size_t n)
{
	if (tape_plays(p))
		return (int)tape_take(p, TAPE_WRITE, NULL, 0);
	tape_begin(p);
	return (int)tape_end(p, TAPE_WRITE, write_whole(p, addr, bytes, n), NULL, 0);
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

/* SIGKILL is on its way, to the first thread as to all, and stays pending until that ends. */
static bool is_dying(const struct process *p)
{
	char path[32], line[256];
	_fclose_ FILE *f = NULL;
	unsigned long long pending = 0;
	char state = 'Z';

	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "State: %c", &state);
		if (sscanf(line, "SigPnd: %llx", &pending) == 1)
			break;
	}
	return state == 'Z' || state == 'X' || pending >> (SIGKILL - 1) & 1;
}

/* One that is being killed fails our calls before its memory is gone: wait for that. */
int process_blame(struct process *p, int err, struct diag *d)
{
	for (int ms = 0; process_alive(p); ms++) {
		if (ms >= DYING_MS && (ms >= DEAD_MS || !is_dying(p)))
			return err;
		usleep(1000);
	}
	return diag_set(d, -ESRCH, "process %d is gone, or runs another program", p->pid);
}

/* The name of the process, a zombie's too; "" if there is none. */
static void read_comm(const struct process *p, char name[16])
{
	ssize_t n = pread(process_priv(p)->comm_fd, name, 16, 0);

	name[n > 0 ? n - 1 : 0] = '\0'; /* the last byte is a newline */
}

/*
 * The target opened the arena's file for itself and keeps it by mappings alone.  Exec takes
 * these away before the new program's first instruction, and that closes the file.
 */
void process_watch(struct process *p, int arena_fd)
{
	struct process_priv *pp = process_priv(p);
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/comm", p->pid);
	pp->comm_fd = open(path, O_RDONLY | O_CLOEXEC);
	read_comm(p, pp->comm);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", arena_fd);
	pp->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (pp->notify < 0 || inotify_add_watch(pp->notify, path, IN_CLOSE) >= 0)
		return;
	close(pp->notify);
	pp->notify = -1;
}

const char *process_renamed(const struct process *p)
{
	const char *last = process_priv(p)->last;

	return *last ? last : NULL;
}

/*
 * Its address space is another one than ours; a process that ends has none.  Exec changes the
 * address space first and the name then, so a name read before is still our program's.
 */
static bool has_executed(struct process *p)
{
	char path[32], exe[8], name[16];

	read_comm(p, name);
	if (process_alive(p)) {
		memcpy(process_priv(p)->comm, name, sizeof(name));
		return false;
	}
	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	return readlink(path, exe, sizeof(exe)) >= 0;
}

/* An exec that nobody saw leaves the new program's name, to the zombie too. */
static void note_last(struct process *p)
{
	struct process_priv *pp = process_priv(p);

	if (pp->exec_seen || !pp->comm[0])
		return;
	read_comm(p, pp->last);
	if (!strcmp(pp->last, pp->comm))
		pp->last[0] = '\0';
}

/* Sleep until it ends, or may have executed, or ms are over. */
static int wait_change(struct process_priv *pp, int ms)
{
	struct pollfd pf[2] = { { .fd = pp->pidfd, .events = POLLIN },
				{ .fd = pp->notify, .events = POLLIN } };
	int most = pp->notify < 0 ? EXEC_BLIND_MS : EXEC_CHECK_MS;
	char events[512];

	if (poll(pf, 2, ms < most ? ms : most) < 0 && errno != EINTR)
		return -errno;
	while (pf[1].revents && read(pp->notify, events, sizeof(events)) > 0)
		;
	return 0;
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
	/* a stop of a thread that is still seized is told as well (ptrace(2)), and is not an end:
	 * process_settle_late() takes it */
	if (waitid(P_PID, (id_t)p->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == EINTR ? 0 : -errno;
	if (si.si_pid == 0 || si.si_code == CLD_TRAPPED || si.si_code == CLD_STOPPED)
		return 0;
	note_last(p);
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
		uint64_t now;
		int r;

		process_settle_late(p);
		leftover_settle();
		if (p->exited) /* perhaps seen just now */
			return 1;
		if (pp->follow) { /* follow_wait() waits, and has seen it */
			*exec = pp->exec_seen;
			return 0;
		}
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
		r = wait_change(pp, timeout_ms < 0 ? EXEC_CHECK_MS :
						     (int)((end - now + 999999) / 1000000));
		if (r)
			return r;
	}
}

uint64_t process_stopped_ns(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);

	if (p->stopped)
		return process_now_ns() - pp->stopped_at_ns;
	return pp->attached ? pp->longest_ns : pp->stopped_ns;
}
