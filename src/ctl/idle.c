/*
 * ctl/idle.c - the leaving side of idle.h: slabs that nobody is inside of are made as new.
 *
 * What was written there are private copies of pages; when these are dropped, the file shows.  Into
 * the file the same code was written, for profilers: that goes first.  A child that was forked
 * meanwhile keeps its copies, for a hole in a file takes none of them away.
 */
#include "ctl/idle.h"

#include "base/cleanup.h"
#include "ctl/priv.h"
#include "shm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	DONTNEED_LOCKED = 24, /* MADV_DONTNEED_LOCKED (Linux 5.18), for who has called mlockall() */
};

/* -- threads: I.3 ---------------------------------------------------------------------------- */

struct word {
	pid_t tid; /* as the thread itself sees it */
	taddr_t block;
};

/* The last of "NSpid:", the thread's number where it lives; its own if there is no such line. */
static pid_t inner_tid(const struct process *p, pid_t tid)
{
	char path[64], line[256];
	_fclose_ FILE *f = NULL;
	pid_t inner = tid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", p->pid, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *last = strncmp(line, "NSpid:", 6) ? NULL : strrchr(line, '\t');

		if (last)
			return (pid_t)strtol(last, NULL, 10);
	}
	return inner;
}

bool idle_forget_words(struct process *p, taddr_t *block, const struct tracee *t)
{
	struct rt_tls now, none = { 0 };
	struct user_regs_struct r;
	uint64_t tcb[3];
	taddr_t at;

	*block = 0;
	if (!t->stopped || tracee_regs(t, &r) < 0)
		return true; /* killed meanwhile */
	at = r.fs_base + (uint64_t)(int64_t)p->tls_off;
	if (!r.fs_base || process_read(p, at, &now, sizeof(now)) < 0)
		return true; /* no thread of libc's, and none that was ever in our code */
	*block = now.block;
	if (!memcmp(&now, &none, sizeof(now)))
		return true;
	/* a thread pointer of the application's own may have anything there: not ours to write */
	if (process_read(p, r.fs_base, tcb, sizeof(tcb)) < 0 || tcb[0] != r.fs_base ||
	    tcb[2] != r.fs_base)
		return false;
	return !process_write(p, at, &none, sizeof(none));
}

/* This block's thread, if it lives, has it in its word. */
static bool is_found(const struct process *p, const struct word *w, size_t n, unsigned slot,
		     const struct rt_thread *t)
{
	taddr_t at = p->threads + (taddr_t)slot * RT_THREAD_SIZE;

	for (size_t i = 0; i < n; i++) {
		if (w[i].tid == (pid_t)t->tid && w[i].block != at)
			return false;
	}
	return true;
}

bool idle_forget_threads(struct process *p, unsigned slots)
{
	struct process_priv *pp = process_priv(p);
	bool inner = inner_tid(p, p->pid) != p->pid, good;
	_free_ struct word *w = calloc(pp->threads.n + 1, sizeof(*w));

	good = w != NULL;
	for (size_t i = 0; i < pp->threads.n && good; i++) {
		pid_t tid = pp->threads.at[i].tid;

		w[i].tid = inner ? inner_tid(p, tid) : tid;
		good = idle_forget_words(p, &w[i].block, &pp->threads.at[i]);
	}
	for (unsigned k = 1; k < slots && k < SHM_MAX_THREADS && good && p->threads; k++) {
		taddr_t at = p->threads + (taddr_t)k * RT_THREAD_SIZE;
		struct rt_thread t;

		good = !process_read(p, at, &t, offsetof(struct rt_thread, claims)) &&
		       (t.magic != RT_THREAD_MAGIC || is_found(p, w, pp->threads.n, k, &t));
	}
	return good;
}

/* -- what was written ------------------------------------------------------------------------ */

/* Room and frame states, behind all that the template has, are a hole again. */
static bool empty_file(const struct process *p, int which)
{
	const struct slab_template *t = &process_priv(p)->slab;
	off_t from = (off_t)ALIGN_UP(t->size, (uint64_t)PAGE), end = (off_t)t->file_size;
	int fd = p->slab[which].fd;

	if (process_priv(p)->taken) /* it is another file than the one that is mapped there */
		return true;
	return fd >= 0 && !slab_files_stay() &&
	       !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, end - from) &&
	       !ftruncate(fd, end);
}

static bool drop(struct process *p, taddr_t at, uint64_t size)
{
	const uint64_t plain[6] = { at, size, MADV_DONTNEED };
	const uint64_t locked[6] = { at, size, DONTNEED_LOCKED };
	long r = process_syscall(p, SYS_madvise, plain);

	return (r == -EINVAL ? process_syscall(p, SYS_madvise, locked) : r) == 0;
}

static bool renew(struct process *p, int which)
{
	const struct slab *s = &p->slab[which];
	taddr_t at;
	uint64_t size;
	const void *bytes = slab_data(&process_priv(p)->slab, &at, &size);

	return bytes && empty_file(p, which) && drop(p, s->text, s->room) &&
	       drop(p, s->shadow, s->room) && !process_write(p, s->bias + at, bytes, size);
}

/* *were: stand-ins were there; false: they are, or what they are cannot be read. */
static bool signals_over(struct process *p, bool *were)
{
	const struct rt_signals none = { 0 };
	taddr_t at = process_priv(p)->layout.signals;
	struct rt_signals s;

	*were = false;
	if (!at)
		return true;
	if (process_read(p, p->slab[SLAB_LIB].bias + at, &s, sizeof(s)) < 0 || s.active)
		return false;
	*were = memcmp(&s, &none, sizeof(s)) != 0;
	return true;
}

/* tls_off: of this slab, which is the session's only for the executable's. */
static bool say_left(struct process *p, int which, uint64_t left)
{
	taddr_t at = p->slab[which].rt_state;
	uint64_t partner = which == SLAB_EXE ? p->slab[SLAB_LIB].text : 0;
	int64_t off;
	int32_t tls_off;

	if (process_read(p, p->slab[which].bias + process_priv(p)->layout.tls_word, &off,
			 sizeof(off)) < 0)
		return false;
	tls_off = (int32_t)off;
	return !process_write(p, at + offsetof(struct rt_state, tls_off), &tls_off,
			      sizeof(tls_off)) &&
	       !process_write(p, at + offsetof(struct rt_state, partner), &partner,
			      sizeof(partner)) &&
	       !process_write(p, at + offsetof(struct rt_state, left), &left, sizeof(left));
}

void idle_put_back(struct process *p)
{
	bool signals;

	if (!signals_over(p, &signals) || !renew(p, SLAB_EXE) || !renew(p, SLAB_LIB))
		return;
	if (say_left(p, SLAB_LIB, signals ? RT_LEFT_SIGNALS : RT_LEFT))
		say_left(p, SLAB_EXE, signals ? RT_LEFT_SIGNALS : RT_LEFT);
}
