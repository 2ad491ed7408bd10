/*
 * ctl/patch.c - replace windows of text in a stopped process, many in one go.
 *
 * Order: compare, scan stacks, move pcs, write.  Stacks are scanned because a thread in a
 * signal handler has an interrupted pc in its signal frame; a word there that only looks
 * like one postpones the site, which does no harm.  Writing through /proc/PID/mem makes
 * the page private to the process and leaves it r-x.
 *
 * Restoring needs no scan, and a word must not hold it up (a program may keep a pointer
 * into a function for ever; its text would stay patched).  While a window is patched its
 * first bytes are one jump and the rest is never run, so no thread, and no signal frame that
 * is pushed then, has a pc inside: at the jump itself, or behind it.  A frame that was pushed
 * before, on a stack that the scan did not see, has one at an instruction that comes back.
 * Only where nothing comes back to run, a hop's padding, is first_too set and stacks are read.
 *
 * Context  [ctl]
 * Spec     proc_pid_mem(5); sigreturn(2) for the frame; kernel/signal.c: a call that will be
 *          restarted goes on 2 bytes before the pc that ptrace shows
 */
#include "base/cleanup.h"
#include "ctl/journal.h"
#include "ctl/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 4096,
	RED_ZONE = 128,
	STACK_SCAN_MAX = 8 << 20, /* above rsp; the usual size of a whole stack */
	VIEW_MAX = 256 << 10,     /* read at once, */
	VIEW_GAP = 16 << 10,      /* of windows no further apart: a call costs as much */
};

struct batch {
	struct process *p;
	struct process_patch **at; /* by address */
	unsigned n;
};

static int by_address(const void *a, const void *b)
{
	const struct process_patch *x = *(struct process_patch *const *)a;
	const struct process_patch *y = *(struct process_patch *const *)b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The patch with pc inside its window (at its first byte: where that counts), or NULL. */
static struct process_patch *patch_around(const struct batch *b, taddr_t pc)
{
	unsigned lo = 0, hi = b->n;
	struct process_patch *last;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (b->at[mid]->addr <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	last = b->at[lo - 1];
	if (last->addr == pc && !last->first_too)
		return NULL;
	return pc < last->addr + last->len ? last : NULL;
}

static bool needs_scan(const struct process_patch *x)
{
	return !x->restores || x->first_too;
}

/* Memory of the process that was read in one go. */
struct view {
	taddr_t lo, hi;
	uint8_t *bytes; /* VIEW_MAX */
};

/* What stands in window i, or NULL; windows behind it are read with it while they are close. */
static const uint8_t *view_window(const struct batch *b, struct view *v, unsigned i)
{
	taddr_t lo = b->at[i]->addr, least = lo + b->at[i]->len, hi = least;

	if (lo >= v->lo && least <= v->hi)
		return v->bytes + (lo - v->lo);
	for (unsigned k = i + 1; k < b->n; k++) {
		taddr_t end = b->at[k]->addr + sizeof(b->at[k]->expect);

		if (b->at[k]->addr > hi + VIEW_GAP || end > lo + VIEW_MAX)
			break;
		hi = end > hi ? end : hi;
	}
	v->lo = lo;
	v->hi = hi;
	if (process_read(b->p, lo, v->bytes, hi - lo) == 0)
		return v->bytes;
	/* a hole between them, or behind the last one */
	v->hi = process_read(b->p, lo, v->bytes, least - lo) == 0 ? least : lo;
	return v->hi > lo ? v->bytes : NULL;
}

static void compare_all(const struct batch *b, uint8_t *buf)
{
	struct view v = { .bytes = buf };

	for (unsigned i = 0; i < b->n; i++) {
		struct process_patch *x = b->at[i];
		const uint8_t *now;

		if (x->len == 0 || x->len > sizeof(x->expect)) {
			x->result = -EINVAL;
			continue;
		}
		now = view_window(b, &v, i);
		x->result = !now ? process_alive(b->p) ? -EFAULT : -ESRCH :
			    memcmp(now, x->expect, x->len) ? -EBUSY :
							     0;
		/* the later one of two that overlap loses */
		if (!x->result && i && !b->at[i - 1]->result &&
		    b->at[i - 1]->addr + b->at[i - 1]->len > x->addr)
			x->result = -EINVAL;
	}
}

static int scan_stack(const struct batch *b, const struct map_list *maps, taddr_t rsp,
		      uint64_t *buf)
{
	taddr_t from = (rsp - RED_ZONE) & ~(taddr_t)7;
	const struct map_region *r = maps_at(maps, from);
	uint64_t n;

	if (!r)
		r = maps_at(maps, from = rsp & ~(taddr_t)7);
	if (!r)
		return 0; /* no stack: nothing was interrupted on it */
	n = r->hi - from < STACK_SCAN_MAX ? r->hi - from : STACK_SCAN_MAX;
	for (uint64_t off = 0; off < n; off += PAGE) {
		uint64_t some = n - off < PAGE ? n - off : PAGE;
		int err = process_read(b->p, from + off, buf, some);

		if (err)
			return err == -ESRCH ? err : 0;
		for (uint64_t i = 0; i < some / sizeof(*buf); i++) {
			struct process_patch *x = patch_around(b, buf[i]);

			if (x && !x->result && needs_scan(x))
				x->result = -EAGAIN;
		}
	}
	return 0;
}

/*
 * 1 and the new registers when the thread stands inside a window that will be replaced.  Out of a
 * restartable sequence nobody is moved: it begins anew by itself.
 */
static int moved_regs(const struct batch *b, const struct tracee *t, struct user_regs_struct *r)
{
	taddr_t pc = r->rip, back = 0, to;
	struct process_patch *x = patch_around(b, pc);

	if (!x && tracee_will_restart(r)) {
		back = SYSCALL_LEN;
		x = patch_around(b, pc - back);
	}
	if (!x || x->result)
		return 0;
	to = x->move && !tracee_rseq_abort(t, pc) ? x->move(x->arg, pc - back) : 0;
	if (!to) {
		x->result = -EAGAIN;
		return 0;
	}
	r->rip = to + back;
	return 1;
}

/* `commit` false: only find out which patches cannot be. */
static int move_threads(const struct batch *b, bool commit)
{
	struct process_priv *pp = process_priv(b->p);

	for (size_t i = 0; i < pp->threads.n; i++) {
		const struct tracee *t = &pp->threads.at[i];
		struct user_regs_struct r;
		int err = t->stopped ? tracee_regs(t, &r) : -ESRCH;

		if (err == -ESRCH)
			continue; /* killed meanwhile */
		if (!err && moved_regs(b, t, &r) && commit)
			err = tracee_set_regs(t, &r);
		if (err && err != -ESRCH)
			return err;
	}
	return 0;
}

static int scan_stacks(const struct batch *b)
{
	struct process_priv *pp = process_priv(b->p);
	struct map_list maps = { 0 };
	uint64_t buf[PAGE / sizeof(uint64_t)];
	bool needed = false;
	int err;

	for (unsigned i = 0; i < b->n && !needed; i++)
		needed = needs_scan(b->at[i]);
	if (!needed)
		return 0;
	err = maps_read(tracee_any(b->p), &maps, NULL);
	for (size_t i = 0; i < pp->threads.n && !err; i++) {
		struct user_regs_struct r;

		if (!pp->threads.at[i].stopped || tracee_regs(&pp->threads.at[i], &r) < 0)
			continue;
		/* our own frames hold addresses of windows, and no signal frame */
		if (b->p->self && pp->threads.at[i].tid == pp->caller)
			r.rsp = pp->caller_sp;
		err = scan_stack(b, &maps, r.rsp, buf);
	}
	maps_free(&maps);
	return err;
}

/*
 * Patches [from, to) lie in the pages of [base, base + n), which buf has room for.  What cannot be
 * written as a whole is tried one by one.
 */
static void write_run(const struct batch *b, unsigned from, unsigned to, taddr_t base, uint8_t *buf,
		      size_t n)
{
	int err = process_read(b->p, base, buf, n);
	unsigned due = 0;

	for (unsigned i = from; i < to; i++) {
		struct process_patch *x = b->at[i];

		if (x->result)
			continue;
		due++;
		memcpy(buf + (x->addr - base), x->bytes, x->len);
	}
	if (due && !err)
		err = process_write(b->p, base, buf, n);
	for (unsigned i = from; i < to && due && err; i++) {
		struct process_patch *x = b->at[i];

		if (!x->result)
			x->result = process_write(b->p, x->addr, x->bytes, x->len);
	}
}

/*
 * Whole pages, those side by side in one write by way of buf (VIEW_MAX bytes).  A page without
 * a window stays shared.
 */
static void write_all(const struct batch *b, uint8_t *buf)
{
	for (unsigned i = 0; i < b->n;) {
		taddr_t base = b->at[i]->addr & ~(taddr_t)(PAGE - 1);
		taddr_t end = base;
		unsigned to = i;

		for (; to < b->n && (b->at[to]->addr & ~(taddr_t)(PAGE - 1)) <= end; to++) {
			taddr_t past = ALIGN_UP(b->at[to]->addr + b->at[to]->len, (taddr_t)PAGE);

			if (past > base + VIEW_MAX)
				break;
			end = past > end ? past : end;
		}
		write_run(b, i, to, base, buf, end - base);
		i = to;
	}
}

static int patch_now(struct process *p, struct process_patch *patch, unsigned n, struct diag *d)
{
	_free_ struct process_patch **order = calloc(n ? n : 1, sizeof(*order));
	_free_ uint8_t *buf = malloc(VIEW_MAX);
	struct batch b = { p, order, n };
	int failed = 0, err;

	if (!p->stopped)
		return diag_set(d, -EINVAL, "process %d is not stopped", p->pid);
	if (!order || !buf)
		return diag_set(d, -ENOMEM, "no memory for %u patches", n);
	for (unsigned i = 0; i < n; i++)
		order[i] = &patch[i];
	qsort(order, n, sizeof(*order), by_address);
	compare_all(&b, buf);
	err = scan_stacks(&b);
	if (!err)
		err = move_threads(&b, false);
	if (!err) {
		err = journal_patches(p, patch, n, d);
		if (err)
			return err;
	}
	if (!err)
		err = move_threads(&b, true);
	if (err)
		return diag_set(d, err, "process %d: threads cannot be examined: %s", p->pid,
				strerror(-err));
	write_all(&b, buf);
	for (unsigned i = 0; i < n; i++)
		failed += patch[i].result != 0;
	return failed;
}

int process_patch(struct process *p, struct process_patch *patch, unsigned n, struct diag *d)
{
	_free_ int *results = calloc(n + 1, sizeof(*results));
	int failed;

	if (!results)
		return diag_set(d, -ENOMEM, "no memory for %u patches", n);
	if (tape_plays(p)) {
		failed = (int)tape_take(p, TAPE_PATCH, results, n * sizeof(*results));
		for (unsigned i = 0; i < n; i++)
			patch[i].result = failed < 0 ? failed : results[i];
		return failed;
	}
	tape_begin(p);
	failed = patch_now(p, patch, n, d);
	for (unsigned i = 0; i < n; i++)
		results[i] = patch[i].result;
	return (int)tape_end(p, TAPE_PATCH, failed, results, n * sizeof(*results));
}

void process_touch(struct process *p, const struct process_patch *patch, unsigned n)
{
	taddr_t last = 0;

	for (unsigned i = 0; i < n; i++) {
		taddr_t ends[2] = { patch[i].addr, patch[i].addr + patch[i].len - 1 };

		for (int k = 0; k < 2; k++) {
			uint8_t byte;

			if (ends[k] / PAGE == last)
				continue;
			last = ends[k] / PAGE;
			if (process_read(p, ends[k], &byte, 1) == 0)
				process_write(p, ends[k], &byte, 1);
		}
	}
}
