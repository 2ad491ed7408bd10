/*
 * bpf/verify_state.c - see verify_priv.h: states as memory, and the branches that wait.
 *
 * A frame is one allocation with as many slots of stack as were touched.  All that states take is
 * counted: more than max_bytes is "too complex".
 */
#include "bpf/verify_priv.h"

#include <stdlib.h>
#include <string.h>

static size_t frame_bytes(unsigned nslots)
{
	return sizeof(struct vframe) + nslots * sizeof(struct vslot);
}

static void *take(struct verify *v, size_t n)
{
	void *mem = calloc(1, n);

	if (!mem)
		return NULL;
	v->bytes += n;
	if (v->bytes > v->stats.peak_bytes)
		v->stats.peak_bytes = v->bytes;
	return mem;
}

static void give(struct verify *v, void *mem, size_t n)
{
	if (mem)
		v->bytes -= n;
	free(mem);
}

struct vstate *vstate_new(struct verify *v)
{
	struct vstate *s = take(v, sizeof(*s));

	if (s && !vframe_push(v, s)) {
		vstate_free(v, s);
		return NULL;
	}
	return s;
}

void vstate_free(struct verify *v, struct vstate *s)
{
	if (!s)
		return;
	for (unsigned k = 0; k < VERIFY_FRAMES; k++)
		if (s->f[k])
			give(v, s->f[k], frame_bytes(s->f[k]->nslots));
	give(v, s, sizeof(*s));
}

struct vstate *vstate_copy(struct verify *v, const struct vstate *s)
{
	struct vstate *to = take(v, sizeof(*to));

	if (!to)
		return NULL;
	*to = *s;
	memset(to->f, 0, sizeof(to->f));
	for (unsigned k = 0; k <= s->depth; k++) {
		size_t n = frame_bytes(s->f[k]->nslots);

		to->f[k] = take(v, n);
		if (!to->f[k]) {
			vstate_free(v, to);
			return NULL;
		}
		memcpy(to->f[k], s->f[k], n);
	}
	to->next = NULL;
	to->branches = to->hits = to->misses = 0;
	return to;
}

/* The new function's frame; the first one does not make s any deeper. */
struct vframe *vframe_push(struct verify *v, struct vstate *s)
{
	unsigned at = s->f[0] ? s->depth + 1 : 0;
	struct vframe *f = take(v, frame_bytes(0));

	if (!f)
		return NULL;
	f->serial = ++v->ids;
	f->r[INSN_FP] = vreg_pointer(V_STACK, 0);
	f->r[INSN_FP].frame = (uint8_t)at;
	s->f[at] = f;
	s->depth = at;
	return f;
}

void vframe_pop(struct verify *v, struct vstate *s)
{
	struct vframe *f = s->f[s->depth];

	s->f[s->depth--] = NULL;
	give(v, f, frame_bytes(f->nslots));
}

/* The slots of a frame, of which there are n at least; NULL: no memory. */
struct vslot *vframe_slots(struct verify *v, struct vstate *s, unsigned frame, unsigned n)
{
	struct vframe *f = s->f[frame], *more;

	if (n <= f->nslots)
		return f->slot;
	more = take(v, frame_bytes(n));
	if (!more)
		return NULL;
	memcpy(more, f, frame_bytes(f->nslots));
	more->nslots = (uint16_t)n;
	give(v, f, frame_bytes(f->nslots));
	s->f[frame] = more;
	return more->slot;
}

struct vstate *vstate_branch(struct verify *v, uint32_t at)
{
	struct vstate *s = vstate_copy(v, v->cur);

	if (!s)
		return NULL;
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
	if (v->bytes <= v->max_bytes)
		return 0;
	return vfail(
		v, -E2BIG,
		"make loops and branches fewer, keep less on the stack across them, or move the "
		"body of the loop into a bpf_loop() callback",
		"the program is too complex: its states take more than %llu MiB",
		(unsigned long long)(v->max_bytes >> 20));
}
