/*
 * rt/map_rest.c - a hash map's elements that rest in their chain, for the same key to come back.
 *
 * A key that is put in at entry and deleted at exit would take its element from the free list and give it
 * back each time, by a locked instruction each and with two changes of the chain.  So delete marks it
 * and leaves it (SHM_ELEM_RESTS: its hash is no key's, so readers pass it by), and the next update with
 * this key stores the value and takes the mark away: both under the bucket's lock, by single stores.
 *
 * What rests is free all the same: who finds the free list empty takes one.  It is found by notes, one
 * for each thread slot.
 *   R.1  A note is a hint.  What is done to an element is decided under the lock of the bucket whose
 *        chain it is in; who holds that may unlink any element that rests there.
 *   R.2  Only the slot's thread, by way of SHM_REST_CHANGING, puts another number into a note; all
 *        others may put 0 in place of an element that rests, under its bucket's lock.
 *   R.3  What rests is noted: the mark is stored first, then the note is read.  A handler of the same
 *        thread that took the note away before is seen so; one that comes later sees the mark, or
 *        fails to get the lock that its thread holds.  They are one thread's, so program order is
 *        enough.  A note of a live element is put aside without more: whoever deletes it notes it for
 *        himself, or unlinks it if the note is SHM_REST_CHANGING.
 * A thread killed here leaves at most two elements that nobody finds but an update with their key.
 *
 * A second bucket is locked under the first: by one try, or for as many spins as there are; so two
 * threads that want each other's go on with -EBUSY.
 *
 * Context  [probe] [ctl] signal-safe
 */
#include "rt/map_hash.h"

static int lock_once(const struct hash_view *v, uint32_t owner)
{
	uint32_t held = 0;

	return __atomic_compare_exchange_n(&v->bucket->lock, &held, owner + 1, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED) ?
		       0 :
		       -EBUSY;
}

/* Where element n hangs in the chain, or NULL. */
static uint32_t *link_to(const struct hash_view *v, uint32_t n)
{
	uint32_t *link = &v->bucket->head, max = v->m->max_entries;

	for (uint32_t steps = 0; *link && *link <= max && steps <= max; steps++) {
		if (*link == n)
			return link;
		link = &hash_elem(v, *link)->next;
	}
	return NULL;
}

static int rests(const struct hash_view *v, uint32_t n)
{
	return n && n <= v->m->max_entries &&
	       __atomic_load_n(&hash_elem(v, n)->hash, __ATOMIC_ACQUIRE) & SHM_ELEM_RESTS;
}

/*
 * v's bucket is locked.  1: element n, which rested, is in no list now, and *note, if there is one,
 * is 0; 0: it did not rest; -EBUSY: its bucket is locked, which with a note is waited for.
 */
static int wake(const struct hash_view *v, uint32_t n, uint32_t owner, uint32_t *note)
{
	struct hash_view o = *v;
	uint32_t *link = NULL, noted = n;

	if (!rests(v, n))
		return 0;
	o.hash = __atomic_load_n(&hash_elem(v, n)->hash, __ATOMIC_ACQUIRE);
	o.bucket = hash_bucket(v, o.hash);
	if (o.bucket != v->bucket &&
	    (note ? rt_map_lock(v->m, &o.bucket->lock, owner) : lock_once(&o, owner)) < 0)
		return -EBUSY;
	if (rests(v, n) && hash_elem(v, n)->hash == o.hash)
		link = link_to(&o, n);
	if (link && note &&
	    !__atomic_compare_exchange_n(note, &noted, 0, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		link = NULL;
	if (link)
		hash_chain_unlink(&o, link);
	if (o.bucket != v->bucket)
		rt_map_unlock(&o.bucket->lock);
	return link != NULL;
}

/*
 * The note goes to the key that came twice: if another element rests, not at the first delete,
 * or keys that never come back would push it out each time.
 */
int hash_rest_note(const struct hash_view *v, uint32_t n, uint32_t owner)
{
	struct shm_rest *r = hash_rest(v, SHM_OWNER_SLOT(owner));
	uint32_t old = __atomic_load_n(&r->elem, __ATOMIC_RELAXED);
	uint32_t changing = SHM_REST_CHANGING | SHM_OWNER_CLAIMS(owner);
	int woken;

	if (old == changing)
		return 0; /* we are a handler, inside of this */
	if (rests(v, old) && r->last != v->hash) {
		r->last = v->hash;
		return 0;
	}
	if (!__atomic_compare_exchange_n(&r->elem, &old, changing, 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return 0;
	woken = wake(v, old, owner, NULL);
	if (woken > 0)
		hash_elem_push(v, old);
	r->last = 0;
	__atomic_store_n(&r->elem, woken < 0 ? old : n, __ATOMIC_RELEASE);
	return woken >= 0;
}

int64_t hash_rest_take(const struct hash_view *v, uint32_t owner)
{
	struct shm_arena *a = rt_map_arena(v->m);
	uint64_t used = __atomic_load_n(&a->slots_used, __ATOMIC_ACQUIRE);
	int64_t err = -E2BIG;

	if (!v->h->rest)
		return err;
	for (uint32_t slot = 1; slot < used && slot < SHM_MAX_THREADS; slot++) {
		uint32_t *note = &hash_rest(v, slot)->elem;
		uint32_t n = __atomic_load_n(note, __ATOMIC_ACQUIRE);
		int woken = 0;

		if (n & SHM_REST_CHANGING) {
			if (rt_owner_dead(a, SHM_OWNER(slot, n)))
				continue;
			__atomic_fetch_add(&v->m->busy, 1, __ATOMIC_RELAXED);
			woken = -EBUSY;
		} else {
			woken = wake(v, n, owner, note);
		}
		if (woken > 0)
			return n;
		if (woken < 0)
			err = woken;
	}
	return err;
}
