/* tests/unit/bpf/range4.c - see range4.h. */
#include "range4.h"

#include "rangeref.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct range));
}

static void append(struct list *l, const struct range *r)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		l->at = realloc(l->at, l->room * sizeof(*l->at));
		if (!l->at)
			abort();
	}
	l->at[l->n++] = *r;
}

static void make_unique(struct list *l)
{
	unsigned kept = 0;

	qsort(l->at, l->n, sizeof(*l->at), compare);
	for (unsigned i = 0; i < l->n; i++)
		if (!kept || compare(&l->at[kept - 1], &l->at[i]))
			l->at[kept++] = l->at[i];
	l->n = kept;
}

/* All combinations of an unsigned interval, a signed one and a tnum; then of those with a half's. */
struct list range4_all(void)
{
	struct list words = { 0 }, all = { 0 };

	for (unsigned u = 0; u < 256; u++)
		for (unsigned s = 0; s < 256; s++)
			for (unsigned t = 0; t < 81; t++) {
				struct range r = range_unknown();

				r.umin = u % 16;
				r.umax = u / 16;
				r.smin = (int)(s % 16) - 8;
				r.smax = (int)(s / 16) - 8;
				r.bits = ref_tnum(t);
				if (r.umin <= r.umax && r.smin <= r.smax && range_deduce(&r))
					append(&words, &r);
			}
	make_unique(&words);
	for (unsigned i = 0; i < 256 * words.n; i++) {
		struct range r = range_unknown();

		r.umin32 = i % 4;
		r.umax32 = i / 4 % 4;
		r.smin32 = (int)(i / 16 % 4) - 2;
		r.smax32 = (int)(i / 64 % 4) - 2;
		if (r.umin32 <= r.umax32 && r.smin32 <= r.smax32 &&
		    range_intersect(&r, &words.at[i / 256]))
			append(&all, &r);
	}
	make_unique(&all);
	free(words.at);
	return all;
}
