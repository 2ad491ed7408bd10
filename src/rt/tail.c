/*
 * rt/tail.c - was a traced function entered by a tail call inside a call of it that is open?
 *
 * An image that calls its function finds out that it was jumped to: the return address of its
 * hit lies in a slab's room, so it is that of an image's call of its own function.  Beside such a
 * call, in the shadow, stands how far above rsp that image's rbp lies then (x86/frame.h).  With it
 * one frame leads to the next, as long as they are ours and follow each other; rbp itself, which
 * functions may use as they like, is not asked.
 *
 * What is read is code's shadow and words of frames that are in use: they will be returned
 * through.  A function that moves its return address before it jumps on (no C compiler's
 * does) would lead astray: a frame without its tag ends the walk.
 *
 * Bounds   FRAMES frames
 * Context  [probe]
 */
#include "rt/probe.h"
#include "rt/slab.h"

#define FRAMES 16 /* TRAMP_TAIL_FRAMES */

/* x86/frame.h, whose layer is not for us */
#define STATE_TAGGED 0xc0
#define CALL_BYTES   5
#define CALL_MARK    0x2a
#define TAG_MAGIC    0xffffffff80000000ull
#define OFF_TAG      (-8)

/* In assembly: sanitizers know of no object there. */
static uint64_t load(uint64_t addr)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

static int in_room(uint64_t pc)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];

		if (r->size > CALL_BYTES && pc - CALL_BYTES - r->lo <= r->size - CALL_BYTES)
			return 1;
	}
	return 0;
}

/* The frame of the image whose call has this return address, which lies at `at`; 0: none. */
static uint64_t frame_of(uint64_t at)
{
	uint64_t pc = load(at), frame;
	const volatile uint8_t *state;

	if (!in_room(pc))
		return 0;
	state = (const volatile uint8_t *)(pc - CALL_BYTES + SLAB_SHADOW_DISTANCE);
	if ((state[4] & STATE_TAGGED) != STATE_TAGGED || state[3] != CALL_MARK)
		return 0;
	frame = at + 8 + 8 * (state[1] | (uint64_t)state[2] << 8);
	return (load(frame + OFF_TAG) & TAG_MAGIC) == TAG_MAGIC ? frame : 0;
}

uint64_t rt_tail_open(uint64_t frame)
{
	struct shm_arena *a = (struct shm_arena *)(void *)rt_state.arena;
	uint64_t tag = load(frame + OFF_TAG);

	for (unsigned i = 0; i < FRAMES; i++) {
		frame = frame_of(frame + 8);
		if (!frame)
			return 0;
		if (load(frame + OFF_TAG) == tag)
			return 1;
	}
	if (a)
		__atomic_fetch_add(&a->no_exit, 1, __ATOMIC_RELAXED);
	return 1;
}
