/*
 * ctl/scan.c - see scan.h.
 *
 * A private page that was never written is a hole, or the file's; /proc/PID/pagemap tells, so that
 * reserved address space costs 8 bytes a page and text nothing.  /proc/PID/mem reads what the
 * process itself may not.
 *
 * Context  [ctl]
 * Spec     proc_pid_pagemap(5); fs/proc/task_mmu.c (bits 58, 61 to 63; shared memory that is
 *          swapped out has no entry)
 */
#include "ctl/scan.h"

#include "base/cleanup.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum {
	PAGE = 4096,
	RED_ZONE = 128,
	CHUNK_PAGES = 8192, /* asked about at once */
	PIECE = 256 << 10,  /* read at once */
	LANES = 8,
};

#define PAGE_PRESENT (1ull << 63)
#define PAGE_SWAPPED (1ull << 62)
#define PAGE_FILE    (1ull << 61) /* or shared memory */
#define PAGE_GUARD   (1ull << 58)

/* A pass over memory. */
struct pass {
	struct process *p;
	struct scan *s;
	struct diag *d;
	/* two spans that hold all places: slabs are far apart, and most words are in neither */
	taddr_t lo[2], size[2];
	uint64_t until;
	int pagemap; /* -1: cannot be had, everything is read */
	uint64_t *entry;
	uint64_t *words;
	bool stopped;
	int swap; /* 1: there is some, 0: none, -1: not looked yet */
};

/* -- words -------------------------------------------------------------------------------- */

static void span_set(struct pass *a, unsigned i, const struct scan_place *first,
		     const struct scan_place *last)
{
	a->lo[i] = first->lo;
	a->size[i] = last->hi - first->lo;
}

/* Split where the places are farthest apart. */
static void find_spans(struct pass *a)
{
	const struct scan_place *at = a->s->place;
	size_t n = a->s->n, split = 0;

	for (size_t i = 1; i < n; i++) {
		if (!split || at[i].lo - at[i - 1].hi > at[split].lo - at[split - 1].hi)
			split = i;
	}
	span_set(a, 0, &at[0], &at[split ? split - 1 : 0]);
	span_set(a, 1, &at[split], &at[n - 1]);
}

static bool in_span(const struct pass *a, uint64_t word)
{
	return (word - a->lo[0] <= a->size[0]) | (word - a->lo[1] <= a->size[1]);
}

/* Where one place's end is the next one's beginning, it is both. */
static void look_at(struct pass *a, uint64_t word)
{
	struct scan_place *at = a->s->place;
	size_t lo = 0, hi = a->s->n;

	if (!in_span(a, word))
		return;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (at[mid].lo <= word)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t i = lo > 1 ? lo - 2 : 0; i < lo; i++)
		at[i].found |= word >= at[i].lo && word <= at[i].hi;
}

static void look_at_all(struct pass *a, const uint64_t *word, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		bool any = false;

		for (size_t k = 0; k < LANES; k++)
			any |= in_span(a, word[i + k]);
		for (size_t k = 0; any && k < LANES; k++)
			look_at(a, word[i + k]);
	}
	for (; i < n; i++)
		look_at(a, word[i]);
}

/* -- memory ------------------------------------------------------------------------------- */

/* What cannot be read of a running process may just have been unmapped. */
static int read_pages(struct pass *a, taddr_t lo, taddr_t hi)
{
	for (taddr_t at = lo; at < hi;) {
		uint64_t n = hi - at < PIECE ? hi - at : PIECE;
		int err = process_read(a->p, at, a->words, n);

		if (a->until && process_now_ns() > a->until)
			return diag_set(a->d, -ETIMEDOUT, "its memory takes too long to read");
		if (err == -ESRCH)
			return err;
		if (err && a->stopped)
			return diag_set(a->d, err, "its memory at %#" PRIx64 " cannot be read", at);
		if (!err)
			look_at_all(a, a->words, n / sizeof(a->words[0]));
		a->s->bytes += n;
		at += n;
	}
	return 0;
}

enum kind { NO_STACK, WRITTEN, SEEN };

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static bool has_no_file(const char *path)
{
	return !*path || *path == '[' || begins(path, "/dev/zero") || begins(path, "/dev/shm/") ||
	       begins(path, "/memfd:") || begins(path, "/SYSV");
}

/*
 * Which pages count: of private memory those that were written, of shared memory those that there
 * are.  Nobody's stack is in a device's memory, nor in pages that the kernel keeps for itself.
 */
static enum kind kind_of(const struct map_region *r)
{
	if (begins(r->path, "[vvar") || begins(r->path, "[vdso") || begins(r->path, "[vsyscall") ||
	    begins(r->path, "[uprobes"))
		return NO_STACK;
	if (!r->shared)
		return WRITTEN;
	if (has_no_file(r->path))
		return SEEN;
	return r->w && !begins(r->path, "/dev/") && !begins(r->path, "anon_inode:") ? SEEN :
										      NO_STACK;
}

static bool counts(enum kind kind, uint64_t entry)
{
	if (entry & PAGE_GUARD)
		return false;
	if (entry & PAGE_SWAPPED)
		return true;
	return entry & PAGE_PRESENT && (kind == SEEN || !(entry & PAGE_FILE));
}

/* "Filename Type Size ..." and a line for each. */
static bool there_is_swap(struct pass *a)
{
	_fclose_ FILE *f = NULL;
	char line[256];

	if (a->swap >= 0)
		return a->swap;
	f = fopen("/proc/swaps", "re");
	a->swap = f && fgets(line, sizeof(line), f) && fgets(line, sizeof(line), f);
	return a->swap;
}

/* Pages [lo, hi), at most CHUNK_PAGES. */
static int look_chunk(struct pass *a, enum kind kind, taddr_t lo, taddr_t hi)
{
	size_t n = (hi - lo) / PAGE, bytes = n * sizeof(a->entry[0]);
	int err = 0;

	if (a->pagemap < 0 || pread(a->pagemap, a->entry, bytes,
				    (off_t)(lo / PAGE * sizeof(a->entry[0]))) != (ssize_t)bytes)
		return read_pages(a, lo, hi);
	for (size_t i = 0, end; i < n && !err; i = end + 1) {
		while (i < n && !counts(kind, a->entry[i])) {
			if (kind == SEEN && there_is_swap(a))
				return diag_set(a->d, -EFAULT,
						"shared memory at %#" PRIx64 " may be swapped out",
						lo + i * PAGE);
			i++;
		}
		for (end = i; end < n && counts(kind, a->entry[end]);)
			end++;
		if (end > i)
			err = read_pages(a, lo + i * PAGE, lo + end * PAGE);
	}
	if (!err && a->until && process_now_ns() > a->until)
		err = diag_set(a->d, -ETIMEDOUT,
			       "its address space takes too long to look through");
	return err;
}

static int look_range(struct pass *a, enum kind kind, taddr_t lo, taddr_t hi)
{
	int err = 0;

	for (taddr_t next; lo < hi && !err; lo = next) {
		next = hi - lo < CHUNK_PAGES * PAGE ? hi : lo + CHUNK_PAGES * PAGE;
		err = look_chunk(a, kind, lo, next);
	}
	return err;
}

/* A region without what is to be skipped, from the skip[i] on. */
static int look_region(struct pass *a, const struct map_region *r)
{
	enum kind kind = kind_of(r);
	taddr_t lo = r->lo;
	int err = 0;

	while (kind != NO_STACK && lo < r->hi && !err) {
		struct taddr_range next = { r->hi, r->hi };

		for (unsigned i = 0; i < a->s->nskip; i++) {
			const struct taddr_range *k = &a->s->skip[i];

			if (k->hi > lo && k->lo < next.lo)
				next = (struct taddr_range){ k->lo > lo ? k->lo : lo, k->hi };
		}
		err = look_range(a, kind, lo, next.lo);
		lo = next.hi;
	}
	return err;
}

static int pass_init(struct pass *a, struct process *p, struct scan *s, struct diag *d)
{
	char path[48];

	*a = (struct pass){ .p = p,
			    .s = s,
			    .d = d,
			    .stopped = p->stopped,
			    .until = s->limit_ns ? process_now_ns() + s->limit_ns : 0,
			    .swap = -1,
			    .entry = malloc(CHUNK_PAGES * sizeof(uint64_t)),
			    .words = malloc(PIECE) };
	snprintf(path, sizeof(path), "/proc/%d/pagemap", tracee_any(p));
	a->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (s->n)
		find_spans(a);
	return a->entry && a->words ? 0 : -ENOMEM;
}

static void pass_fini(struct pass *a)
{
	if (a->pagemap >= 0)
		close(a->pagemap);
	free(a->entry);
	free(a->words);
}

int process_scan_memory(struct process *p, struct scan *s, struct diag *d)
{
	struct map_list m = { 0 };
	struct pass a;
	int err = pass_init(&a, p, s, d);

	if (!err && s->n)
		err = maps_read(tracee_any(p), &m, d);
	for (size_t i = 0; i < m.n && !err; i++)
		err = look_region(&a, &m.at[i]);
	maps_free(&m);
	pass_fini(&a);
	return err;
}

/* -- threads ------------------------------------------------------------------------------ */

/* One that was killed meanwhile runs no more. */
static bool regs_of(const struct tracee *t, struct user_regs_struct *r)
{
	return t->stopped && tracee_regs(t, r) == 0;
}

int process_scan_registers(struct process *p, struct scan *s, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct pass a = { .s = s };

	if (!p->stopped)
		return diag_set(d, -EINVAL, "process %d is not stopped", p->pid);
	if (!s->n)
		return 0;
	find_spans(&a);
	for (size_t i = 0; i < pp->threads.n; i++) {
		struct user_regs_struct r;
		uint64_t word[sizeof(r) / sizeof(uint64_t)];

		if (!regs_of(&pp->threads.at[i], &r))
			continue;
		memcpy(word, &r, sizeof(r)); /* all are words, the pc among them */
		look_at_all(&a, word, ARRAY_LEN(word));
	}
	return 0;
}

int process_scan_stacks(struct process *p, struct scan *s, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct map_list m = { 0 };
	struct pass a;
	int err = pass_init(&a, p, s, d);

	if (!err && s->n)
		err = maps_read(tracee_any(p), &m, d);
	for (size_t i = 0; i < pp->threads.n && s->n && !err; i++) {
		const struct map_region *r;
		struct user_regs_struct regs;
		taddr_t from;

		if (!regs_of(&pp->threads.at[i], &regs))
			continue;
		r = maps_at(&m, regs.rsp);
		from = (regs.rsp - RED_ZONE) & ~(taddr_t)(PAGE - 1);
		if (r)
			err = look_range(&a, r->shared ? SEEN : WRITTEN,
					 from < r->lo ? r->lo : from, r->hi);
	}
	maps_free(&m);
	pass_fini(&a);
	return err;
}

int process_calls_inside(struct process *p, unsigned slots, int64_t sum[RT_COUNTERS])
{
	memset(sum, 0, RT_COUNTERS * sizeof(sum[0]));
	for (unsigned i = 0; i < slots && i < SHM_MAX_THREADS; i++) {
		taddr_t at = p->threads + (taddr_t)i * RT_THREAD_SIZE +
			     offsetof(struct rt_thread, inside);
		int64_t of[RT_COUNTERS];
		int err = process_read(p, at, of, sizeof(of));

		if (err)
			return err;
		for (unsigned k = 0; k < RT_COUNTERS; k++)
			sum[k] += of[k];
	}
	return 0;
}
