/*
 * attach/api_keep.c - the public functions: sessions that are kept, and the output of ended ones.
 *
 * Context  [ctl]
 */
#include "attach/session.h"

#include "ctl/journal.h"
#include "utramp/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_MS 5000

const char *utramp_target__session(const struct utramp_target *t)
{
	return t && !t->file ? journal_name(t->proc) : NULL;
}

int utramp_session__keep(struct utramp_target *const *t, unsigned n)
{
	struct process **p = n && t ? calloc(n, sizeof(*p)) : NULL;
	struct diag *d = api_diag();
	int fd = p ? 0 : n && t ? -ENOMEM : api_misuse("targets");

	for (unsigned i = 0; i < n && p && fd >= 0; i++) {
		if (!t[i] || t[i]->file)
			fd = api_misuse("target");
		else
			p[i] = t[i]->proc;
	}
	if (!fd)
		fd = api_return(journal_keep(p, n, d));
	free(p);
	return fd;
}

struct wanted {
	const char *id;
	int result;
	int (*read)(void *ctx, const void *bytes, size_t n);
	void *ctx;
};

static int connect_to(void *arg, const struct journal_file *f, struct journal_view *v)
{
	struct wanted *w = arg;

	if (strcmp(f->name, w->id) != 0 || !v->head.pid)
		return 0;
	if (v->head.asks == JOURNAL_KEPT && journal_is_live(v))
		w->result = journal_connect(f, v, api_diag());
	else
		w->result =
			diag_set(api_diag(), -ENOENT, "session %s is not kept by anybody", f->name);
	return 1;
}

int utramp_session__connect(const char *id)
{
	struct wanted w = { .id = id };

	if (!id)
		return api_misuse("session");
	if (!journal_each(connect_to, &w))
		return api_return(diag_set(api_diag(), -ENOENT, "there is no session %s", id));
	return api_return(w.result);
}

int utramp_session__save(pid_t pid, const void *bytes, size_t n)
{
	if (pid <= 0 || (n && !bytes))
		return api_misuse(pid <= 0 ? "process" : "bytes");
	return api_return(journal_save(pid, bytes, n, api_diag()));
}

/* One reader only: whoever has the lock while the file has its name. */
static int read_saved(void *arg, const struct journal_file *f, struct journal_view *v)
{
	struct wanted *w = arg;
	struct diag *d = api_diag();
	void *bytes = NULL;
	size_t n = 0;
	int err;

	if (strcmp(f->name, w->id) != 0 || !v->head.pid)
		return 0;
	if (v->head.asks != JOURNAL_ENDED) {
		w->result = diag_set(d, -EBUSY, "session %s has not ended", f->name);
		return 1;
	}
	err = journal_lock(f, LOCK_MS);
	if (err < 0)
		err = diag_set(d, err, "somebody else is at the output of session %s", f->name);
	else if (!err)
		err = diag_set(d, -ENOENT, "somebody else has read the output of session %s",
			       f->name);
	else
		err = journal_saved(f, &bytes, &n, d);
	if (!err && !(w->result = w->read(w->ctx, bytes, n)))
		journal_remove(f);
	w->result = err ? err : w->result;
	free(bytes);
	return 1;
}

int utramp_session__saved(const char *id, int (*read)(void *ctx, const void *bytes, size_t n),
			  void *ctx)
{
	struct wanted w = { .id = id, .read = read, .ctx = ctx };

	if (!id || !read)
		return api_misuse(id ? "function" : "session");
	if (!journal_each(read_saved, &w))
		return api_return(diag_set(api_diag(), -ENOENT, "there is no session %s", id));
	return api_return(w.result);
}
