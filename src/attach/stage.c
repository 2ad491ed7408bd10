/*
 * attach/stage.c - see stage.h.
 */
#include "attach/stage.h"

#include "attach/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INT3    0xcc
#define GAP_MAX SLOT_ALIGN /* what alignment leaves free between two pieces */

static uint64_t file_offset(const struct utramp_target *t, unsigned slab, taddr_t addr)
{
	taddr_t in_file = addr - t->proc->slab[slab].bias;

	for (unsigned i = 0; i < t->slab->nseg; i++) {
		const struct objseg *s = &t->slab->seg[i];

		if (in_file >= s->addr && in_file - s->addr < s->memsz)
			return s->offset + (in_file - s->addr);
	}
	return 0;
}

/*
 * The process first: its page becomes a private copy.  Then the file, for profilers that
 * read code and symbols there; that it cannot be written is no reason to fail.
 */
static int write_both(struct utramp_target *t, unsigned slab, taddr_t addr, const void *bytes,
		      size_t n)
{
	uint64_t off = file_offset(t, slab, addr);
	int err = process_write(t->proc, addr, bytes, n);

	if (!err && off && t->proc->slab[slab].fd >= 0 &&
	    pwrite(t->proc->slab[slab].fd, bytes, n, (off_t)off) < 0)
		return 0;
	return err;
}

/* A.2: frame states before code, so that no instruction is ever without. */
int stage_write_now(struct utramp_target *t, unsigned slab, taddr_t at, const void *code,
		    const void *frames, size_t n)
{
	const struct slab *s = &t->proc->slab[slab];
	int err = write_both(t, slab, s->shadow + (at - s->text), frames, n);

	return err ? err : write_both(t, slab, at, code, n);
}

static int flush(struct utramp_target *t, unsigned slab)
{
	struct stage *s = &t->stages.of[slab];
	int err = s->n ? stage_write_now(t, slab, s->lo, s->code, s->frames, s->n) : 0;

	if (!err)
		s->n = 0;
	return err;
}

/* Does it go on where the stage ends, with nothing but alignment in between? */
static bool continues(const struct stage *s, taddr_t at, size_t n)
{
	taddr_t end = s->lo + s->n;

	return at >= end && at - end < GAP_MAX && at - s->lo + n <= STAGE_MAX &&
	       (s->top || at - end < ROOM_UNIT);
}

static int reserve(struct stage *s, size_t need)
{
	size_t cap = s->cap ? s->cap : 4096;
	uint8_t *code, *frames;

	while (cap < need)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	code = realloc(s->code, cap);
	s->code = code ? code : s->code;
	frames = code ? realloc(s->frames, cap) : NULL;
	s->frames = frames ? frames : s->frames;
	if (!frames)
		return -ENOMEM;
	s->cap = cap;
	return 0;
}

int stage_write(struct utramp_target *t, unsigned slab, taddr_t at, const void *code,
		const void *frames, size_t n)
{
	struct stage *s = &t->stages.of[slab];
	size_t gap;
	int err = 0;

	if (!t->stages.on || n > STAGE_MAX) {
		s->top = false;
		return stage_write_now(t, slab, at, code, frames, n);
	}
	if (s->n && at >= s->lo && at - s->lo + n <= s->n) { /* where alignment left room */
		memcpy(s->code + (at - s->lo), code, n);
		memcpy(s->frames + (at - s->lo), frames, n);
		return 0;
	}
	if (s->n && at + n <= s->lo) /* in a gap that was left before */
		return stage_write_now(t, slab, at, code, frames, n);
	if (s->n && !continues(s, at, n))
		err = flush(t, slab);
	if (err)
		return err;
	if (!s->n)
		s->lo = at;
	gap = (size_t)(at - s->lo) - s->n;
	err = reserve(s, s->n + gap + n);
	if (err)
		return err;
	memset(s->code + s->n, INT3, gap); /* like what is erased: attach/image.c */
	memset(s->frames + s->n, 0, gap);
	memcpy(s->code + s->n + gap, code, n);
	memcpy(s->frames + s->n + gap, frames, n);
	s->n += gap + n;
	s->top = t->room[slab].next == ALIGN_UP(at + n, (taddr_t)ROOM_UNIT);
	return 0;
}

bool stage_change(struct utramp_target *t, unsigned slab, taddr_t at, const void *bytes, size_t n)
{
	struct stage *s = &t->stages.of[slab];

	if (!s->n || at < s->lo || at - s->lo + n > s->n)
		return false;
	memcpy(s->code + (at - s->lo), bytes, n);
	return true;
}

int stage_begin(struct utramp_target *t)
{
	int err = 0;

	for (unsigned i = 0; i < SLABS && !err; i++)
		err = flush(t, i);
	t->stages.on = !err;
	return err;
}

int stage_end(struct utramp_target *t)
{
	int err = 0, failed;

	t->stages.on = false;
	for (unsigned i = 0; i < SLABS; i++) {
		failed = flush(t, i);
		err = err ? err : failed;
	}
	return err;
}

void stage_fini(struct stages *s)
{
	for (unsigned i = 0; i < SLABS; i++) {
		free(s->of[i].code);
		free(s->of[i].frames);
	}
}
