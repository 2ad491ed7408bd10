/*
 * attach/hide.c - see hide.h.
 *
 * Context  [ctl]
 */
#include "attach/hide.h"

#include "attach/session.h"

#include <string.h>

/* No address of user space is one after this. */
#define TURN 0xa5a5000000000000ull

static void turn(taddr_t *at)
{
	*at ^= TURN;
}

/* What was in a vector before is there still. */
#define WIPE_REST(v) \
	do { \
		if ((v)->at) \
			explicit_bzero((v)->at + (v)->n, ((v)->cap - (v)->n) * sizeof(*(v)->at)); \
	} while (0)

static void turn_gate(struct gate *g)
{
	turn(&g->nop);
	turn(&g->skip);
}

static void turn_image(struct image *im)
{
	if (!im)
		return;
	turn(&im->at);
	turn_gate(&im->gate);
}

static void turn_hook(struct hook *h)
{
	turn(&h->slot_at);
	turn(&h->slot.at);
	turn(&h->slot.enter);
	turn(&h->image);
	turn_image(h->live);
	turn_image(h->ready);
	WIPE_REST(&h->gates);
	for (size_t i = 0; i < h->gates.n; i++)
		turn_gate(&h->gates.at[i]);
}

static void turn_room(struct code_room *r)
{
	turn(&r->next);
	WIPE_REST(&r->gap);
	for (size_t i = 0; i < r->gap.n; i++) {
		turn(&r->gap.at[i].lo);
		turn(&r->gap.at[i].hi);
	}
}

void hide_turn(struct utramp_target *t)
{
	for (size_t i = 0; i < t->hooks.n; i++)
		turn_hook(t->hooks.at[i]);
	for (struct image *im = t->reclaim.retired; im; im = im->next)
		turn_image(im);
	for (unsigned i = 0; i < SLABS; i++) {
		turn_room(&t->room[i]);
		WIPE_REST(&t->names[i].sym);
	}
}
