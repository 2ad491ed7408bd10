/*
 * attach/room.h - which parts of a slab's room for code are free.
 *
 * First fit by address: gaps that were given back, then the part that was never used.  A gap
 * that touches another is one with it, one that touches the unused part belongs to that.
 * Everything is a multiple of ROOM_UNIT; what alignment skips at the end is lost, as it is
 * less than a slot's.
 *
 * Knows addresses only: whether somebody is still inside is attach/reclaim.h's to know.
 *
 * Errors   -ENOSPC not free, -EINVAL not in use, -ENOMEM (room_give(): it stays in use)
 * Memory   the list of gaps; room_fini()
 * Context  [ctl]
 */
#ifndef ATTACH_ROOM_H
#define ATTACH_ROOM_H

#include "base/types.h"
#include "base/vec.h"

#define ROOM_UNIT 16

struct code_room {
	taddr_t lo, hi, next; /* from next on nothing was ever used */
	struct {
		VEC(struct taddr_range);
	} gap; /* below next, by address, none touches the next one */
};

/* Where n bytes fit, align a power of two: the lowest place; 0: nowhere. */
taddr_t room_find(const struct code_room *r, uint64_t n, uint64_t align);

/* Where whatever fits in no gap goes. */
static inline taddr_t room_top(const struct code_room *r, uint64_t align)
{
	return ALIGN_UP(r->next, align);
}

bool room_is_free(const struct code_room *r, taddr_t at, uint64_t n);
int room_take(struct code_room *r, taddr_t at, uint64_t n);
int room_give(struct code_room *r, taddr_t at, uint64_t n);
uint64_t room_left(const struct code_room *r); /* bytes, in however many pieces */
void room_fini(struct code_room *r);

#endif
