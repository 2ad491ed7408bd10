/*
 * ctl/undo.c - see undo.h.
 *
 * U.1  Slots and images come first: a thread that leaves the stop never meets a program, even
 *      if its window cannot be restored yet.
 * U.2  A jump in padding goes behind all windows, in a batch of its own, as in attach/hook.c.
 * U.3  A write that its writer's death cut in two ends at a page's end, since /proc/PID/mem
 *      is written page by page: ours before it, the original behind it, or all of either.
 *
 * Context  [ctl]
 */
#include "ctl/undo.h"

#include "base/cleanup.h"
#include "ctl/priv.h"
#include "shm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 20, PAGE = 4096, DYING_MS = 200 };

#define SLOW_NS \
	2000000000ull /* a thread may wait in the kernel for a disk, or a child of vfork() */

/* -- a handle ------------------------------------------------------------------------------- */

static void fill_places(struct process *p, const struct journal_head *h)
{
	struct process_priv *pp = process_priv(p);

	p->tls_off = h->tls_off;
	p->arena = h->arena;
	p->threads = h->threads;
	pp->entry = h->entry;
	pp->layout.lowest = h->lowest;
	pp->layout.span = h->span;
	for (int i = 0; i < SLABS; i++) {
		p->slab[i].bias = h->slab[i].bias;
		p->slab[i].text = h->slab[i].text;
		p->slab[i].room = h->slab[i].room;
		p->slab[i].rt_state = h->slab[i].rt_state;
	}
}

/* The address space of then: what was exec'ed since has no slab of ours at those addresses. */
static bool same_program(struct process *p, const struct journal_head *h)
{
	struct rt_state s;

	return process_read(p, h->slab[SLAB_EXE].rt_state, &s, sizeof(s)) == 0 &&
	       s.magic == RT_STATE_MAGIC && s.arena == h->arena && s.threads == h->threads;
}

/* A handle for a process that runs, by what its journal says.  -ESRCH: it is not there any more. */
static int take_over(const struct journal_view *v, struct process **out, struct diag *d)
{
	pid_t tid = journal_living_thread(v->head.pid);
	struct process *p = process_alloc();
	char path[64];

	if (!p)
		return -ENOMEM;
	*out = p;
	p->pid = v->head.pid;
	process_priv(p)->ran = true;
	process_priv(p)->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", p->pid, tid);
	p->mem = open(path, O_RDWR | O_CLOEXEC);
	if (p->mem < 0 || process_priv(p)->pidfd < 0) {
		int err = errno == ENOENT ? -ESRCH : errno == EACCES ? -EPERM : -errno;

		return diag_set(d, err, "%s: %s", path, strerror(errno));
	}
	fill_places(p, &v->head);
	process_refresh(p, NULL); /* for what covers system calls of ours; they do without */
	/* looked at again: the descriptors are of the process that is looked at here */
	if (!journal_has_process(v) || !same_program(p, &v->head))
		return -ESRCH;
	return 0;
}

/* -- windows -------------------------------------------------------------------------------- */

struct undo {
	struct process *p;
	const struct journal_view *v;
	struct undo_result *r;
	struct process_patch *patch; /* room for all records */
};

static taddr_t first_byte(const void *arg, taddr_t pc)
{
	const struct journal_record *r = arg;

	return pc != r->addr ? 0 : r->go_on ? r->go_on : pc;
}

enum stands { STANDS_OURS, STANDS_OLD, STANDS_ELSE, STANDS_NOT };

/* What stands there; of a torn one `now` is to be expected as it is (U.3). */
static enum stands what_stands(struct process *p, const struct journal_record *r, uint8_t *now)
{
	size_t page = PAGE - r->addr % PAGE;

	if (process_read(p, r->addr, now, r->len) < 0)
		return STANDS_NOT; /* its library was unloaded */
	if (!memcmp(now, r->old, r->len))
		return STANDS_OLD;
	if (!memcmp(now, r->ours, r->len))
		return STANDS_OURS;
	if (page < r->len && !memcmp(now, r->ours, page) &&
	    !memcmp(now + page, r->old + page, r->len - page))
		return STANDS_OURS;
	if (page < r->len && !memcmp(now, r->old, page) &&
	    !memcmp(now + page, r->ours + page, r->len - page))
		return STANDS_OURS;
	return STANDS_ELSE;
}

static bool is_window(const struct journal_record *r, bool padding)
{
	return r->kind == JOURNAL_WINDOW && r->padding == padding;
}

/* A function may have two records, if its slot changed: one of them is what stands there. */
static bool known_otherwise(const struct undo *u, const struct journal_record *r)
{
	uint8_t now[JOURNAL_BYTES];

	for (uint64_t i = 0; i < u->v->head.count; i++) {
		const struct journal_record *x = &u->v->at[i];

		if (x != r && x->kind == JOURNAL_WINDOW && x->addr == r->addr &&
		    what_stands(u->p, x, now) < STANDS_ELSE)
			return true;
	}
	return false;
}

static int restore(struct undo *u, bool padding, struct diag *d)
{
	unsigned n = 0;
	int failed, err = 0;

	for (uint64_t i = 0; i < u->v->head.count; i++) {
		const struct journal_record *r = &u->v->at[i];
		struct process_patch *x = &u->patch[n];
		enum stands s;

		*x = (struct process_patch){ .addr = r->addr,
					     .len = r->len,
					     .restores = true,
					     .first_too = padding,
					     .move = first_byte,
					     .arg = r };
		s = is_window(r, padding) ? what_stands(u->p, r, x->expect) : STANDS_NOT;
		memcpy(x->bytes, r->old, r->len <= sizeof(x->bytes) ? r->len : 0);
		n += s == STANDS_OURS;
		if (s != STANDS_ELSE || known_otherwise(u, r))
			continue;
		if (!u->r->left++)
			u->r->left_at = r->addr;
	}
	failed = n ? process_patch(u->p, u->patch, n, d) : 0;
	for (unsigned i = 0; i < n && failed >= 0; i++) {
		u->r->restored += !u->patch[i].result && !padding;
		err = u->patch[i].result && !err ? u->patch[i].result : err;
	}
	return failed < 0 ? failed : err;
}

/* -- all of it ------------------------------------------------------------------------------ */

/* U.1 */
static int silence(struct undo *u)
{
	int err = 0;

	for (uint64_t i = 0; i < u->v->head.count && !err; i++) {
		const struct journal_record *r = &u->v->at[i];

		if (r->kind == JOURNAL_WRITE)
			err = process_write(u->p, r->addr, r->ours, r->len);
	}
	return err;
}

static int undo_stopped(struct undo *u, struct diag *d)
{
	const struct journal_head *h = &u->v->head;
	int err = silence(u), later;

	u->r->left = 0;
	if (err)
		return diag_set(d, err, "process %d: our code cannot be changed: %s", h->pid,
				strerror(-err));
	err = restore(u, false, d);
	later = err ? 0 : restore(u, true, d);
	err = err ? err : later;
	if (err == -EAGAIN)
		return diag_set(d, err,
				"process %d: a thread stays inside of a function's first "
				"bytes",
				h->pid);
	if (err || !h->handlers_in)
		return err;
	if (process_inside(u->p))
		return diag_set(d, -EAGAIN,
				"process %d: a thread stays inside of a program, so our signal "
				"handler stays",
				h->pid);
	if (!process_may_call(u->p))
		return process_no_calls(u->p, d);
	err = process_leave_handlers(u->p, &h->handlers, true);
	return err ? diag_set(d, err, "process %d: its signal handlers cannot be restored: %s",
			      h->pid, strerror(-err)) :
		     0;
}

/* As session_commit() does: threads are in the way rarely and briefly, or wait for something slow. */
static int undo_running(struct undo *u, struct diag *d)
{
	uint64_t until = process_now_ns() + SLOW_NS;
	int err = -EAGAIN, back;

	for (int i = 0; err == -ETIMEDOUT ? process_now_ns() < until : i < TRIES && err == -EAGAIN;
	     i++) {
		const struct timespec nap = { .tv_nsec = (i < 10 ? i : 10) * 1000000l };

		nanosleep(&nap, NULL);
		err = process_stop(u->p, d);
		if (err == -ETIMEDOUT)
			continue;
		if (err)
			break;
		err = undo_stopped(u, d);
		back = process_resume(u->p, d);
		err = back ? back : err;
	}
	return err;
}

/* A child that had not begun ends with its tracer; one that ran already was only looked at. */
static bool ends_unready(const struct journal_view *v)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < DYING_MS && journal_has_process(v); i++)
		nanosleep(&ms, NULL);
	return !journal_has_process(v);
}

int undo_journal(struct journal_view *v, struct undo_result *r, struct diag *d)
{
	struct undo u = { .v = v, .r = r };
	int err = -ESRCH;

	*r = (struct undo_result){ 0 };
	if (journal_where(v) == JOURNAL_ELSEWHERE)
		return diag_set(d, -EXDEV, "process %d is another here than where it was noted",
				(int)v->head.pid);
	u.patch = calloc(v->head.count + 1, sizeof(*u.patch));
	if (!u.patch)
		return -ENOMEM;
	if (v->head.ready && journal_has_process(v))
		err = take_over(v, &u.p, d);
	if (!err)
		err = undo_running(&u, d);
	if (!v->head.ready)
		err = ends_unready(v) ? -ESRCH : 0;
	if (u.p && u.p->exited) {
		r->ended = true;
		r->status = u.p->status;
	}
	if (err && (err == -ESRCH || r->ended || !journal_has_process(v))) {
		r->gone = true;
		err = 0;
	}
	if (!err)
		journal_remove_slabs(v);
	process_free(u.p);
	free(u.patch);
	return err;
}

int undo_process(struct process *p, struct undo_result *r, struct diag *d)
{
	struct journal_view v;
	struct undo u = { .p = p, .v = &v, .r = r };
	int err;

	*r = (struct undo_result){ 0 };
	err = journal_view_of(p, &v, d);
	if (err)
		return err;
	u.patch = calloc(v.head.count + 1, sizeof(*u.patch));
	err = u.patch ? undo_running(&u, d) : -ENOMEM;
	if (!err)
		journal_functions(p, 0);
	free(u.patch);
	journal_view_fini(&v);
	return err;
}
