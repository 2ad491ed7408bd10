/*
 * attach/room.c - see room.h.
 */
#include "attach/room.h"

#include <errno.h>
#include <string.h>

static uint64_t whole(uint64_t n)
{
	return ALIGN_UP(n, (uint64_t)ROOM_UNIT);
}

static bool fits(struct taddr_range free, taddr_t at, uint64_t n)
{
	return at >= free.lo && at <= free.hi && n <= free.hi - at;
}

static struct taddr_range unused(const struct code_room *r)
{
	return (struct taddr_range){ r->next, r->hi };
}

taddr_t room_find(const struct code_room *r, uint64_t n, uint64_t align)
{
	taddr_t at;

	for (size_t i = 0; i < r->gap.n; i++) {
		at = ALIGN_UP(r->gap.at[i].lo, align);
		if (fits(r->gap.at[i], at, whole(n)))
			return at;
	}
	at = room_top(r, align);
	return fits(unused(r), at, n) ? at : 0;
}

/* The first gap that ends behind at. */
static size_t gap_at(const struct code_room *r, taddr_t at)
{
	size_t lo = 0, hi = r->gap.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r->gap.at[mid].hi <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool room_is_free(const struct code_room *r, taddr_t at, uint64_t n)
{
	size_t i = gap_at(r, at);

	return fits(unused(r), at, n) || (i < r->gap.n && fits(r->gap.at[i], at, whole(n)));
}

static void gap_remove(struct code_room *r, size_t i)
{
	r->gap.n--;
	memmove(&r->gap.at[i], &r->gap.at[i + 1], (r->gap.n - i) * sizeof(r->gap.at[0]));
}

/* Room for it in the list was reserved. */
static void gap_insert(struct code_room *r, size_t i, struct taddr_range gap)
{
	memmove(&r->gap.at[i + 1], &r->gap.at[i], (r->gap.n - i) * sizeof(r->gap.at[0]));
	r->gap.at[i] = gap;
	r->gap.n++;
}

int room_take(struct code_room *r, taddr_t at, uint64_t n)
{
	size_t i = gap_at(r, at);
	struct taddr_range gap;

	if (!room_is_free(r, at, n))
		return -ENOSPC;
	if (at >= r->next) {
		r->next = at + whole(n) < r->hi ? at + whole(n) : r->hi;
		return 0;
	}
	if (vec_reserve(&r->gap, 1) < 0)
		return -ENOMEM;
	gap = r->gap.at[i];
	gap_remove(r, i);
	if (at + whole(n) < gap.hi)
		gap_insert(r, i, (struct taddr_range){ at + whole(n), gap.hi });
	if (gap.lo < at)
		gap_insert(r, i, (struct taddr_range){ gap.lo, at });
	return 0;
}

int room_give(struct code_room *r, taddr_t at, uint64_t n)
{
	struct taddr_range gap = { at, at + whole(n) < r->hi ? at + whole(n) : r->hi };
	size_t i = gap_at(r, at);

	if (at < r->lo || at >= r->next || gap.hi > r->next ||
	    (i < r->gap.n && r->gap.at[i].lo < gap.hi))
		return -EINVAL;
	if (vec_reserve(&r->gap, 1) < 0)
		return -ENOMEM;
	if (i < r->gap.n && r->gap.at[i].lo == gap.hi) {
		gap.hi = r->gap.at[i].hi;
		gap_remove(r, i);
	}
	if (i && r->gap.at[i - 1].hi == gap.lo) {
		gap.lo = r->gap.at[--i].lo;
		gap_remove(r, i);
	}
	if (gap.hi == r->next)
		r->next = gap.lo;
	else
		gap_insert(r, i, gap);
	return 0;
}

uint64_t room_left(const struct code_room *r)
{
	uint64_t n = r->hi - r->next;

	for (size_t i = 0; i < r->gap.n; i++)
		n += r->gap.at[i].hi - r->gap.at[i].lo;
	return n;
}

void room_fini(struct code_room *r)
{
	vec_free(&r->gap);
}
