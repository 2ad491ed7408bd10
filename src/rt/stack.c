/*
 * rt/stack.c - bpf_get_stack: who called the traced function.
 *
 * The first entry is the hit's return address, which the frame of the trampoline has; each other is
 * found by the .eh_frame of the one before (rt/cfi.h).  Code that has none is passed by the chain of frame
 * pointers.  There a function without one (-fomit-frame-pointer) leaves rbp as it found it, so only its
 * caller is missing, or uses it otherwise, and the chain ends or leads astray: it is read as if
 * it could be anything.
 *
 * Frames of ours: a function with exit programs was called by its image, so what it returns to
 * lies in a slab's room, and so does what our own calls return to.  No such address is shown.
 * The frame state of the call (x86/frame.h) tells where the frame's own return address is:
 * rbp + 8, or above what is pushed.  rbp is the image's there: it was so at the call, and is
 * whatever the callee found, which is what its frame has saved or a tail call left.
 *
 * Reads: words in the page of the hit's return address are read as they are.  The thread is
 * going to return by that word, so nobody can take that page from it and have it live.  Nothing
 * like it holds for another page, not even for one that was readable a moment ago: a wild rbp
 * may point to memory that another thread unmaps now.  So all others go by rt_read_some(), a
 * piece at a time, and frames that lie in the piece cost nothing.
 *
 * Bounds   RT_STACK_DEPTH entries, STEPS frames, addresses that only rise
 * Context  [probe]
 * Spec     bpf-helpers(7), kernel/bpf/stackmap.c (__bpf_get_stack: checks, returns, zeroes);
 *          psABI 3.2.2 (frames), kernel.perf_event_max_stack (127)
 */
#include "rt/cfi.h"
#include "rt/probe.h"
#include "rt/slab.h"

#define STEPS (4 * RT_STACK_DEPTH) /* up to three frames of ours for one that is shown */
#define PAGE  4096ull
#define PIECE 32 /* words; the walk's share of the target's stack is FACTS_WALK_STACK */

/* x86/frame.h, whose layer is not for us */
#define STATE_FRAME 0x80 /* return address at rbp + 8 */
#define STATE_RBP   0x40 /* frameless, rbp pushed last */
#define STATE_DEPTH 0x3f

struct walk {
	uint64_t page; /* may be read as it is */
	uint64_t pc;
	uint64_t at; /* where pc lies on the stack: rsp was one word above in its function */
	uint64_t fp;
	int exact;           /* pc is where a signal came, not behind a call */
	uint64_t from, have; /* bytes of the piece, and where they come from */
	uint64_t piece[PIECE];
};

/* In assembly: sanitizers know of no object there. */
static uint64_t load(uint64_t addr)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static int read_word(struct walk *w, uint64_t addr, uint64_t *out)
{
	if (addr % 8)
		return 0;
	if (addr / PAGE == w->page) {
		*out = load(addr);
		return 1;
	}
	if (addr < w->from || addr - w->from >= w->have) {
		w->have = rt_read_some(w->piece, sizeof(w->piece), addr) & ~7ull;
		w->from = addr;
		if (!w->have)
			return 0;
	}
	*out = w->piece[(addr - w->from) / 8];
	return 1;
}

/* Is it in a slab's room?  Then its frame state, that of the call it returns from. */
static int own_code(const struct walk *w, uint8_t *state)
{
	uint64_t pc = w->pc - !w->exact;

	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];

		if (pc - r->lo >= r->size)
			continue;
		*state = *(const volatile uint8_t *)(pc + SLAB_SHADOW_DISTANCE);
		return 1;
	}
	return 0;
}

/* The caller's frame, by the chain. */
static int up_by_rbp(struct walk *w)
{
	uint64_t fp = w->fp;

	if (fp <= w->at || fp > UINT64_MAX - 16)
		return 0;
	w->at = fp + 8;
	return read_word(w, fp, &w->fp) && read_word(w, fp + 8, &w->pc);
}

/* Of ours, without a frame: above the words that it has pushed. */
static int up_by_rsp(struct walk *w, uint8_t state)
{
	w->at += 8 + 8u * (state & STATE_DEPTH);
	if (state & STATE_RBP && !read_word(w, w->at - 8, &w->fp))
		return 0;
	return read_word(w, w->at, &w->pc);
}

/* What lies where a rule says; 0: nobody knows. */
static int by_rule(struct walk *w, uint8_t rule, uint64_t at, const struct cfi_regs *r,
		   uint64_t cfa, uint64_t *v)
{
	switch (rule) {
	case CFI_SAME:
		return 1;
	case CFI_AT:
		return read_word(w, at, v);
	case CFI_EXPR:
		return rt_cfi_expr(at, r, &cfa, &at) && read_word(w, at, v);
	case CFI_VAL:
		return rt_cfi_expr(at, r, &cfa, v);
	}
	return 0;
}

/* The caller's frame, by the function's tables; CFI_TOP: there is none. */
static enum cfi_found up_by_cfi(struct walk *w)
{
	const struct cfi_regs r = { w->pc, w->at + 8, w->fp };
	uint64_t fde, cfa = 0, at;
	struct cfi_row row;
	enum cfi_found found = rt_cfi_find(w->pc - !w->exact, &row, &fde);

	if (found != CFI_ROW)
		return found;
	if (row.cfa == CFI_EXPR ?
		    !rt_cfi_expr(fde + (uint64_t)(int64_t)row.cfa_off, &r, NULL, &cfa) :
		    row.cfa > CFI_SP)
		return CFI_NONE;
	if (row.cfa != CFI_EXPR)
		cfa = (row.cfa == CFI_SP ? r.sp : r.fp) + (uint64_t)(int64_t)row.cfa_off;
	if (cfa % 8 || (!row.signal && cfa < w->at + 16))
		return CFI_NONE;
	at = row.ra == CFI_AT ? cfa : fde;
	if (row.ra == CFI_SAME ||
	    !by_rule(w, row.ra, at + (uint64_t)(int64_t)row.ra_off, &r, cfa, &w->pc))
		return CFI_TOP; /* its stack cannot be read */
	at = row.fp == CFI_AT ? cfa : fde;
	by_rule(w, row.fp, at + (uint64_t)(int64_t)row.fp_off, &r, cfa, &w->fp);
	w->at = cfa - 8;
	w->exact = row.signal;
	return CFI_ROW;
}

/* To the caller of code that is not ours; 0: the stack ends here. */
static int up(struct walk *w)
{
	enum cfi_found found = up_by_cfi(w);

	if (found != CFI_NONE)
		return found == CFI_ROW;
	w->exact = 0;
	return up_by_rbp(w);
}

/* How many entries there are, at most max; those behind the first skip go to out. */
static uint64_t walk(struct walk *w, uint64_t *out, uint64_t skip, uint64_t max)
{
	uint64_t n = 0;
	uint8_t state;

	for (unsigned i = 0; i < STEPS && n < max && w->pc; i++) {
		int own = own_code(w, &state);

		if (!own && n >= skip)
			out[n - skip] = w->pc;
		n += !own;
		if (!own ? !up(w) : state & STATE_FRAME ? !up_by_rbp(w) : !up_by_rsp(w, state))
			break;
		w->exact &= !own;
	}
	return n;
}

uint64_t rt_walk_stack(uint64_t *out, uint64_t skip, uint64_t max, const uint64_t *ret,
		       const uint64_t *frame)
{
	struct walk w;

	max += skip;
	w.at = (uint64_t)ret;
	w.page = w.at / PAGE;
	w.pc = load(w.at);
	w.fp = load((uint64_t)frame);
	w.from = w.have = 0;
	w.exact = 0;
	return walk(&w, out, skip, max < RT_STACK_DEPTH ? max : RT_STACK_DEPTH);
}

static uint64_t refuse(void *buf, uint32_t size, uint64_t err)
{
	rt_zero(buf, size);
	return err;
}

uint64_t rt_get_stack(const uint64_t *ctx, void *buf, uint32_t size, uint64_t flags,
		      const uint64_t *ret, const uint64_t *frame)
{
	uint64_t skip = flags & BPF_F_SKIP_FIELD_MASK, n;

	(void)ctx;
	if (flags & ~(uint64_t)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK) || size % 8 || !ret)
		return refuse(buf, size, RT_ERR(EINVAL));
	n = rt_walk_stack(buf, skip, size / 8, ret, frame);
	if (n < skip)
		return refuse(buf, size, RT_ERR(EFAULT));
	n = 8 * (n - skip);
	rt_zero((char *)buf + n, size - n);
	return n;
}
