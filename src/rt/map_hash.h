/*
 * rt/map_hash.h - a hash map's tables: where key, value, bucket and element lie, and the hash.
 *
 * Readers and writers: map_hash.c; the control side's walks: map_hash_ctl.c.
 *
 * Context  [probe] [ctl]; private to rt/
 */
#ifndef RT_MAP_HASH_H
#define RT_MAP_HASH_H

#include "rt/probe.h"

struct hash_view {
	struct shm_map *m;
	struct shm_hash *h;
	struct shm_bucket *bucket;
	uint32_t hash;
	uint32_t key_size, value_size; /* the map's; constants where they are known */
	uint32_t percpu;
};

static inline struct shm_elem *hash_elem(const struct hash_view *v, uint32_t n)
{
	return (struct shm_elem *)(void *)((char *)rt_map_at(v->m, v->h->elems) +
					   (uint64_t)(n - 1) * v->h->elem_stride);
}

static inline char *elem_key(struct shm_elem *e)
{
	return (char *)(e + 1);
}

/* Where the value of element n lies; slot counts for per-CPU maps only. */
static inline void *elem_value(const struct hash_view *v, uint32_t n, uint32_t slot)
{
	uint64_t key_stride = ((uint64_t)v->key_size + 7) & ~7ull;

	if (v->percpu)
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

/*
 * Word by word: both halves of a product, folded, so that every bit of the key reaches the low
 * ones, which choose the bucket, by one multiplication.
 */
static inline uint64_t hash_fold(uint64_t h, uint64_t w)
{
	unsigned __int128 p = (unsigned __int128)(h ^ w) * 0xd6e8feb86659fd93ull;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint32_t hash_key(const void *key, uint32_t size, uint32_t seed)
{
	const uint8_t *p = key;
	uint64_t h = seed ^ (uint64_t)size * 0x9e3779b97f4a7c15ull, w;

	if (size == 8 || size == 4) /* what the loop does, without it */
		return (uint32_t)hash_fold(h, key_word(key, size)) & ~SHM_ELEM_RESTS;
	while (size) {
		uint32_t n = size < 8 ? size : 8;

		w = 0;
		rt_copy(&w, p, n);
		h = hash_fold(h, w);
		p += n;
		size -= n;
	}
	return (uint32_t)h & ~SHM_ELEM_RESTS;
}

static inline void hash_open(struct hash_view *v, struct shm_map *m)
{
	v->m = m;
	v->h = rt_map_at(m, m->hash);
	v->key_size = m->key_size;
	v->value_size = m->value_size;
	v->percpu = m->type == BPF_MAP_TYPE_PERCPU_HASH;
}

static inline struct shm_bucket *hash_bucket(const struct hash_view *v, uint32_t i)
{
	return (struct shm_bucket *)rt_map_at(v->m, v->h->buckets) + (i & (v->h->nbuckets - 1));
}

static inline void hash_find_bucket(struct hash_view *v, struct shm_map *m, const void *key)
{
	hash_open(v, m);
	v->hash = hash_key(key, v->key_size, v->h->seed);
	v->bucket = hash_bucket(v, v->hash);
}

static inline struct shm_rest *hash_rest(const struct hash_view *v, uint32_t slot)
{
	return (struct shm_rest *)rt_map_at(v->m, v->h->rest) + slot;
}

/*
 * One walk: the element with this key, or 0.  *changed: what was seen may be a mixture.
 * Right without more ado under the lock; else the caller compares versions.
 */
uint32_t hash_chain_find(const struct hash_view *v, const void *key, int *changed);

/* Under the lock: unlink every element with this key but `keep`, and free it.  The number of them. */
unsigned hash_chain_remove(const struct hash_view *v, const void *key, uint32_t keep);

/* Under the lock: unlink *link's element, which is in no list then. */
void hash_chain_unlink(const struct hash_view *v, uint32_t *link);
void hash_elem_push(const struct hash_view *v, uint32_t n); /* it is free */

/*
 * Under the lock, of an element of this bucket that is marked: note it for the owner's slot.  0: it is
 * not to rest, to be unlinked.
 */
int hash_rest_note(const struct hash_view *v, uint32_t n, uint32_t owner);

/* Under the lock: some element that rested and is in no list now; -E2BIG, -EBUSY (counted). */
int64_t hash_rest_take(const struct hash_view *v, uint32_t owner);

#endif
