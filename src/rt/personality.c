/*
 * rt/personality.c - count a call out when an exception or a cancellation leaves its frame, and
 * report it (rt/unwound.c).
 *
 * libgcc's _Unwind_GetCFA() gives a frame's stack pointer, not its CFA, so the tag is found
 * through rbp: the shadow byte at the frame's pc says that rbp is our frame's and that the
 * tag is valid.  The tag is cleared, so that a frame is counted out once however often
 * it is visited (a forced unwind that is resumed).
 *
 * Context  [probe] called by the unwinder, which may not have our thread registered
 * Spec     psABI 6.2 (unwind library), Itanium C++ ABI: personality routine
 */
#include "rt/probe.h"
#include "rt/slab.h"

/*
 * x86/frame.h is another layer's; the build checks that these are equal (tests/unit/rt).
 */
#define STATE_TAGGED 0xc0 /* FRAME_RBP | FRAME_TAG */
#define TAG_MAGIC    0xffffffff80000000ull
#define OFF_TAG      (-8)

#define CLEANUP_PHASE   2 /* _UA_CLEANUP_PHASE */
#define CONTINUE_UNWIND 8 /* _URC_CONTINUE_UNWIND */
#define REG_RBP         6 /* DWARF number */
#define MAX_SLOTS       (SLAB_CODE / 16)

static void count_out(uint64_t *tag)
{
	struct rt_thread *t = rt_thread_self();
	uint64_t slot = *tag ^ TAG_MAGIC;

	if (slot >= MAX_SLOTS)
		return;
	*tag = 0;
	if (t)
		t->inside[slot % RT_COUNTERS]--;
	rt_unwound((uint64_t)tag - OFF_TAG, (uint32_t)slot);
}

int rt_personality(int version, int actions, uint64_t cls, void *exc, void *context)
{
	uint64_t caller = (uint64_t)__builtin_return_address(0), pc, rbp;
	struct rt_unwinder u;
	const uint8_t *state;

	if (!(actions & CLEANUP_PHASE) || !rt_find_unwinder(caller, &u))
		return CONTINUE_UNWIND;
	pc = ((uint64_t(*)(void *))(void *)u.get_ip)(context);
	state = (const uint8_t *)(pc + SLAB_SHADOW_DISTANCE);
	if ((*state & STATE_TAGGED) == STATE_TAGGED) {
		rbp = ((uint64_t(*)(void *, int))(void *)u.get_gr)(context, REG_RBP);
		count_out((uint64_t *)(rbp + OFF_TAG));
	}
	return CONTINUE_UNWIND;
}
