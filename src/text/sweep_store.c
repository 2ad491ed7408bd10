/*
 * text/sweep_store.c - see sweep.h: a sweep as bytes, and back.
 *
 * A head, then all of 8-byte words: ranges {lo, hi}, each range's two bitmaps, data addresses,
 * holes {lo, hi}, open parts {lo, hi}.  Byte order and sizes are this machine's: what is kept is
 * kept for the same one.
 *
 * Context  [ctl]
 */
#include "text/sweep_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct head {
	uint64_t nranges, ndata, nholes, nopen;
	struct sweep_stats stats;
	uint64_t fixed;
};

struct writer {
	uint8_t *at;
};

static void put(struct writer *w, const void *p, size_t n)
{
	if (n)
		memcpy(w->at, p, n);
	w->at += n;
}

static size_t size_of(const struct sweep *s)
{
	size_t n = sizeof(struct head) + s->nranges * sizeof(struct taddr_range) +
		   s->data.n * sizeof(taddr_t) +
		   (s->hole.n + s->jumps.open.n) * sizeof(struct taddr_range);

	for (size_t i = 0; i < s->nranges; i++)
		n += 2 * sweep_words(&s->range[i]) * sizeof(uint64_t);
	return n;
}

int sweep_save(const struct sweep *s, void **bytes, size_t *n)
{
	struct head h = { s->nranges, s->data.n, s->hole.n, s->jumps.open.n, s->stats, s->fixed };
	size_t size = size_of(s);
	uint8_t *buf = malloc(size);
	struct writer w = { buf };

	if (!buf)
		return -ENOMEM;
	put(&w, &h, sizeof(h));
	for (size_t i = 0; i < s->nranges; i++)
		put(&w, &(struct taddr_range){ s->range[i].lo, s->range[i].hi },
		    sizeof(struct taddr_range));
	for (size_t i = 0; i < s->nranges; i++) {
		put(&w, s->range[i].mark, sweep_words(&s->range[i]) * sizeof(uint64_t));
		put(&w, s->range[i].guess, sweep_words(&s->range[i]) * sizeof(uint64_t));
	}
	put(&w, s->data.at, s->data.n * sizeof(taddr_t));
	put(&w, s->hole.at, s->hole.n * sizeof(struct taddr_range));
	put(&w, s->jumps.open.at, s->jumps.open.n * sizeof(struct taddr_range));
	*bytes = buf;
	*n = size;
	return 0;
}

/* -- and back ------------------------------------------------------------------------- */

struct reader {
	const uint8_t *at;
	size_t left;
};

/* The next n elements, or NULL: there are not as many. */
static const void *take(struct reader *r, uint64_t n, size_t size)
{
	const uint8_t *p = r->at;

	if (n > r->left / size)
		return NULL;
	r->at += n * size;
	r->left -= n * size;
	return p;
}

/* Whole, one behind the other, and none empty. */
static bool ascend(const struct taddr_range *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (at[i].hi <= at[i].lo || (i && at[i].lo < at[i - 1].hi))
			return false;
	}
	return true;
}

static bool take_ranges(struct sweep *s, struct reader *r, const struct head *h)
{
	const struct taddr_range *at = take(r, h->nranges, sizeof(*at));
	uint64_t bytes = 0;

	if (!at || !ascend(at, h->nranges))
		return false;
	s->nranges = h->nranges;
	s->range = calloc(h->nranges + 1, sizeof(*s->range));
	for (size_t i = 0; i < h->nranges && s->range; i++) {
		struct sweep_range *to = &s->range[i];

		*to = (struct sweep_range){ .lo = at[i].lo, .hi = at[i].hi };
		bytes += to->hi - to->lo;
		if (bytes > SWEEP_MAX_BYTES)
			return false;
		to->mark = (uint64_t *)(uintptr_t)take(r, 2 * sweep_words(to), sizeof(uint64_t));
		to->guess = to->mark ? to->mark + sweep_words(to) : NULL;
		if (!to->mark)
			return false;
	}
	return s->range && bytes == h->stats.bytes;
}

static bool take_lists(struct sweep *s, struct reader *r, const struct head *h)
{
	const taddr_t *data = take(r, h->ndata, sizeof(*data));
	const struct taddr_range *hole = data ? take(r, h->nholes, sizeof(*hole)) : NULL;
	const struct taddr_range *open = hole ? take(r, h->nopen, sizeof(*open)) : NULL;

	if (!open || r->left || !ascend(hole, h->nholes) || !ascend(open, h->nopen))
		return false;
	for (size_t i = 1; i < h->ndata; i++) {
		if (data[i] <= data[i - 1])
			return false;
	}
	s->data.at = (taddr_t *)(uintptr_t)data;
	s->data.n = h->ndata;
	s->hole.at = (struct taddr_range *)(uintptr_t)hole;
	s->hole.n = h->nholes;
	s->jumps.open.at = (struct taddr_range *)(uintptr_t)open;
	s->jumps.open.n = h->nopen;
	return true;
}

int sweep_load(const void *bytes, size_t n, void *held, struct sweep **out)
{
	struct reader r = { bytes, n };
	const struct head *h = take(&r, 1, sizeof(*h));
	struct sweep *s;

	if (!h || (uintptr_t)bytes % sizeof(uint64_t))
		return -EBADMSG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->stats = h->stats;
	s->fixed = h->fixed;
	if (!take_ranges(s, &r, h) || !take_lists(s, &r, h)) {
		free(s->range);
		free(s);
		return -EBADMSG;
	}
	s->held = held;
	*out = s;
	return 0;
}
