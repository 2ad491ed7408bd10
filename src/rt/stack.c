/*
 * rt/stack.c - bpf_get_stack: who called the traced function, by frame pointers.
 *
 * The first entry is the hit's return address, which the frame of the trampoline has; the
 * others are what the chain of frame pointers says that starts at the hit's rbp.  A function
 * without one (-fomit-frame-pointer) leaves rbp as it found it, so only its caller is missing, or
 * uses it otherwise, and the chain ends or leads astray: it is read as if it could be anything.
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
 * may point to memory that another thread unmaps now.  So all others go through the kernel, a
 * piece at a time, and frames that lie in the piece cost nothing.
 *
 * Bounds   RT_STACK_DEPTH entries, STEPS frames, addresses that only rise
 * Context  [probe]
 * Spec     bpf-helpers(7), kernel/bpf/stackmap.c (__bpf_get_stack: checks, returns, zeroes);
 *          psABI 3.2.2 (frames), kernel.perf_event_max_stack (127)
 */
#include "rt/probe.h"
#include "rt/slab.h"

#define RT_STACK_DEPTH 127
#define STEPS          (4 * RT_STACK_DEPTH) /* up to three frames of ours for one that is shown */
#define PAGE           4096ull
#define PIECE          64 /* words: the helper's share of the target's stack is 1 KiB */

/* x86/frame.h, whose layer is not for us */
#define STATE_FRAME 0x80 /* return address at rbp + 8 */
#define STATE_RBP   0x40 /* frameless, rbp pushed last */
#define STATE_DEPTH 0x3f

struct walk {
	uint64_t page; /* may be read as it is */
	uint64_t pc;
	uint64_t at; /* where pc lies on the stack */
	uint64_t fp;
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
static int own_code(uint64_t pc, uint8_t *state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];

		if (pc - 1 - r->lo >= r->size)
			continue;
		*state = *(const volatile uint8_t *)(pc - 1 + SLAB_SHADOW_DISTANCE);
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

/* How many entries there are, at most max; those behind the first skip go to out. */
static uint64_t walk(struct walk *w, uint64_t *out, uint64_t skip, uint64_t max)
{
	uint64_t n = 0;
	uint8_t state;

	for (unsigned i = 0; i < STEPS && n < max && w->pc; i++) {
		int own = own_code(w->pc, &state);

		if (!own && n >= skip)
			out[n - skip] = w->pc;
		n += !own;
		if (own && !(state & STATE_FRAME) ? !up_by_rsp(w, state) : !up_by_rbp(w))
			break;
	}
	return n;
}

static uint64_t refuse(void *buf, uint32_t size, uint64_t err)
{
	rt_zero(buf, size);
	return err;
}

uint64_t rt_get_stack(const uint64_t *ctx, void *buf, uint32_t size, uint64_t flags,
		      const uint64_t *ret, const uint64_t *frame)
{
	uint64_t skip = flags & BPF_F_SKIP_FIELD_MASK, max = skip + size / 8, n;
	struct walk w;

	(void)ctx;
	if (flags & ~(uint64_t)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK) || size % 8 || !ret)
		return refuse(buf, size, RT_ERR(EINVAL));
	w.at = (uint64_t)ret;
	w.page = w.at / PAGE;
	w.pc = load(w.at);
	w.fp = load((uint64_t)frame);
	w.from = w.have = 0;
	n = walk(&w, buf, skip, max < RT_STACK_DEPTH ? max : RT_STACK_DEPTH);
	if (n < skip)
		return refuse(buf, size, RT_ERR(EFAULT));
	n = 8 * (n - skip);
	rt_zero((char *)buf + n, size - n);
	return n;
}
