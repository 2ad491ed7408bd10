/*
 * rt/personality.c - count a call out when an exception or a cancellation leaves its frame.
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
}

int rt_personality(int version, int actions, uint64_t cls, void *exc, void *context)
{
	uint64_t (*get_gr)(void *, int) = (uint64_t(*)(void *, int))(void *)rt_state.get_gr;
	uint64_t (*get_ip)(void *) = (uint64_t(*)(void *))(void *)rt_state.get_ip;
	const uint8_t *state;

	if (!(actions & CLEANUP_PHASE) || !get_gr || !get_ip)
		return CONTINUE_UNWIND;
	state = (const uint8_t *)(get_ip(context) + SLAB_SHADOW_DISTANCE);
	if ((*state & STATE_TAGGED) == STATE_TAGGED)
		count_out((uint64_t *)(get_gr(context, REG_RBP) + OFF_TAG));
	return CONTINUE_UNWIND;
}
