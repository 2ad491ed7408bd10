/*
 * ctl/leave.c - what we mapped in a process that goes on without us.
 *
 * Text is restored by then.  Arena, thread blocks, tables and stack go when nobody is inside of
 * our code, or can come back into it:
 *
 *   - the calls that were counted into slots and out of them add up to none, which tells of the
 *     stacks of coroutines as well;
 *   - no thread runs what stands before and behind those counts: its pc is in no slab, nor is that
 *     which a signal handler on its stack returns to.
 *
 * Other words of stacks do not matter: where a call returns to, it was counted in.  The slabs stay,
 * loaded and quiet, as the loader knows them, and are made as new for the next session (idle.h).
 *
 * Context  [ctl]
 */
#include "ctl/idle.h"
#include "ctl/journal.h"
#include "ctl/priv.h"
#include "ctl/scan.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#define PASSING_NS 2000000000ull

enum { PAGE = 4096, SCAN_MAX = 8 << 20, TRIES = 12, HANDLERS = 4 };

static bool in_slab(const struct process *p, uint64_t word)
{
	const struct slab_layout *l = &process_priv(p)->layout;

	for (int i = 0; i < SLABS; i++) {
		if (p->slab[i].bias && word - (p->slab[i].bias + l->lowest) < l->span)
			return true;
	}
	return false;
}

/* Words of a page, and enough of the next to see a frame that begins in it. */
#define WORDS (PAGE / 8 + FRAME_PC_WORD)

/* Code of ours, from rt/ to the end of the room. */
static bool in_code(const struct process *p, uint64_t word)
{
	const struct slab_template *t = &process_priv(p)->slab;
	struct slab_segment s;
	bool code = false;

	if (!in_slab(p, word))
		return false;
	for (unsigned k = 0; slab_segment(t, k, &s) && !code; k++) {
		for (int i = 0; i < SLABS && s.x; i++)
			code |= word - (p->slab[i].bias + s.addr) < s.size;
	}
	return code;
}

/* A pass over stacks. */
struct walk {
	struct process *p;
	struct map_list m;
	bool words;
	unsigned depth; /* of handlers on stacks of their own */
};

static bool is_restorer(const struct process *p, uint64_t word)
{
	const struct process_priv *pp = process_priv(p);
	taddr_t ours = p->slab[SLAB_LIB].bias + pp->layout.restore;

	return word == pp->code.restorer || (pp->layout.restore && word == ours);
}

static bool stack_leads_back(struct walk *w, taddr_t rsp);

/* The n words of this stack; true as well where another begins that does. */
static bool words_lead_back(struct walk *w, const struct map_region *in, const uint64_t *word,
			    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (w->words && in_code(w->p, word[i]))
			return true;
		if (i + FRAME_PC_WORD >= n || !is_restorer(w->p, word[i]))
			continue;
		if (in_slab(w->p, word[i + FRAME_PC_WORD]))
			return true;
		/* interrupted on another stack */
		if (maps_at(&w->m, word[i + FRAME_SP_WORD]) != in && w->depth < HANDLERS &&
		    stack_leads_back(w, word[i + FRAME_SP_WORD]))
			return true;
	}
	return false;
}

/* One stack; true as well when it cannot be read. */
static bool stack_leads_back(struct walk *w, taddr_t rsp)
{
	const struct map_region *in = maps_at(&w->m, rsp);
	uint64_t word[WORDS];
	bool found = false;
	taddr_t end;

	if (!in)
		return false; /* no stack: nobody comes back on it */
	w->depth++;
	end = in->hi - rsp < SCAN_MAX ? in->hi : rsp + SCAN_MAX;
	for (taddr_t at = rsp & ~7ull; at < end && !found; at += PAGE) {
		size_t n = end - at < sizeof(word) ? end - at : sizeof(word);

		found = process_read(w->p, at, word, n) < 0 || words_lead_back(w, in, word, n / 8);
	}
	w->depth--;
	return found;
}

bool stacks_lead_back(struct process *p, bool words)
{
	struct process_priv *pp = process_priv(p);
	struct walk w = { .p = p, .words = words };
	bool found = maps_read(tracee_any(p), &w.m, NULL) < 0;

	for (size_t i = 0; i < pp->threads.n && !found; i++) {
		struct user_regs_struct r;

		if (pp->threads.at[i].stopped && tracee_regs(&pp->threads.at[i], &r) == 0)
			found = stack_leads_back(&w, r.rsp);
	}
	maps_free(&w.m);
	return found;
}

static bool calls_inside(struct process *p, unsigned slots)
{
	int64_t sum[RT_COUNTERS];

	if (!p->threads)
		return false;
	if (process_calls_inside(p, slots, sum) < 0)
		return true;
	for (unsigned k = 0; k < RT_COUNTERS; k++) {
		if (sum[k])
			return true;
	}
	return false;
}

static void unmap(struct process *p, taddr_t *at, uint64_t size)
{
	const uint64_t arg[6] = { *at, size };

	if (*at)
		process_syscall(p, SYS_munmap, arg);
	*at = 0;
}

/* 0, or -EBUSY; -EAGAIN: some thread runs code of ours just now. */
static int leave_stopped(struct process *p, unsigned slots, bool last, struct diag *d)
{
	bool passing = process_inside(p);
	/* another process may run in the same memory, whose threads do not stand */
	bool inside = passing || calls_inside(p, slots) || stacks_lead_back(p, false) ||
		      process_alone(p, NULL) < 0 || journal_owes(p);

	if (process_priv(p)->underway)
		return diag_set(
			d, -ETIMEDOUT,
			"process %d: thread %d did not come back from a system call in time, "
			"so what is mapped there for it stays",
			p->pid, process_priv(p)->underway);
	if (!process_may_call(p))
		return process_no_calls(p, d);
	if (inside && !last)
		return passing ? -EAGAIN : -EBUSY;
	if (!inside) {
		bool good = idle_forget_threads(p, slots);

		journal_over(p);
		unmap(p, &p->arena, ARENA_SIZE);
		unmap(p, &p->threads, (uint64_t)SHM_MAX_THREADS * RT_THREAD_SIZE);
		unmap(p, &p->cfi, sizeof(struct rt_cfi));
		p->regions = 0;
		stack_unmap(p);
		if (good)
			idle_put_back(p);
	}
	stack_unmap(p);
	return inside ?
		       diag_set(d, -EBUSY,
				"a call that was traced is open in process %d, or a function could "
				"not be restored, so the arena that it may need stays mapped there",
				p->pid) :
		       0;
}

/*
 * Most calls are short, and some never end: after TRIES that is given up.  Who runs our own code is
 * out of it as soon as he has the CPU, which on a loaded machine takes a while.
 */
int process_leave(struct process *p, const struct arena *a, struct diag *d)
{
	const struct timespec nap = { .tv_nsec = 3000000 };
	uint64_t until = process_now_ns() + PASSING_NS;
	int err = -EBUSY;

	if (!process_priv(p)->attached)
		return 0;
	for (int i = 0; i < TRIES && (err == -EBUSY || err == -EAGAIN || err == -ETIMEDOUT);) {
		int bad;

		if (p->exited || p->stopped || !process_alive(p))
			return 0;
		i += err == -EBUSY || process_now_ns() > until;
		err = process_stop(p, d);
		if (err == -ETIMEDOUT && process_now_ns() < until) {
			nanosleep(&nap, NULL);
			continue;
		}
		if (err)
			return err;
		err = leave_stopped(p, (unsigned)a->hdr->slots_used, i == TRIES, d);
		bad = process_resume(p, NULL);
		err = err ? err : bad;
		if (err == -EBUSY || err == -EAGAIN)
			nanosleep(&nap, NULL);
	}
	return err;
}
