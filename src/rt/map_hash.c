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
 *   H.5  A deleted element may stay in its chain, at rest (rt/map_rest.c).  Its hash is no key's then;
 *        one store makes it so, or live again behind the value's store, which x86 lets nobody see
 *        in another order (SDM vol. 3, 9.2.2).  A reader who passed it by at rest saw a time at
 *        which the key was not there; a key that is replaced is unlinked, by H.2, and never rests.
 * Walks are bounded by max_entries, element numbers are checked: the memory is shared.
 *
 * The lock is taken by one locked instruction and given back by a plain store: what was stored
 * before it is seen before it.  Update and delete of a key at rest need no other.
 *
 * Update of an existing key: values up to 8 bytes by one store in place; larger ones in a
 * free element that replaces the old one, as the kernel does, so that readers see the old
 * or the new value; when no element is free, in place, word by word.
 *
 * A thread killed between two steps leaves at most one element that is in no list (two at
 * rt/map_rest.c); a key may be there twice (the newer first, which is the one that counts):
 * delete and update remove every copy.
 *
 * Context  [probe] [ctl] signal-safe: own lock, or 1,000 spins: -EBUSY
 * Spec     kernel/bpf/hashtab.c for flags and errors
 */
#include "rt/map_hash.h"

#define LOCK_SPINS    1000
#define LOOKUP_TRIES  64
#define LOOKUP_ROUNDS 16

#define FAST static inline __attribute__((always_inline))
#define SLOW __attribute__((noinline))

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

static inline int bucket_lock(const struct hash_view *v, uint32_t owner)
{
	uint32_t held = 0;

	if (__builtin_expect(__atomic_compare_exchange_n(&v->bucket->lock, &held, owner + 1, 0,
							 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
			     1))
		return 0;
	return rt_map_lock(v->m, &v->bucket->lock, owner);
}

static inline void bucket_unlock(const struct hash_view *v)
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

void hash_elem_push(const struct hash_view *v, uint32_t n)
{
	uint64_t head = __atomic_load_n(&v->h->free_head, __ATOMIC_ACQUIRE), next;

	do {
		__atomic_store_n(&hash_elem(v, n)->next, (uint32_t)head, __ATOMIC_RELAXED);
		next = n | ((head >> 32) + 1) << 32;
	} while (!__atomic_compare_exchange_n(&v->h->free_head, &head, next, 0, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
}

FAST uint32_t chain_find(const struct hash_view *v, const void *key, int *changed)
{
	uint32_t n = __atomic_load_n(&v->bucket->head, __ATOMIC_ACQUIRE);
	uint32_t mask = v->h->nbuckets - 1;

	*changed = 0;
	for (uint32_t steps = 0; n; steps++) {
		struct shm_elem *e;
		uint32_t hash;

		if (n > v->m->max_entries || steps > v->m->max_entries)
			goto lost;
		e = hash_elem(v, n);
		hash = __atomic_load_n(&e->hash, __ATOMIC_ACQUIRE);
		if ((hash ^ v->hash) & mask)
			goto lost;
		if (hash == v->hash && key_equal(elem_key(e), key, v->key_size))
			return n;
		n = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
	}
	return 0;
lost:
	*changed = 1;
	return 0;
}

uint32_t hash_chain_find(const struct hash_view *v, const void *key, int *changed)
{
	return chain_find(v, key, changed);
}

/* 1: *n is right. */
static inline int lookup_unlocked(const struct hash_view *v, const void *key, uint32_t *n)
{
	uint32_t version;
	int changed;

	for (int i = 0; i < LOOKUP_TRIES; i++) {
		version = __atomic_load_n(&v->bucket->version, __ATOMIC_ACQUIRE);
		*n = chain_find(v, key, &changed);
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

void hash_chain_unlink(const struct hash_view *v, uint32_t *link)
{
	struct shm_elem *e = hash_elem(v, *link);
	uint32_t *version = &v->bucket->version;

	/* H.2; only the lock's holder writes it, and stores are seen in their order */
	__atomic_store_n(version, *version + 1, __ATOMIC_RELEASE);
	__atomic_store_n(link, e->next, __ATOMIC_RELEASE);
	__atomic_store_n(version, *version + 1, __ATOMIC_RELEASE);
	/* a reader who takes it for live again sees the version */
	__atomic_store_n(&e->hash, e->hash & ~SHM_ELEM_RESTS, __ATOMIC_RELEASE);
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
		if (n == keep || ((e->hash ^ v->hash) & ~SHM_ELEM_RESTS) ||
		    !key_equal(elem_key(e), key, v->key_size)) {
			link = &e->next;
			continue;
		}
		hash_chain_unlink(v, link);
		hash_elem_push(v, n);
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

static inline void value_store(const struct hash_view *v, void *to, const void *value)
{
	uint64_t w = 0;

	if (v->value_size > 8) {
		rt_copy(to, value, v->value_size);
		return;
	}
	rt_copy(&w, value, v->value_size);
	__atomic_store_n((uint64_t *)to, w, __ATOMIC_RELEASE);
}

/* Under the lock: fill element n and link it at the head. */
static void chain_insert(const struct hash_view *v, uint32_t n, const void *key, const void *value,
			 uint32_t slot)
{
	struct shm_elem *e = hash_elem(v, n);

	e->hash = v->hash;
	rt_copy(elem_key(e), key, v->key_size);
	if (v->percpu)
		percpu_clear(v, n, slot);
	value_store(v, elem_value(v, n, slot), value);
	__atomic_store_n(&e->next, v->bucket->head, __ATOMIC_RELEASE);
	__atomic_store_n(&v->bucket->head, n, __ATOMIC_RELEASE);
}

/* Elements with this key in a locked bucket; 0: none. */
struct found {
	uint32_t live, rests;
	int more; /* there is a second live one */
};

FAST struct found locked_find(const struct hash_view *v, const void *key, int all)
{
	uint32_t n = v->bucket->head, max = v->m->max_entries;
	struct found f = { 0 };

	for (uint32_t steps = 0; n && n <= max && steps <= max; steps++) {
		struct shm_elem *e = hash_elem(v, n);

		if (!((e->hash ^ v->hash) & ~SHM_ELEM_RESTS) &&
		    key_equal(elem_key(e), key, v->key_size)) {
			if (e->hash & SHM_ELEM_RESTS)
				f.rests = n;
			else if (f.live)
				f.more = 1;
			else
				f.live = n;
			if (f.live && !all)
				break;
		}
		n = e->next;
	}
	return f;
}

/* Under the lock; old: the live element, or 0. */
static SLOW int update_by_new(const struct hash_view *v, const void *key, const void *value,
			      uint32_t old, uint32_t slot, uint32_t owner)
{
	int64_t new = elem_pop(v);

	if (!new)
		new = hash_rest_take(v, owner);
	if (new < 0 && !old)
		return (int)new;
	if (new < 0) {
		value_store(v, elem_value(v, old, slot), value);
		return 0;
	}
	chain_insert(v, (uint32_t) new, key, value, slot);
	if (old)
		hash_chain_remove(v, key, (uint32_t) new);
	return 0;
}

FAST int update_locked(const struct hash_view *v, const void *key, const void *value,
		       uint64_t flags, uint32_t slot, uint32_t owner)
{
	struct found f = locked_find(v, key, 0);

	if (f.live && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!f.live && flags == BPF_EXIST)
		return -ENOENT;
	if (f.live ? !v->percpu && v->value_size > 8 : !f.rests)
		return update_by_new(v, key, value, f.live, slot, owner);
	if (!f.live && v->percpu)
		percpu_clear(v, f.rests, slot);
	value_store(v, elem_value(v, f.live ? f.live : f.rests, slot), value);
	if (!f.live) /* behind the value: who sees it live sees it whole, by the order of stores */
		__atomic_store_n(&hash_elem(v, f.rests)->hash, v->hash, __ATOMIC_RELEASE);
	return 0;
}

/* Under the lock: the live element goes, and all others with its key. */
static void delete_locked(const struct hash_view *v, const void *key, const struct found *f,
			  uint32_t owner)
{
	uint32_t slot = SHM_OWNER_SLOT(owner);

	if (v->h->rest && slot && !f->more) {
		__atomic_store_n(&hash_elem(v, f->live)->hash, v->hash | SHM_ELEM_RESTS,
				 __ATOMIC_RELEASE);
		if (hash_rest_note(v, f->live, owner))
			return;
	}
	hash_chain_remove(v, key, 0);
}

/* The bucket is locked, and is not afterwards; so is that of delete_under_lock(). */
static SLOW int update_under_lock(struct shm_map *m, const void *key, const void *value,
				  uint64_t flags, uint32_t slot, uint32_t owner)
{
	struct hash_view v;
	int err;

	hash_find_bucket(&v, m, key);
	err = update_locked(&v, key, value, flags, slot, owner);
	bucket_unlock(&v);
	return err;
}

static SLOW int any_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
			   uint32_t slot, uint32_t owner)
{
	struct hash_view v;
	int err;

	if (flags > BPF_EXIST)
		return -EINVAL;
	hash_find_bucket(&v, m, key);
	err = bucket_lock(&v, owner);
	return err < 0 ? err : update_under_lock(m, key, value, flags, slot, owner);
}

/* marked: the element, if it is already; else 0. */
static SLOW int delete_under_lock(struct shm_map *m, const void *key, uint32_t owner,
				  uint32_t marked)
{
	struct found f = { .live = marked };
	struct hash_view v;

	hash_find_bucket(&v, m, key);
	if (!marked)
		f = locked_find(&v, key, 1);
	if (f.live)
		delete_locked(&v, key, &f, owner);
	bucket_unlock(&v);
	return f.live ? 0 : -ENOENT;
}

static SLOW int any_delete(struct shm_map *m, const void *key, uint32_t owner)
{
	struct hash_view v;
	int err;

	hash_find_bucket(&v, m, key);
	err = bucket_lock(&v, owner);
	return err < 0 ? err : delete_under_lock(m, key, owner, 0);
}

static SLOW uint64_t any_lookup(struct shm_map *m, const void *key)
{
	struct hash_view v;
	uint32_t n;

	hash_find_bucket(&v, m, key);
	n = hash_lookup(&v, key);
	return n ? (uint64_t)elem_value(&v, n, 0) : 0;
}

/* -- keys of a word: the first element of the chain is the one ------------------------------- */

/*
 * What nearly always is so costs no call here and keeps nothing in memory; all else is left to the
 * functions above, with the lock as it was.
 */
FAST void fast_find(struct hash_view *v, struct shm_map *m, const void *key, uint32_t key_size)
{
	v->m = m;
	v->h = rt_map_at(m, m->hash);
	v->key_size = key_size;
	v->value_size = 8;
	v->percpu = 0;
	v->hash = hash_key(key, key_size, v->h->seed);
	v->bucket = hash_bucket(v, v->hash);
}

/* The first element, if it has this key, live or at rest; or NULL. */
FAST struct shm_elem *fast_first(const struct hash_view *v, const void *key, uint32_t *n)
{
	struct shm_elem *e;

	*n = __atomic_load_n(&v->bucket->head, __ATOMIC_ACQUIRE);
	if (!*n || *n > v->m->max_entries)
		return NULL;
	e = hash_elem(v, *n);
	return key_equal(elem_key(e), key, v->key_size) ? e : NULL;
}

FAST int fast_lock(const struct hash_view *v, uint32_t owner)
{
	uint32_t held = 0;

	return __atomic_compare_exchange_n(&v->bucket->lock, &held, owner + 1, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

FAST uint64_t fast_lookup(struct shm_map *m, const void *key, uint32_t key_size)
{
	struct hash_view v;
	struct shm_elem *e;
	uint32_t n, version;

	fast_find(&v, m, key, key_size);
	version = __atomic_load_n(&v.bucket->version, __ATOMIC_ACQUIRE);
	e = fast_first(&v, key, &n);
	if (n && (!e || __atomic_load_n(&e->hash, __ATOMIC_ACQUIRE) != v.hash))
		return any_lookup(m, key);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (version != __atomic_load_n(&v.bucket->version, __ATOMIC_RELAXED))
		return any_lookup(m, key);
	return n ? (uint64_t)(elem_key(e) + 8) : 0;
}

/* Values of 8 bytes. */
FAST int fast_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		     uint32_t slot, uint32_t owner, uint32_t key_size)
{
	struct hash_view v;
	struct shm_elem *e;
	uint32_t n, hash;

	fast_find(&v, m, key, key_size);
	if (flags || !fast_lock(&v, owner))
		return any_update(m, key, value, flags, slot, owner);
	e = fast_first(&v, key, &n);
	if (e) {
		hash = e->hash;
		__atomic_store_n((uint64_t *)(void *)(elem_key(e) + 8), key_word(value, 8),
				 __ATOMIC_RELEASE);
		if (hash != v.hash)
			__atomic_store_n(&e->hash, v.hash, __ATOMIC_RELEASE);
		bucket_unlock(&v);
		return 0;
	}
	return update_under_lock(m, key, value, flags, slot, owner);
}

FAST int fast_delete(struct shm_map *m, const void *key, uint32_t owner, uint32_t key_size)
{
	struct hash_view v;
	struct shm_elem *e;
	uint32_t n, *note;

	fast_find(&v, m, key, key_size);
	if (!fast_lock(&v, owner))
		return any_delete(m, key, owner);
	e = fast_first(&v, key, &n);
	if (!e || e->hash != v.hash || e->next || !v.h->rest)
		return delete_under_lock(m, key, owner, 0);
	note = &hash_rest(&v, SHM_OWNER_SLOT(owner))->elem;
	if (__atomic_load_n(note, __ATOMIC_RELAXED) != n)
		return delete_under_lock(m, key, owner, 0);
	__atomic_store_n(&e->hash, v.hash | SHM_ELEM_RESTS, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* R.3: the note, behind the mark */
	if (__atomic_load_n(note, __ATOMIC_RELAXED) != n)
		return delete_under_lock(m, key, owner, n);
	bucket_unlock(&v);
	return 0;
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

/* Plain hash maps whose keys are of 8 bytes, or of 4. */
static inline int is_word(const struct shm_map *m, uint32_t key_size)
{
	return m->key_size == key_size && m->value_size == 8 && m->type == BPF_MAP_TYPE_HASH;
}

uint64_t rt_hash_lookup(struct shm_map *m, const void *key)
{
	if (m->key_size == 8)
		return fast_lookup(m, key, 8);
	if (m->key_size == 4)
		return fast_lookup(m, key, 4);
	return any_lookup(m, key);
}

int map_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		    uint32_t slot, uint32_t owner)
{
	if (is_word(m, 8))
		return fast_update(m, key, value, flags, slot, owner, 8);
	if (is_word(m, 4))
		return fast_update(m, key, value, flags, slot, owner, 4);
	return any_update(m, key, value, flags, slot, owner);
}

int map_hash_delete(struct shm_map *m, const void *key, uint32_t owner)
{
	if (m->key_size == 8)
		return fast_delete(m, key, owner, 8);
	if (m->key_size == 4)
		return fast_delete(m, key, owner, 4);
	return any_delete(m, key, owner);
}

uint64_t rt_map_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags)
{
	return (uint64_t)(int64_t)map_hash_update(m, key, value, flags, 0, rt_owner(rt_self()));
}

uint64_t rt_map_hash_delete(struct shm_map *m, const void *key)
{
	return (uint64_t)(int64_t)map_hash_delete(m, key, rt_owner(rt_self()));
}
