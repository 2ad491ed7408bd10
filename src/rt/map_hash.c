/*
 * rt/map_hash.c - hash maps over preallocated elements; see rt.h and shm/layout.h.
 *
 * Readers take no lock.  Why a lookup never misses a key that is in the map throughout:
 *   H.1  Only the holder of a bucket's lock changes its chain, by one store at a time: an
 *        element is linked at the head, complete; it is unlinked by one store to its
 *        predecessor's link, its own link stays as it was.  So the chain as it stands
 *        between any two instructions of a writer is whole (a handler that interrupts the
 *        writer, or whoever follows a killed one, reads it as it is).
 *   H.2  The bucket's version is raised before an element is unlinked, and again after it,
 *        before the element is used again; until then it keeps its link.
 *   H.3  Let a reader see the same version before reading the head and after its walk.
 *        Nothing it stood on was used again: each element was in the chain at some time of
 *        the walk (by induction: the link of a linked element leads to a linked one; that
 *        of an unlinked one is as it was when it left, later than the reader came), so it
 *        left, if it did, within the walk, and the second raise would have been seen.
 *        A key present throughout was met: its element stayed; or a new one was linked at
 *        the head before the first raise and the old one unlinked after it - a reader who
 *        came too early for the new one and too late for the old one had that raise in
 *        between.
 *   H.4  A reader that sees another version starts again; while the bucket is locked by
 *        somebody who does not run, the version rests.  After LOOKUP_TRIES it walks under
 *        the lock, or, if that is refused, starts over.  A miss after LOOKUP_ROUNDS of
 *        this is counted in busy.
 * Walks are bounded by max_entries, element numbers are checked: the memory is shared.
 *
 * Update of an existing key: values up to 8 bytes by one store in place; larger ones in a
 * free element that replaces the old one, as the kernel does, so that readers see the old
 * or the new value; when no element is free, in place, word by word.
 *
 * A thread killed between two steps leaves at most one element that is in no list; a key may be
 * there twice (the newer first, which is the one that counts): delete and update remove every copy.
 *
 * Context  [probe] [ctl] signal-safe: own lock, or 1,000 spins: -EBUSY
 * Spec     kernel/bpf/hashtab.c for flags and errors
 */
#include "rt/map_hash.h"

#define LOCK_SPINS    1000
#define LOOKUP_TRIES  64
#define LOOKUP_ROUNDS 16

/* 0, or -EBUSY counted in busy.  Slot 0's threads are the control process's: they wait. */
int rt_map_lock(struct shm_map *m, uint32_t *lock, uint32_t owner)
{
	uint32_t held;

	for (int spin = 0; spin < LOCK_SPINS; spin++) {
		held = 0;
		if (__atomic_compare_exchange_n(lock, &held, owner + 1, 0, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return 0;
		if (owner && held == owner + 1)
			goto busy;
		__builtin_ia32_pause();
	}
	held = __atomic_load_n(lock, __ATOMIC_RELAXED);
	if (held && rt_owner_dead(rt_map_arena(m), held - 1) &&
	    __atomic_compare_exchange_n(lock, &held, owner + 1, 0, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return 0;
busy:
	__atomic_fetch_add(&m->busy, 1, __ATOMIC_RELAXED);
	return -EBUSY;
}

void rt_map_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

static int bucket_lock(const struct hash_view *v, uint32_t owner)
{
	return rt_map_lock(v->m, &v->bucket->lock, owner);
}

static void bucket_unlock(const struct hash_view *v)
{
	rt_map_unlock(&v->bucket->lock);
}

/* The free elements are a stack; the tag in the head's high half changes with each move. */
static uint32_t elem_pop(const struct hash_view *v)
{
	uint64_t head = __atomic_load_n(&v->h->free_head, __ATOMIC_ACQUIRE), next;
	uint32_t n;

	do {
		n = (uint32_t)head;
		if (!n || n > v->m->max_entries)
			return 0;
		next = __atomic_load_n(&hash_elem(v, n)->next, __ATOMIC_RELAXED);
		next |= ((head >> 32) + 1) << 32;
	} while (!__atomic_compare_exchange_n(&v->h->free_head, &head, next, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return n;
}

static void elem_push(const struct hash_view *v, uint32_t n)
{
	uint64_t head = __atomic_load_n(&v->h->free_head, __ATOMIC_ACQUIRE), next;

	do {
		__atomic_store_n(&hash_elem(v, n)->next, (uint32_t)head, __ATOMIC_RELAXED);
		next = n | ((head >> 32) + 1) << 32;
	} while (!__atomic_compare_exchange_n(&v->h->free_head, &head, next, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

uint32_t hash_chain_find(const struct hash_view *v, const void *key, int *changed)
{
	uint32_t n = __atomic_load_n(&v->bucket->head, __ATOMIC_ACQUIRE);
	uint32_t mask = v->h->nbuckets - 1;

	*changed = 0;
	for (uint32_t steps = 0; n; steps++) {
		struct shm_elem *e;

		if (n > v->m->max_entries || steps > v->m->max_entries)
			goto lost;
		e = hash_elem(v, n);
		if ((e->hash ^ v->hash) & mask)
			goto lost;
		if (e->hash == v->hash && key_equal(elem_key(e), key, v->m->key_size))
			return n;
		n = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
	}
	return 0;
lost:
	*changed = 1;
	return 0;
}

/* 1: *n is right. */
static int lookup_unlocked(const struct hash_view *v, const void *key, uint32_t *n)
{
	uint32_t version;
	int changed;

	for (int i = 0; i < LOOKUP_TRIES; i++) {
		version = __atomic_load_n(&v->bucket->version, __ATOMIC_ACQUIRE);
		*n = hash_chain_find(v, key, &changed);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (version == __atomic_load_n(&v->bucket->version, __ATOMIC_RELAXED)) {
			*n = changed ? 0 : *n; /* damaged: nobody is changing it */
			return 1;
		}
	}
	return 0;
}

static uint32_t hash_lookup(const struct hash_view *v, const void *key)
{
	uint32_t n = 0;
	int changed;

	for (int i = 0; i < LOOKUP_ROUNDS; i++) {
		if (lookup_unlocked(v, key, &n))
			return n;
		if (!bucket_lock(v, rt_owner(rt_self()))) {
			n = hash_chain_find(v, key, &changed);
			bucket_unlock(v);
			return n;
		}
	}
	return 0;
}

unsigned hash_chain_remove(const struct hash_view *v, const void *key, uint32_t keep)
{
	uint32_t *link = &v->bucket->head, n;
	unsigned removed = 0;

	for (uint32_t steps = 0; (n = *link) && steps <= v->m->max_entries; steps++) {
		struct shm_elem *e;

		if (n > v->m->max_entries)
			break;
		e = hash_elem(v, n);
		if (n == keep || e->hash != v->hash ||
		    !key_equal(elem_key(e), key, v->m->key_size)) {
			link = &e->next;
			continue;
		}
		/* H.2; only the lock's holder writes it, and stores are seen in their order */
		__atomic_store_n(&v->bucket->version, v->bucket->version + 1, __ATOMIC_RELEASE);
		__atomic_store_n(link, e->next, __ATOMIC_RELEASE);
		__atomic_store_n(&v->bucket->version, v->bucket->version + 1, __ATOMIC_RELEASE);
		elem_push(v, n);
		removed++;
	}
	return removed;
}

/* Other slots' values of a new per-CPU element: zero, as far as they were ever written. */
static void percpu_clear(const struct hash_view *v, uint32_t n, uint32_t slot)
{
	struct shm_arena *a = rt_map_arena(v->m);
	uint64_t used = __atomic_load_n(&a->slots_used, __ATOMIC_ACQUIRE);

	for (uint32_t s = 0; s < SHM_MAX_THREADS && s < used; s++) {
		if (s != slot && (!s || __atomic_load_n(&a->thread[s].touched, __ATOMIC_ACQUIRE)))
			rt_zero(elem_value(v, n, s), v->m->value_size);
	}
}

static void value_store(const struct shm_map *m, void *to, const void *value)
{
	uint64_t w = 0;

	if (m->value_size > 8) {
		rt_copy(to, value, m->value_size);
		return;
	}
	rt_copy(&w, value, m->value_size);
	__atomic_store_n((uint64_t *)to, w, __ATOMIC_RELEASE);
}

/* Under the lock: fill element n and link it at the head. */
static void chain_insert(const struct hash_view *v, uint32_t n, const void *key, const void *value,
			 uint32_t slot)
{
	struct shm_elem *e = hash_elem(v, n);

	e->hash = v->hash;
	rt_copy(elem_key(e), key, v->m->key_size);
	if (v->m->type == BPF_MAP_TYPE_PERCPU_HASH)
		percpu_clear(v, n, slot);
	value_store(v->m, elem_value(v, n, slot), value);
	__atomic_store_n(&e->next, v->bucket->head, __ATOMIC_RELEASE);
	__atomic_store_n(&v->bucket->head, n, __ATOMIC_RELEASE);
}

static int update_locked(const struct hash_view *v, const void *key, const void *value,
			 uint64_t flags, uint32_t slot)
{
	uint32_t old, new;
	int changed;

	old = hash_chain_find(v, key, &changed);
	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!old && flags == BPF_EXIST)
		return -ENOENT;
	if (old && (v->m->type == BPF_MAP_TYPE_PERCPU_HASH || v->m->value_size <= 8)) {
		value_store(v->m, elem_value(v, old, slot), value);
		return 0;
	}
	new = elem_pop(v);
	if (!new && !old)
		return -E2BIG;
	if (!new) {
		value_store(v->m, elem_value(v, old, slot), value);
		return 0;
	}
	chain_insert(v, new, key, value, slot);
	if (old)
		hash_chain_remove(v, key, new);
	return 0;
}

int map_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		    uint32_t slot, uint32_t owner)
{
	struct hash_view v;
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	hash_find_bucket(&v, m, key);
	err = bucket_lock(&v, owner);
	if (err < 0)
		return err;
	err = update_locked(&v, key, value, flags, slot);
	bucket_unlock(&v);
	return err;
}

int map_hash_delete(struct shm_map *m, const void *key, uint32_t owner)
{
	struct hash_view v;
	int err;

	hash_find_bucket(&v, m, key);
	err = bucket_lock(&v, owner);
	if (err < 0)
		return err;
	if (!hash_chain_remove(&v, key, 0))
		err = -ENOENT;
	bucket_unlock(&v);
	return err;
}

void *rt_hash_value(struct shm_map *m, const void *key, uint32_t slot)
{
	struct hash_view v;
	uint32_t n;

	if (slot >= SHM_MAX_THREADS)
		return NULL;
	hash_find_bucket(&v, m, key);
	n = hash_lookup(&v, key);
	return n ? elem_value(&v, n, slot) : NULL;
}

uint64_t rt_hash_lookup(struct shm_map *m, const void *key)
{
	struct hash_view v;
	uint32_t n;

	hash_find_bucket(&v, m, key);
	n = hash_lookup(&v, key);
	return n ? (uint64_t)elem_value(&v, n, 0) : 0;
}
