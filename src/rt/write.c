/*
 * rt/write.c - bpf_probe_write_user: the one helper that changes the target's memory.
 *
 * Stores survive bad addresses as loads do (rt/read.c); what is there but may not be written is as bad.
 * What is ours is refused, so that a program which may write the target's memory cannot change what keeps
 * it in bounds: slabs and the arena, the table of threads, the thread's own words, and the frames of the
 * hit at hand, from the trampoline's return address down to ours.  That one is found frame by frame: by
 * frame states in a slab's room, by rbp in functions of rt/.
 *
 * Errors   -EPERM ours;  -EFAULT no memory, or not to be written, or there is no way to find out; what lies
 *          before the fault may be written by then
 * Bounds   FRAMES frames of ours
 * Context  [probe]
 * Spec     bpf-helpers(7); kernel/trace/bpf_trace.c (bpf_probe_write_user)
 */
#include "rt/probe.h"
#include "rt/slab.h"

#define FRAMES 32
#define BELOW  1024 /* of the stack, for what a helper calls: FACTS_HELPER_STACK */

/* x86/frame.h, whose layer is not for us */
#define STATE_FRAME 0x80 /* return address at rbp + 8 */
#define STATE_RBP   0x40 /* frameless, rbp pushed last */
#define STATE_DEPTH 0x3f

struct span {
	uint64_t lo, size;
};

static int overlaps(const struct span *s, uint64_t addr, uint64_t n)
{
	return addr < s->lo + s->size && s->lo < addr + n;
}

/* In assembly: sanitizers know of no object there. */
static uint64_t load(uint64_t addr)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
	return v;
}

/* What returns to pc was called from: 0 not us; 1 an image or program, with its state; 2 rt/. */
static int own_code(uint64_t pc, uint8_t *state)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];

		if (pc - 1 - r->lo < r->size) {
			*state = *(const volatile uint8_t *)(pc - 1 + SLAB_SHADOW_DISTANCE);
			return 1;
		}
		if (r->size && r->lo - pc <= SLAB_ROOM)
			return 2;
	}
	return 0;
}

/* Behind the return address of the outermost frame of ours; frame: where the caller's rbp lies. */
static uint64_t frames_end(uint64_t frame)
{
	uint64_t at = frame + 8, fp = load(frame);
	uint8_t state = 0;

	for (unsigned n = 0; n < FRAMES; n++) {
		int own = own_code(load(at), &state);

		if (!own)
			break;
		if (own == 2 || state & STATE_FRAME) {
			at = fp + 8;
			fp = load(fp);
		} else {
			at += 8 + 8u * (state & STATE_DEPTH);
			if (state & STATE_RBP)
				fp = load(at - 8);
		}
	}
	return at + 8;
}

static int is_ours(uint64_t addr, uint64_t n, uint64_t frame)
{
	uint64_t tls;
	struct span own[6];
	unsigned k = 0;
	int found = 0;

	__asm__ volatile("movq %%fs:0, %0"
			 : "=r"(tls)); /* psABI, Thread-Local Storage: its own address */
	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];

		if (r->size) /* from the load base to the end of the frame states */
			own[k++] = (struct span){ r->lo - SLAB_ROOM,
						  SLAB_ROOM + SLAB_SHADOW_DISTANCE + r->size };
	}
	own[k++] = (struct span){ rt_state.threads,
				  rt_state.threads ? SHM_MAX_THREADS * RT_THREAD_SIZE : 0 };
	own[k++] = (struct span){ rt_state.cfi, rt_state.cfi ? sizeof(struct rt_cfi) : 0 };
	own[k++] =
		(struct span){ tls + (uint64_t)(int64_t)rt_state.tls_off, sizeof(struct rt_tls) };
	own[k++] = (struct span){ frame - BELOW, frames_end(frame) - frame + BELOW };
	for (unsigned i = 0; i < k; i++)
		found |= overlaps(&own[i], addr, n);
	if (!found && rt_state.arena) {
		const struct shm_arena *a = (const struct shm_arena *)rt_state.arena;
		const struct span arena = { rt_state.arena, a->size };

		found = overlaps(&arena, addr, n);
	}
	return found;
}

uint64_t rt_probe_write_user(uint64_t dst, const void *src, uint32_t size)
{
	if (rt_state.flags & RT_FLAG_NO_READS || dst + size < dst)
		return RT_ERR(EFAULT);
	if (is_ours(dst, size, (uint64_t)__builtin_frame_address(0)))
		return RT_ERR(EPERM);
	return rt_write_all(dst, src, size) ? RT_ERR(EFAULT) : 0;
}
