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
#include "rt/probe.h"

#define LOCK_SPINS    1000
#define LOOKUP_TRIES  64
#define LOOKUP_ROUNDS 16

struct hash_view {
	struct shm_map *m;
	struct shm_hash *h;
	struct shm_bucket *bucket;
	uint32_t hash;
};

static struct shm_elem *hash_elem(const struct hash_view *v, uint32_t n)
{
	return (struct shm_elem *)(void *)((char *)rt_map_at(v->m, v->h->elems) +
					   (uint64_t)(n - 1) * v->h->elem_stride);
}

static char *elem_key(struct shm_elem *e)
{
	return (char *)(e + 1);
}

/* Where the value of element n lies; slot counts for per-CPU maps only. */
static void *elem_value(const struct hash_view *v, uint32_t n, uint32_t slot)
{
	uint64_t key_stride = ((uint64_t)v->m->key_size + 7) & ~7ull;

	if (v->m->type == BPF_MAP_TYPE_PERCPU_HASH)
		return (char *)rt_map_at(v->m, v->m->values) +
		       ((uint64_t)slot * v->m->max_entries + n - 1) * v->m->value_stride;
	return elem_key(hash_elem(v, n)) + key_stride;
}

/* A key of 8 or 4 bytes. */
static inline uint64_t key_word(const void *key, uint32_t size)
{
	uint32_t half;
	uint64_t w;

	if (size == 8) {
		__builtin_memcpy(&w, key, 8);
		return w;
	}
	__builtin_memcpy(&half, key, 4);
	return half;
}

static inline int key_equal(const void *a, const void *b, uint32_t size)
{
	if (size == 8 || size == 4)
		return key_word(a, size) == key_word(b, size);
	return rt_equal(a, b, size);
}

/* Multiply and fold; the last words may overlap nothing beyond the key. */
static uint32_t hash_key(const void *key, uint32_t size, uint32_t seed)
{
	const uint8_t *p = key;
	uint64_t h = seed ^ (uint64_t)size * 0x9e3779b97f4a7c15ull, w;

	if (size == 8 || size == 4) { /* what the loop does, without it */
		w = key_word(key, size);
		h = (h ^ w) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
		size = 0;
	}
	while (size) {
		uint32_t n = size < 8 ? size : 8;

		w = 0;
		rt_copy(&w, p, n);
		h = (h ^ w) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
		p += n;
		size -= n;
	}
	h *= 0xd6e8feb86659fd93ull;
	return (uint32_t)(h >> 32);
}

static void hash_open(struct hash_view *v, struct shm_map *m)
{
	v->m = m;
	v->h = rt_map_at(m, m->hash);
}

static struct shm_bucket *hash_bucket(const struct hash_view *v, uint32_t i)
{
	return (struct shm_bucket *)rt_map_at(v->m, v->h->buckets) + (i & (v->h->nbuckets - 1));
}

static void hash_find_bucket(struct hash_view *v, struct shm_map *m, const void *key)
{
	hash_open(v, m);
	v->hash = hash_key(key, m->key_size, v->h->seed);
	v->bucket = hash_bucket(v, v->hash);
}

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

/*
 * One walk: the element with this key, or 0.  *changed: what was seen may be a mixture.
 * Right without more ado under the lock; else the caller compares versions.
 */
static uint32_t chain_find(const struct hash_view *v, const void *key, int *changed)
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
			n = chain_find(v, key, &changed);
			bucket_unlock(v);
			return n;
		}
	}
	return 0;
}

/* Under the lock: unlink every element with this key but `keep`, and free it. */
static unsigned chain_remove(const struct hash_view *v, const void *key, uint32_t keep)
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

	old = chain_find(v, key, &changed);
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
		chain_remove(v, key, new);
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
	if (!chain_remove(&v, key, 0))
		err = -ENOENT;
	bucket_unlock(&v);
	return err;
}

/* -- the control side --------------------------------------------------------------- */

int rt_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		   uint32_t slot)
{
	struct shm_arena *a = rt_map_arena(m);
	uint64_t used = __atomic_load_n(&a->slots_used, __ATOMIC_RELAXED);

	if (slot >= SHM_MAX_THREADS)
		return -EINVAL;
	if (slot && m->type == BPF_MAP_TYPE_PERCPU_HASH) {
		__atomic_store_n(&a->thread[slot].touched, 1, __ATOMIC_RELEASE);
		while (used <= slot &&
		       !__atomic_compare_exchange_n(&a->slots_used, &used, slot + 1ull, 0,
						    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			;
	}
	return map_hash_update(m, key, value, flags, slot, 0);
}

int rt_hash_delete(struct shm_map *m, const void *key)
{
	return map_hash_delete(m, key, 0);
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

/* Element n is the one a lookup of its key finds; an older copy is passed over. */
static int elem_is_newest(struct hash_view *v, uint32_t n)
{
	int changed;

	v->hash = hash_elem(v, n)->hash;
	return chain_find(v, elem_key(hash_elem(v, n)), &changed) == n;
}

/* From element n (0: none) of v's bucket i on, the next one to show, or 0. */
static uint32_t next_elem(struct hash_view *v, uint32_t n, uint32_t i, uint32_t *version)
{
	for (uint32_t steps = 0; steps <= v->m->max_entries;) {
		if (n > v->m->max_entries)
			return n;
		if (n && elem_is_newest(v, n))
			return n;
		if (n) {
			n = __atomic_load_n(&hash_elem(v, n)->next, __ATOMIC_ACQUIRE);
			steps++;
			continue;
		}
		if (++i >= v->h->nbuckets)
			return 0;
		v->bucket = hash_bucket(v, i);
		*version = __atomic_load_n(&v->bucket->version, __ATOMIC_ACQUIRE);
		n = __atomic_load_n(&v->bucket->head, __ATOMIC_ACQUIRE);
	}
	return UINT32_MAX;
}

/*
 * The key that follows `key` in its chain, else the first of the next bucket that has one.
 * A key that is gone means from the start again, as in the kernel.
 */
static int next_once(struct hash_view *v, const void *key, void *next, int *changed)
{
	uint32_t i = UINT32_MAX, n = 0, version = 0;

	*changed = 0;
	if (key) {
		hash_find_bucket(v, v->m, key);
		version = __atomic_load_n(&v->bucket->version, __ATOMIC_ACQUIRE);
		n = chain_find(v, key, changed);
	}
	if (n) {
		i = v->hash & (v->h->nbuckets - 1);
		n = __atomic_load_n(&hash_elem(v, n)->next, __ATOMIC_ACQUIRE);
	}
	n = *changed ? 0 : next_elem(v, n, i, &version);
	if (n && n <= v->m->max_entries)
		rt_copy(next, elem_key(hash_elem(v, n)), v->m->key_size);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*changed |=
		n > v->m->max_entries ||
		(v->bucket && version != __atomic_load_n(&v->bucket->version, __ATOMIC_RELAXED));
	return n ? 0 : -ENOENT;
}

int rt_hash_get_next(struct shm_map *m, const void *key, void *next)
{
	struct hash_view v;
	int err = 0, changed = 1;

	for (int i = 0; i < LOCK_SPINS && changed; i++) {
		v.bucket = NULL;
		hash_open(&v, m);
		err = next_once(&v, key, next, &changed);
	}
	if (!changed)
		return err;
	__atomic_fetch_add(&m->busy, 1, __ATOMIC_RELAXED);
	return -EBUSY;
}

/*
 * One bucket's keys, each once, as the chain was at one time.  More than cap: their number,
 * and keys is not complete.
 */
static uint32_t bucket_keys(struct hash_view *v, void *keys, uint32_t cap)
{
	uint32_t n = __atomic_load_n(&v->bucket->head, __ATOMIC_ACQUIRE), found = 0;

	for (uint32_t steps = 0; n; steps++) {
		if (n > v->m->max_entries || steps > v->m->max_entries)
			return found;
		if (elem_is_newest(v, n) && found++ < cap)
			rt_copy((char *)keys + (uint64_t)(found - 1) * v->m->key_size,
				elem_key(hash_elem(v, n)), v->m->key_size);
		n = __atomic_load_n(&hash_elem(v, n)->next, __ATOMIC_ACQUIRE);
	}
	return found;
}

int rt_hash_bucket(struct shm_map *m, uint32_t bucket, void *keys, uint32_t cap)
{
	struct hash_view v;
	uint32_t n, version;

	hash_open(&v, m);
	if (bucket >= v.h->nbuckets)
		return -ENOENT;
	v.bucket = hash_bucket(&v, bucket);
	for (int i = 0; i < LOCK_SPINS; i++) {
		version = __atomic_load_n(&v.bucket->version, __ATOMIC_ACQUIRE);
		n = bucket_keys(&v, keys, cap);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (version == __atomic_load_n(&v.bucket->version, __ATOMIC_RELAXED))
			return (int)n;
	}
	__atomic_fetch_add(&m->busy, 1, __ATOMIC_RELAXED);
	return -EBUSY;
}

int rt_hash_take(struct shm_map *m, const void *key,
		 void (*see)(void *arg, const void *value, uint32_t slot), void *arg)
{
	uint32_t slots = m->type == BPF_MAP_TYPE_PERCPU_HASH ? SHM_MAX_THREADS : 1, n;
	const struct shm_arena *a = rt_map_arena(m);
	struct hash_view v;
	int err, changed;

	hash_find_bucket(&v, m, key);
	err = bucket_lock(&v, 0);
	if (err < 0)
		return err;
	n = chain_find(&v, key, &changed);
	for (uint32_t s = 0; n && s < slots; s++) {
		if (!s || __atomic_load_n(&a->thread[s].touched, __ATOMIC_ACQUIRE))
			see(arg, elem_value(&v, n, s), s);
	}
	if (n)
		chain_remove(&v, key, 0);
	bucket_unlock(&v);
	return n ? 0 : -ENOENT;
}

static uint32_t hash_nbuckets(uint32_t max_entries)
{
	uint32_t n = 1;

	while (n < max_entries && n < 1u << 31)
		n <<= 1;
	return n;
}

uint64_t rt_hash_buckets_size(uint32_t max_entries)
{
	return (uint64_t)hash_nbuckets(max_entries) * sizeof(struct shm_bucket);
}

static uint64_t elem_stride(const struct shm_map *m)
{
	uint64_t stride = sizeof(struct shm_elem) + (((uint64_t)m->key_size + 7) & ~7ull);

	return m->type == BPF_MAP_TYPE_PERCPU_HASH ? stride : stride + m->value_stride;
}

uint64_t rt_hash_elems_size(const struct shm_map *m)
{
	return m->max_entries * elem_stride(m);
}

/* h->buckets and h->elems are the caller's memory; everything else is set here. */
void rt_hash_init(struct shm_map *m, struct shm_hash *h, uint32_t seed)
{
	struct hash_view v = { .m = m, .h = h };

	h->nbuckets = hash_nbuckets(m->max_entries);
	h->seed = seed;
	h->elem_stride = elem_stride(m);
	for (uint32_t n = 1; n < m->max_entries; n++)
		hash_elem(&v, n)->next = n + 1;
	h->free_head = m->max_entries ? 1 : 0;
}
