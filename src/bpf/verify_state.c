/*
 * bpf/verify_state.c - see verify_priv.h: states as memory, and the branches that wait.
 *
 * A frame is one piece of memory with as many slots of stack as were touched.  Frames of callers are
 * shared by the states that have them; who writes to one makes it its own first (vframe_own()).  The
 * current function's frame is always its state's own.
 *
 * Pieces come in few sizes, are used again, and are freed with the last of them.  All that states take
 * is counted: more than max_bytes is "too complex".
 */
#include "bpf/verify_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      (64u << 10)
#define SLOTS_STEP 8 /* frames have room for a multiple of so many slots */

/* A piece that is free; a chunk begins with the link to the one before it. */
struct vpiece {
	struct vpiece *next;
};

static unsigned room_for(unsigned nslots)
{
	return (nslots + SLOTS_STEP - 1) / SLOTS_STEP * SLOTS_STEP;
}

/* Of a frame's piece by its room, a multiple of SLOTS_STEP; STATE: of a state's. */
#define STATE UINT_MAX

static unsigned class_of(unsigned room)
{
	return room == STATE ? 0 : 1 + room / SLOTS_STEP;
}

static size_t bytes_of(unsigned room)
{
	return room == STATE ? sizeof(struct vstate) :
			       sizeof(struct vframe) + room * sizeof(struct vslot);
}

static bool more_room(struct verify *v)
{
	struct vpiece *chunk = malloc(CHUNK);

	if (!chunk)
		return false;
	chunk->next = v->chunks;
	v->chunks = chunk;
	v->used = sizeof(*chunk);
	v->bytes += CHUNK;
	if (v->bytes > v->stats.peak_bytes)
		v->stats.peak_bytes = v->bytes;
	return true;
}

/* Not cleared; NULL: no memory, which v->err says too. */
static void *take(struct verify *v, unsigned room)
{
	struct vpiece *piece = v->free[class_of(room)];
	size_t n = bytes_of(room);

	if (piece) {
		v->free[class_of(room)] = piece->next;
		return piece;
	}
	if ((!v->chunks || v->used + n > CHUNK) && !more_room(v)) {
		v->err = -ENOMEM;
		return NULL;
	}
	v->used += n;
	return (uint8_t *)v->chunks + v->used - n;
}

static void give(struct verify *v, void *mem, unsigned room)
{
	struct vpiece *piece = mem;

	piece->next = v->free[class_of(room)];
	v->free[class_of(room)] = piece;
}

void vstate_free_all(struct verify *v)
{
	while (v->chunks) {
		struct vpiece *next = v->chunks->next;

		free(v->chunks);
		v->chunks = next;
	}
	memset(v->free, 0, sizeof(v->free));
	v->bytes = 0;
}

/* -- frames ------------------------------------------------------------------------------------ */

static void frame_put(struct verify *v, struct vframe *f)
{
	if (!--f->shared)
		give(v, f, f->room);
}

static struct vframe *frame_copy(struct verify *v, const struct vframe *f, unsigned nslots)
{
	struct vframe *to = take(v, room_for(nslots));

	if (!to)
		return NULL;
	memcpy(to, f, sizeof(*f) + f->nslots * sizeof(struct vslot));
	memset(&to->slot[f->nslots], 0, (nslots - f->nslots) * sizeof(struct vslot));
	to->nslots = (uint16_t)nslots;
	to->room = (uint16_t)room_for(nslots);
	to->shared = 1;
	return to;
}

/* The frame, to be written to. */
struct vframe *vframe_own(struct verify *v, struct vstate *s, unsigned frame)
{
	struct vframe *f = s->f[frame], *own;

	f->clean = false;
	if (f->shared == 1)
		return f;
	own = frame_copy(v, f, f->nslots);
	if (!own)
		return NULL;
	frame_put(v, f);
	s->f[frame] = own;
	return own;
}

/* The new function's frame; the first one does not make s any deeper. */
struct vframe *vframe_push(struct verify *v, struct vstate *s)
{
	unsigned at = s->f[0] ? s->depth + 1 : 0;
	struct vframe *f = take(v, 0);

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	f->shared = 1;
	f->serial = ++v->ids;
	f->r[INSN_FP] = vreg_pointer(V_STACK, 0);
	f->r[INSN_FP].frame = (uint8_t)at;
	if (at)
		s->f[at - 1]->clean = false;
	s->f[at] = f;
	s->depth = at;
	return f;
}

/* false: no memory */
bool vframe_pop(struct verify *v, struct vstate *s)
{
	frame_put(v, s->f[s->depth]);
	s->f[s->depth--] = NULL;
	return vframe_own(v, s, s->depth);
}

/* The slots of a frame, to be written to, of which there are n at least; NULL: no memory. */
struct vslot *vframe_slots(struct verify *v, struct vstate *s, unsigned frame, unsigned n)
{
	struct vframe *f = vframe_own(v, s, frame), *more;

	if (!f || n <= f->nslots)
		return f ? f->slot : NULL;
	if (v->depth[f->sub] < 8 * n)
		v->depth[f->sub] = 8 * n;
	if (n <= f->room) {
		memset(&f->slot[f->nslots], 0, (n - f->nslots) * sizeof(struct vslot));
		f->nslots = (uint16_t)n;
		return f->slot;
	}
	more = frame_copy(v, f, n);
	if (!more)
		return NULL;
	frame_put(v, f);
	s->f[frame] = more;
	return more->slot;
}

/* -- states ----------------------------------------------------------------------------------- */

struct vstate *vstate_new(struct verify *v)
{
	struct vstate *s = take(v, STATE);

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	if (vframe_push(v, s))
		return s;
	vstate_free(v, s);
	return NULL;
}

void vstate_free(struct verify *v, struct vstate *s)
{
	if (!s)
		return;
	for (unsigned k = 0; k < VERIFY_FRAMES; k++)
		if (s->f[k])
			frame_put(v, s->f[k]);
	give(v, s, STATE);
}

struct vstate *vstate_copy(struct verify *v, const struct vstate *s)
{
	struct vframe *own = frame_copy(v, s->f[s->depth], s->f[s->depth]->nslots);
	struct vstate *to = own ? take(v, STATE) : NULL;

	if (!to) {
		if (own)
			frame_put(v, own);
		return NULL;
	}
	*to = *s;
	for (unsigned k = 0; k < s->depth; k++)
		s->f[k]->shared++;
	to->f[s->depth] = own;
	to->next = NULL;
	to->branches = to->hits = to->misses = 0;
	return to;
}

struct vstate *vstate_branch(struct verify *v, uint32_t at)
{
	struct vstate *s = vstate_copy(v, v->cur);

	if (!s)
		return NULL;
	v->nwaiting++;
	s->last_at = v->cur->at;
	s->log_at = v->log ? v->log->n : 0;
	s->at = at;
	s->next = v->waiting;
	v->waiting = s;
	if (s->parent)
		s->parent->branches++;
	return s;
}

int vstate_full(struct verify *v)
{
	static const char change[] =
		"make loops and branches fewer, keep less on the stack across them, or move the "
		"body of the loop into a bpf_loop() callback";

	if (v->err)
		return v->err;
	if (v->nwaiting > VERIFY_MAX_WAITING)
		return vfail(v, -E2BIG, change, "The sequence of %u jumps is too complex.",
			     v->nwaiting);
	if (v->bytes <= v->max_bytes)
		return 0;
	return vfail(v, -E2BIG, change,
		     "the program is too complex: its states take more than %llu MiB",
		     (unsigned long long)(v->max_bytes >> 20));
}
