/*
 * ctl/journal.c - the writer: records are added to the mapped file, the count last.
 *
 * A window is the same each time a function is patched, so it is written once; a table of
 * addresses finds it.
 *
 * Context  [ctl]
 */
#include "ctl/journal.h"

#include "base/vec.h"
#include "ctl/journal_priv.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_SIZE = 16384, CHAINS = 16384 };

struct journal {
	int fd;
	char path[PATH_MAX];
	struct journal_head *head; /* the whole file */
	size_t size;
	uint64_t chain[CHAINS]; /* the last record of this hash, counted from 1 */
	struct {
		VEC(uint64_t); /* the one before it in its chain */
	} before;
	struct {
		VEC(uint64_t);
	} unused; /* void records */
};

static char announced[sizeof(((struct journal_head *)0)->line)];
static enum journal_asks announced_asks;

void journal_announce(const char *line, bool asked)
{
	snprintf(announced, sizeof(announced), "%s", line ? line : "");
	announced_asks = asked ? JOURNAL_DETACHES : JOURNAL_TAKES_NONE;
}

static struct journal_record *records(const struct journal *j)
{
	return (struct journal_record *)(j->head + 1);
}

/* Room on the disk first: a page of a mapping that finds none is a SIGBUS. */
static int grow(struct journal *j, size_t size)
{
	int err = posix_fallocate(j->fd, 0, (off_t)size);
	void *at;

	if (err)
		return -err;
	at = j->head ? mremap(j->head, j->size, size, MREMAP_MAYMOVE) :
		       mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	j->head = at;
	j->size = size;
	return 0;
}

static size_t chain_of(uint64_t addr)
{
	return addr * 0x9e3779b97f4a7c15ull >> 32 & (CHAINS - 1); /* slots are evenly apart */
}

/* There already, or told the other way round: the way back, whose original is known. */
static bool is_known(const struct journal_record *have, const struct journal_record *r)
{
	if (have->addr != r->addr)
		return false;
	return !memcmp(have, r, sizeof(*r)) ||
	       (r->kind == JOURNAL_WINDOW && have->kind == JOURNAL_WINDOW && have->len == r->len &&
		!memcmp(have->old, r->ours, r->len));
}

/* A place for a record: where a void one is, or behind the last. */
static int take_place(struct journal *j, uint64_t *at)
{
	uint64_t n = j->head->count;
	size_t need = sizeof(*j->head) + (n + 1) * sizeof(struct journal_record);
	int err;

	if (j->unused.n) {
		*at = j->unused.at[--j->unused.n];
		return 0;
	}
	err = need > j->size ? grow(j, 2 * j->size) : 0;
	if (!err)
		err = vec_push(&j->before, 0);
	if (!err)
		err = vec_reserve(&j->unused, n + 1); /* forgetting cannot fail */
	*at = n;
	return err;
}

static int add(struct process *p, const struct journal_record *r)
{
	struct journal *j = p->journal;
	uint64_t *chain = &j->chain[chain_of(r->addr)], at;
	struct journal_record *to, hidden = *r;
	int err;

	for (uint64_t i = *chain; i; i = j->before.at[i - 1]) {
		if (is_known(&records(j)[i - 1], r))
			return 0;
	}
	err = take_place(j, &at);
	if (err)
		return err;
	to = &records(j)[at];
	hidden.kind = JOURNAL_VOID;
	*to = hidden;
	__atomic_store_n(&to->kind, r->kind, __ATOMIC_RELEASE);
	if (at == j->head->count)
		__atomic_store_n(&j->head->count, at + 1, __ATOMIC_RELEASE);
	j->before.at[at] = *chain;
	*chain = at + 1;
	return 0;
}

static void fill_head(const struct process *p, struct journal_head *h)
{
	char path[32];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/exe", p->pid);
	stat(path, &st);
	*h = (struct journal_head){ .magic = JOURNAL_MAGIC,
				    .version = JOURNAL_VERSION,
				    .head_size = sizeof(*h),
				    .record_size = sizeof(struct journal_record),
				    .pid = p->pid,
				    .pid_start = journal_start_time(p->pid, true),
				    .tool = getpid(),
				    .tool_start = journal_start_time(getpid(), false),
				    .exe_dev = st.st_dev,
				    .exe_ino = st.st_ino,
				    .since = time(NULL),
				    .asks = announced_asks };
	journal_here(&h->place);
	memcpy(h->line, announced, sizeof(h->line));
	if (!slab_files_stay())
		snprintf(h->dir, sizeof(h->dir), "%s%s", process_priv(p)->root,
			 process_priv(p)->dir);
}

static int open_journal(struct process *p, struct diag *d)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct journal_head head;
	int err = j ? 0 : -ENOMEM;

	_Static_assert(sizeof(head.dir) >
			       sizeof(process_priv(p)->root) + sizeof(process_priv(p)->dir),
		       "both");
	if (err)
		return err;
	j->fd = journal_new_file(p->pid, j->path, sizeof(j->path), d);
	flock(j->fd, LOCK_EX | LOCK_NB); /* until it is one: journal_remove_unborn() */
	err = j->fd < 0 ? j->fd : grow(j, FIRST_SIZE);
	if (!err) {
		fill_head(p, &head);
		head.magic = 0;
		*j->head = head;
		__atomic_store_n(&j->head->magic, JOURNAL_MAGIC, __ATOMIC_RELEASE);
		flock(j->fd, LOCK_UN);
		p->journal = j;
		return 0;
	}
	if (j->fd >= 0) {
		diag_set(d, err, "%s: %s", j->path, strerror(-err));
		journal_remove_path(j->path);
		close(j->fd);
	}
	free(j);
	return err;
}

void journal_begin(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	struct diag why = { 0 };
	int err = open_journal(p, &why);

	if (err)
		snprintf(pp->no_journal, sizeof(pp->no_journal), "%s", diag_text(&why, err));
}

/* A writer for its head and closing: no record will be added. */
int journal_copy(struct process *p, const struct process *from)
{
	const struct journal *old = from->journal;
	struct journal_head head;
	int err = old ? open_journal(p, NULL) : -ENOENT;
	size_t n;

	if (err)
		return err;
	n = old->head->count * sizeof(struct journal_record);
	if (sizeof(head) + n > p->journal->size)
		err = grow(p->journal, sizeof(head) + n);
	if (err)
		return err;
	head = *p->journal->head;
	head.count = old->head->count;
	head.functions = old->head->functions;
	head.handlers_in = old->head->handlers_in;
	head.handlers = old->head->handlers;
	memcpy(records(p->journal), records(old), n);
	*p->journal->head = head;
	journal_places(p);
	return 0;
}

int journal_view_of(const struct process *p, struct journal_view *v, struct diag *d)
{
	*v = (struct journal_view){ 0 };
	return p->journal ? journal_read(p->journal->fd, v, d) : -ENOENT;
}

const char *journal_missing(const struct process *p)
{
	const char *why = process_priv(p)->no_journal;
	struct stat st;

	if (p->journal && fstat(p->journal->fd, &st) == 0 && !st.st_nlink)
		return "its file was removed";
	return *why ? why : NULL;
}

void journal_places(struct process *p)
{
	struct journal_head *h = p->journal ? p->journal->head : NULL;
	const struct process_priv *pp = process_priv(p);

	if (!h || h->ready)
		return;
	h->tls_off = p->tls_off;
	h->entry = pp->entry;
	h->arena = p->arena;
	h->threads = p->threads;
	h->lowest = pp->layout.lowest;
	h->span = pp->layout.span;
	for (int i = 0; i < SLABS; i++)
		h->slab[i] = (struct journal_slab){ p->slab[i].bias, p->slab[i].text,
						    p->slab[i].room, p->slab[i].rt_state };
	__atomic_store_n(&h->ready, 1, __ATOMIC_RELEASE);
}

static int added(const struct process *p, int err, struct diag *d)
{
	return err ? diag_set(d, err, "%s: %s; without a note of how to undo it nothing is patched",
			      p->journal->path, strerror(-err)) :
		     0;
}

int journal_patches(struct process *p, const struct process_patch *patch, unsigned n,
		    struct diag *d)
{
	int err = 0;

	for (unsigned i = 0; p->journal && i < n && !err; i++) {
		const struct process_patch *x = &patch[i];
		struct journal_record r = { .addr = x->addr,
					    .kind = JOURNAL_WINDOW,
					    .len = x->len };

		if (x->restores || x->result)
			continue;
		memcpy(r.old, x->expect, x->len);
		memcpy(r.ours, x->bytes, x->len);
		err = add(p, &r);
	}
	return added(p, err, d);
}

int journal_padding(struct process *p, taddr_t addr, const uint8_t *old, const uint8_t *ours,
		    uint8_t len, taddr_t go_on)
{
	struct journal_record r = {
		.addr = addr, .go_on = go_on, .kind = JOURNAL_WINDOW, .len = len, .padding = 1
	};

	if (!p->journal)
		return 0;
	memcpy(r.old, old, len);
	memcpy(r.ours, ours, len);
	return add(p, &r);
}

int journal_write(struct process *p, taddr_t addr, const void *bytes, uint8_t len)
{
	struct journal_record r = { .addr = addr, .kind = JOURNAL_WRITE, .len = len };

	if (!p->journal)
		return 0;
	memcpy(r.ours, bytes, len);
	return add(p, &r);
}

void journal_forget(struct process *p, taddr_t addr)
{
	struct journal *j = p->journal;
	uint64_t *link = j ? &j->chain[chain_of(addr)] : NULL;

	while (link && *link) {
		uint64_t at = *link - 1;
		struct journal_record *r = &records(j)[at];

		if (r->kind != JOURNAL_WRITE || r->addr != addr) {
			link = &j->before.at[at];
			continue;
		}
		__atomic_store_n(&r->kind, JOURNAL_VOID, __ATOMIC_RELEASE);
		*link = j->before.at[at];
		vec_push(&j->unused, at); /* there is room */
	}
}

void journal_handlers(struct process *p, const struct process_handlers *h)
{
	struct journal_head *to = p->journal ? p->journal->head : NULL;

	if (!to)
		return;
	if (h)
		to->handlers = *h;
	__atomic_store_n(&to->handlers_in, h ? 1 : 0, __ATOMIC_RELEASE);
}

void journal_functions(struct process *p, unsigned n)
{
	if (p->journal)
		__atomic_store_n(&p->journal->head->functions, n, __ATOMIC_RELEASE);
}

/* Some window is still ours, in a process that goes on. */
static bool is_owed(struct process *p)
{
	const struct journal *j = p->journal;
	uint8_t now[JOURNAL_BYTES];

	if (!process_alive(p) || !process_priv(p)->ran)
		return false;
	for (uint64_t i = 0; i < j->head->count; i++) {
		const struct journal_record *r = &records(j)[i];

		if (r->kind == JOURNAL_WINDOW && !process_read(p, r->addr, now, r->len) &&
		    !memcmp(now, r->ours, r->len))
			return true;
	}
	return j->head->handlers_in;
}

bool journal_owes(struct process *p)
{
	const struct journal *j = p->journal;
	uint8_t now[JOURNAL_BYTES];

	for (uint64_t i = 0; j && i < j->head->count; i++) {
		const struct journal_record *r = &records(j)[i];

		/* somebody's breakpoint over our jump: that comes back when it goes */
		if (r->kind == JOURNAL_WINDOW && !process_read(p, r->addr, now, r->len) &&
		    memcmp(now, r->old, r->len) != 0)
			return true;
	}
	return false;
}

/* The next session's slabs may lie at the same addresses, with the same table and arena. */
void journal_over(struct process *p)
{
	if (p->journal)
		__atomic_store_n(&p->journal->head->count, 0, __ATOMIC_RELEASE);
}

const char *journal_path(const struct process *p)
{
	return p->journal ? p->journal->path : NULL;
}

const char *journal_announced(void)
{
	return announced;
}

void journal_mark_kept(struct process *p)
{
	if (p->journal)
		__atomic_store_n(&p->journal->head->asks, JOURNAL_KEPT, __ATOMIC_RELEASE);
}

void journal_close(struct process *p)
{
	struct journal *j = p->journal;

	if (!j)
		return;
	if (is_owed(p))
		__atomic_store_n(&j->head->tool, 0, __ATOMIC_RELEASE);
	else
		journal_remove_path(j->path);
	munmap(j->head, j->size);
	close(j->fd);
	vec_free(&j->before);
	vec_free(&j->unused);
	free(j);
	p->journal = NULL;
}
