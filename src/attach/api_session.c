/*
 * attach/api_session.c - the public functions: sessions of all programs, by their journals.
 *
 * A session is called as its file, PID.NUMBER.
 */
#include "attach/session.h"

#include "ctl/undo.h"
#include "utramp/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_MS 20
#define LOCK_MS 60000 /* an undoing takes up to 40 s */

void utramp_session__announce(const char *line, bool detaches)
{
	journal_announce(line, detaches);
}

const char *utramp_target__no_journal(const struct utramp_target *t)
{
	return t && !t->file ? journal_missing(t->proc) : NULL;
}

static void read_comm(pid_t pid, char *comm, size_t n)
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (!f || !fgets(comm, (int)n, f))
		comm[0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* Nobody will ever need it: its process is gone, and who would remove it, too. */
static bool remove_stale(const struct journal_file *f, const struct journal_view *v)
{
	bool nobody = false;

	if (journal_where(v) == JOURNAL_ELSEWHERE) {
		journal_someone(v, &nobody);
		if (!nobody)
			return false;
	} else if (journal_is_live(v) || journal_has_process(v)) {
		return false;
	}
	if (journal_lock(f, 0) > 0) {
		journal_remove_slabs(v);
		journal_remove(f);
	}
	return true;
}

struct each {
	int (*fn)(void *ctx, const struct utramp_session *s);
	void *ctx;
};

static int show(void *arg, const struct journal_file *f, struct journal_view *v)
{
	const struct each *e = arg;
	struct utramp_session s = { .id = f->name, .comm = "", .line = "", .reason = "" };
	char comm[32] = "";
	struct diag why;

	if (!v->head.pid && journal_remove_unborn(f))
		return 0;
	if (!v->head.pid) {
		s.state = UTRAMP_SESSION_DAMAGED;
		s.reason = diag_text(&why, journal_read(f->fd, v, &why));
		return e->fn(e->ctx, &s);
	}
	s.pid = v->head.pid;
	s.line = v->head.line;
	s.since = v->head.since;
	if (v->head.asks == JOURNAL_ENDED) {
		s.state = UTRAMP_SESSION_ENDED;
		return e->fn(e->ctx, &s);
	}
	if (remove_stale(f, v))
		return 0;
	if (journal_where(v) == JOURNAL_ELSEWHERE)
		s.state = UTRAMP_SESSION_ELSEWHERE;
	else if (!journal_has_process(v))
		return 0; /* its program is about to end the session */
	else if (!journal_is_live(v))
		s.state = UTRAMP_SESSION_ORPHANED;
	else
		s.state = v->head.asks == JOURNAL_KEPT ? UTRAMP_SESSION_KEPT : UTRAMP_SESSION_LIVE;
	if (s.state != UTRAMP_SESSION_ELSEWHERE)
		read_comm(v->head.pid, comm, sizeof(comm));
	s.tool = v->head.tool;
	s.comm = comm;
	s.functions = v->head.functions;
	return e->fn(e->ctx, &s);
}

int utramp_session__each(int (*fn)(void *ctx, const struct utramp_session *s), void *ctx)
{
	struct each e = { fn, ctx };

	if (!fn)
		return api_misuse("function");
	slab_remove_stale();
	return journal_each(show, &e);
}

/* -- detaching ------------------------------------------------------------------------------ */

struct detach {
	const char *id;
	pid_t tool; /* instead of id */
	int timeout_ms;
	struct utramp_undone done;
	int err;
	int n;
	void (*told)(void *ctx, int err, const struct utramp_undone *u);
	void *ctx;
};

/* Its pids are other processes' here. */
static int refuse_elsewhere(const struct journal_file *f, const struct journal_view *v)
{
	struct journal_place now;
	struct diag *d = api_diag();
	bool nobody;
	pid_t there = journal_someone(v, &nobody);

	journal_here(&now);
	diag_set(d, -EXDEV,
		 "session %s is of another %s namespace (%s:[%llu]), in which process %d is not "
		 "what it is here; run 'utramp detach %s' there",
		 f->name, v->head.place.pid_ns != now.pid_ns ? "PID" : "time",
		 v->head.place.pid_ns != now.pid_ns ? "pid" : "time",
		 (unsigned long long)(v->head.place.pid_ns != now.pid_ns ? v->head.place.pid_ns :
									   v->head.place.time_ns),
		 (int)v->head.pid, f->name);
	if (there)
		diag_add(d, "for example by: nsenter -t %d -m -p -T utramp detach %s", (int)there,
			 f->name);
	return -EXDEV;
}

/* Undo, if nobody has meanwhile. */
static int undo_one(struct detach *x, const struct journal_file *f, struct journal_view *v)
{
	struct diag *d = api_diag();
	struct undo_result r = { 0 };
	int err;

	x->done = (struct utramp_undone){ .sz = sizeof(x->done), .pid = v->head.pid };
	err = journal_lock(f, LOCK_MS);
	if (err < 0)
		return diag_set(d, err, "somebody else is at the session of process %d",
				(int)v->head.pid);
	if (!err)
		return 0;
	journal_view_fini(v);
	err = journal_read(f->fd, v, d); /* as it is now that nobody else is at it */
	if (!err)
		err = undo_journal(v, &r, d);
	if (!err && !r.left)
		journal_remove(f);
	x->done.restored = r.restored;
	x->done.left = r.left;
	x->done.left_at = r.left_at;
	x->done.gone = r.gone;
	x->done.ended = r.ended;
	x->done.status = r.status;
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* 1: it has detached, 0: not in time, -ESRCH: it has died over it. */
static int await_detached(const struct journal_file *f, struct journal_view *v, int timeout_ms)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000l };
	uint64_t end = now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);

	for (;;) {
		struct stat st;

		if (fstat(f->fd, &st) < 0 || st.st_nlink == 0)
			return 1;
		journal_view_fini(v);
		if (journal_read(f->fd, v, NULL) < 0 || !journal_is_live(v))
			return -ESRCH;
		if (!v->head.functions && !v->head.handlers_in)
			return 1;
		if (now_ms() >= end)
			return 0;
		nanosleep(&nap, NULL);
	}
}

static int ask(struct detach *x, const struct journal_file *f, struct journal_view *v)
{
	struct diag *d = api_diag();
	unsigned had = v->head.functions;
	int pid = v->head.pid, tool = v->head.tool, r;

	x->done = (struct utramp_undone){ .sz = sizeof(x->done), .pid = pid };
	if (!v->head.asks)
		return diag_set(
			d, -EBUSY,
			"process %d is attached to by process %d, a program of its own that "
			"takes no requests: end that one, then detach again",
			pid, tool);
	if (!had && !v->head.handlers_in && v->head.asks != JOURNAL_KEPT)
		return 0; /* detached already: it only waits for the process's end */
	if (kill(tool, SIGTERM) < 0 && errno != ESRCH)
		return diag_set(d, -errno, "process %d, which attached to process %d: %s", tool,
				pid, strerror(errno));
	r = await_detached(f, v, x->timeout_ms);
	if (r == -ESRCH) {
		r = undo_one(x, f, v);
		/* it had detached and ended, as we looked: there was nothing to undo */
		if (!r && !x->done.gone && !x->done.left && !x->done.restored)
			x->done.restored = had;
		return r;
	}
	if (!r)
		return diag_set(
			d, -ETIMEDOUT,
			"process %d, which attached to process %d, did not detach: %u function%s "
			"patched still",
			tool, pid, v->head.functions, v->head.functions == 1 ? " is" : "s are");
	x->done.restored = had;
	return 0;
}

static int detach_one(void *arg, const struct journal_file *f, struct journal_view *v)
{
	struct detach *x = arg;

	if (strcmp(f->name, x->id) != 0 || !v->head.pid)
		return 0;
	if (v->head.asks == JOURNAL_ENDED)
		x->err = diag_set(api_diag(), -ESRCH,
				  "session %s has ended; its output waits to be read", f->name);
	else if (journal_where(v) == JOURNAL_ELSEWHERE)
		x->err = refuse_elsewhere(f, v);
	else if (journal_is_live(v))
		x->err = ask(x, f, v);
	else
		x->err = undo_one(x, f, v);
	return 1;
}

int utramp_session__detach(const char *id, int timeout_ms, struct utramp_undone *out)
{
	struct detach x = { .id = id, .timeout_ms = timeout_ms };
	size_t sz;

	if (!id || (out && out->sz < sizeof(out->sz)))
		return api_misuse(id ? "size" : "session");
	if (!journal_each(detach_one, &x))
		return api_return(diag_set(api_diag(), -ENOENT, "there is no session %s", id));
	sz = out && out->sz < sizeof(x.done) ? out->sz : sizeof(x.done);
	if (out) {
		memcpy(out, &x.done, sz);
		out->sz = sz;
	}
	return api_return(x.err);
}

static int undo_of(void *arg, const struct journal_file *f, struct journal_view *v)
{
	struct detach *x = arg;

	if (!v->head.pid || v->head.tool != x->tool || journal_where(v) != JOURNAL_HERE ||
	    journal_is_live(v))
		return 0;
	x->n++;
	x->told(x->ctx, api_return(undo_one(x, f, v)), &x->done);
	return 0;
}

int utramp_session__undo(pid_t tool,
			 void (*told)(void *ctx, int err, const struct utramp_undone *u), void *ctx)
{
	struct detach x = { .tool = tool, .told = told, .ctx = ctx };

	if (!told || tool <= 0)
		return api_misuse(told ? "program" : "function");
	journal_each(undo_of, &x);
	return x.n;
}
