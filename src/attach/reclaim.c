/*
 * attach/reclaim.c - see reclaim.h.
 */
#include "attach/reclaim.h"

#include "attach/hide.h"
#include "attach/image.h"
#include "attach/session.h"
#include "ctl/journal.h"
#include "ctl/scan.h"
#include "ctl/self.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ull

#define LOOK_NS        (2000 * MS) /* all memory, while the process runs */
#define STOP_NS        (100 * MS) /* the same while it is stopped: what 1 may have taken for that */
#define LAST_NS        (300 * MS) /* and when that is given up */
#define WAIT_NS        (500 * MS) /* after a look in vain, doubled up to */
#define WAIT_DOUBLINGS 7

/* Room is short: less than one part in LEFT_PART of a slab's; one in WORTH_PART is worth a look. */
#define LEFT_PART  4
#define WORTH_PART 64

/* -- images -------------------------------------------------------------------------------- */

struct image *image_new(struct hook *h)
{
	struct image *im;
	size_t n = 0;

	for (int k = 0; k < TRAMP_KINDS; k++)
		n += h->list[k].n;
	im = calloc(1, sizeof(*im) + n * sizeof(im->prog[0]));
	if (!im)
		return NULL;
	im->hook = h;
	im->name = NAMES_NONE;
	for (int k = 0; k < TRAMP_KINDS; k++) {
		for (size_t i = 0; i < h->list[k].n; i++)
			im->prog[im->nprogs++] = program_get(h->list[k].at[i]->prog);
	}
	return im;
}

void image_free(struct image *im)
{
	for (unsigned i = 0; im && i < im->nprogs; i++)
		program_put(im->prog[i]);
	if (im)
		explicit_bzero(im, sizeof(*im)); /* attach/hide.h */
	free(im);
}

void reclaim_retire(struct utramp_target *t, struct image *im)
{
	if (!im)
		return;
	im->next = t->reclaim.retired;
	t->reclaim.retired = im;
	t->reclaim.bytes[im->hook->slab] += im->size;
}

static void forget_gate(const struct image *im)
{
	struct hook *h = im->hook;

	for (size_t i = 0; im->gate.nop && i < h->gates.n; i++) {
		if (h->gates.at[i].nop != im->gate.nop)
			continue;
		h->gates.at[i] = h->gates.at[--h->gates.n];
		return;
	}
}

void reclaim_at_once(struct utramp_target *t, struct image *im)
{
	unsigned slab;

	if (!im)
		return;
	slab = im->hook->slab;
	names_drop(&t->names[slab], im->name);
	journal_forget(t->proc, im->gate.nop);
	if (image_erase(t, slab, im->at, im->size) == 0)
		room_give(&t->room[slab], im->at, im->size);
	image_free(im);
}

void reclaim_fini(struct utramp_target *t)
{
	while (t->reclaim.retired) {
		struct image *im = t->reclaim.retired;

		t->reclaim.retired = im->next;
		image_free(im);
	}
}

/* -- the proof ----------------------------------------------------------------------------- */

struct look {
	struct image **image; /* by address */
	struct scan scan;     /* a place for each */
	struct scan_place *place;
};

static int by_address(const void *a, const void *b)
{
	const struct image *x = *(struct image *const *)a, *y = *(struct image *const *)b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* Memory of ours, where nobody's stack is. */
static void skip(struct look *l, taddr_t lo, uint64_t size)
{
	l->scan.skip[l->scan.nskip++] = (struct taddr_range){ lo, lo + size };
}

static int look_init(struct look *l, const struct utramp_target *t)
{
	size_t n = 0;

	*l = (struct look){ 0 };
	for (const struct image *im = t->reclaim.retired; im; im = im->next)
		n++;
	l->image = calloc(n + 1, sizeof(struct image *));
	l->place = calloc(n + 1, sizeof(*l->place));
	if (!l->image || !l->place)
		return -ENOMEM;
	for (struct image *im = t->reclaim.retired; im; im = im->next)
		l->image[l->scan.n++] = im;
	qsort(l->image, n, sizeof(struct image *), by_address);
	for (size_t i = 0; i < n; i++)
		l->place[i] = (struct scan_place){ l->image[i]->at,
						   l->image[i]->at + l->image[i]->size, false };
	l->scan.place = l->place;
	for (unsigned i = 0; i < SLABS; i++) {
		const struct slab *s = &t->proc->slab[i];

		skip(l, s->text, s->room);
		skip(l, s->shadow, s->room);
	}
	skip(l, t->proc->arena, t->arena->size);
	if (t->proc->self)
		skip(l, (uintptr_t)t->arena->hdr, t->arena->size);
	return 0;
}

static void look_fini(struct look *l)
{
	if (l->place)
		explicit_bzero(l->place, l->scan.n * sizeof(*l->place)); /* attach/hide.h */
	free(l->image);
	free(l->place);
}

static size_t not_found(const struct look *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->scan.n; i++)
		n += !l->place[i].found;
	return n;
}

/* Where calls are counted in that were not counted out, or nobody knows. */
static int keep_counted(struct utramp_target *t, struct look *l)
{
	unsigned slots = (unsigned)__atomic_load_n(&t->arena->hdr->slots_used, __ATOMIC_RELAXED);
	int64_t inside[RT_COUNTERS];
	int err = process_calls_inside(t->proc, slots, inside);

	for (size_t i = 0; i < l->scan.n && !err; i++)
		l->place[i].found |= inside[l->image[i]->hook->number % RT_COUNTERS] != 0;
	return err;
}

static int prove_stopped(struct utramp_target *t, struct look *l, bool large, struct diag *d)
{
	int err = process_alone(t->proc, d);

	l->scan.limit_ns = LAST_NS;
	if (!err)
		err = process_scan_registers(t->proc, &l->scan, d);
	if (!err && large)
		err = process_scan_stacks(t->proc, &l->scan, d);
	if (!err && large)
		err = keep_counted(t, l);
	if (!err && !large)
		err = process_scan_memory(t->proc, &l->scan, d);
	return err;
}

/* 0: what is not found is proven.  *back: an error in letting the process go on. */
static int prove(struct utramp_target *t, struct look *l, int *back, struct diag *d)
{
	bool was_running = !t->proc->stopped;
	uint64_t start = process_now_ns();
	bool large;
	int err;

	l->scan.limit_ns = LOOK_NS;
	err = process_scan_memory(t->proc, &l->scan, d);
	large = process_now_ns() - start > (t->reclaim.stop_ns ? t->reclaim.stop_ns : STOP_NS);
	if (t->reclaim.looked)
		t->reclaim.looked(t->reclaim.ctx);
	if (!err && !not_found(l))
		err = diag_set(d, -EBUSY, "there is an address inside of each image");
	if (err)
		return err;
	if (was_running)
		err = process_stop(t->proc, d);
	if (!err)
		err = prove_stopped(t, l, large, d);
	if (was_running && t->proc->stopped)
		*back = process_resume(t->proc, d);
	return err;
}

/* -- what is free -------------------------------------------------------------------------- */

static taddr_t end_of(const struct image *im)
{
	return im->at + ALIGN_UP((uint64_t)im->size, (uint64_t)ROOM_UNIT);
}

/* n images, one behind the other in one slab: their room is erased, then free. */
static void give_back(struct utramp_target *t, struct image *const *im, size_t n)
{
	unsigned slab = im[0]->hook->slab;
	taddr_t at = im[0]->at;
	uint64_t size = end_of(im[n - 1]) - at;

	for (size_t i = 0; i < n; i++)
		journal_forget(t->proc, im[i]->gate.nop);
	if (image_erase(t, slab, at, size) == 0)
		room_give(&t->room[slab], at, size);
	for (size_t i = 0; i < n; i++) {
		forget_gate(im[i]);
		names_drop(&t->names[slab], im[i]->name);
		image_free(im[i]);
	}
	t->reclaim.freed += n;
	t->reclaim.freed_bytes += size;
}

/* Of the images that were looked at, those that were found stay retired. */
static size_t give_back_all(struct utramp_target *t, struct look *l)
{
	size_t n = 0, end;

	t->reclaim.retired = NULL;
	t->reclaim.bytes[SLAB_EXE] = t->reclaim.bytes[SLAB_LIB] = 0;
	for (size_t i = 0; i < l->scan.n; i++) {
		if (l->place[i].found)
			reclaim_retire(t, l->image[i]);
		else
			l->image[n++] = l->image[i];
	}
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && l->image[end]->at == end_of(l->image[end - 1]);)
			end++;
		give_back(t, &l->image[i], end - i);
	}
	return n;
}

/* Less than half of the bytes came back: later, and later still. */
static void set_time(struct reclaim *r, uint64_t before)
{
	uint64_t after = r->bytes[SLAB_EXE] + r->bytes[SLAB_LIB];

	if (after <= before / 2)
		r->in_vain = 0;
	else if (r->in_vain < WAIT_DOUBLINGS)
		r->in_vain++;
	r->not_before = r->in_vain ? process_now_ns() + (WAIT_NS << r->in_vain) : 0;
}

bool reclaim_due(const struct utramp_target *t)
{
	bool due = false;

	for (unsigned i = 0; i < SLABS; i++) {
		const struct code_room *r = &t->room[i];
		uint64_t all = r->hi - r->lo;

		due |= room_left(r) < all / LEFT_PART && t->reclaim.bytes[i] > all / WORTH_PART;
	}
	return due && process_now_ns() >= t->reclaim.not_before;
}

/*
 * Of our own process: a helper looks, which has the notes that we hide meanwhile.  It says which
 * images were found.
 */
struct look_apart {
	struct utramp_target *t;
	uint8_t *found;
};

static int look_here(void *arg, struct diag *d)
{
	const struct look_apart *a = arg;
	int err, back = 0;
	struct look l;

	hide_turn(a->t);
	session_silence(a->t);
	err = look_init(&l, a->t);
	if (!err)
		err = prove(a->t, &l, &back, d);
	for (size_t i = 0; i < l.scan.n && !err; i++)
		a->found[i] = l.place[i].found;
	look_fini(&l);
	return back ? back : err;
}

static int prove_apart(struct utramp_target *t, struct look *l, struct diag *d)
{
	struct look_apart a = { t, calloc(l->scan.n, 1) };
	int err = a.found ? 0 : -ENOMEM;

	explicit_bzero(l->place, l->scan.n * sizeof(*l->place));
	if (!err) {
		hide_turn(t);
		err = process_apart_once(t->proc, look_here, &a, a.found, l->scan.n, d);
		hide_turn(t);
	}
	for (size_t i = 0; i < l->scan.n && !err; i++)
		l->place[i].found = a.found[i];
	free(a.found);
	return err;
}

int reclaim_now(struct utramp_target *t, struct diag *d)
{
	uint64_t before = t->reclaim.bytes[SLAB_EXE] + t->reclaim.bytes[SLAB_LIB];
	int err, back = 0;
	struct look l;
	size_t n = 0;

	if (!t->reclaim.retired || t->proc->exited)
		return 0;
	t->reclaim.looks++;
	err = look_init(&l, t);
	if (!err)
		err = t->proc->self ? prove_apart(t, &l, d) : prove(t, &l, &back, d);
	if (!err)
		n = give_back_all(t, &l);
	set_time(&t->reclaim, before);
	look_fini(&l);
	return back ? back : (int)n;
}
