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
static inline uint32_t hash_key(const void *key, uint32_t size, uint32_t seed)
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

static inline void hash_open(struct hash_view *v, struct shm_map *m)
{
	v->m = m;
	v->h = rt_map_at(m, m->hash);
}

static inline struct shm_bucket *hash_bucket(const struct hash_view *v, uint32_t i)
{
	return (struct shm_bucket *)rt_map_at(v->m, v->h->buckets) + (i & (v->h->nbuckets - 1));
}

static inline void hash_find_bucket(struct hash_view *v, struct shm_map *m, const void *key)
{
	hash_open(v, m);
	v->hash = hash_key(key, m->key_size, v->h->seed);
	v->bucket = hash_bucket(v, v->hash);
}

/*
 * One walk: the element with this key, or 0.  *changed: what was seen may be a mixture.
 * Right without more ado under the lock; else the caller compares versions.
 */
uint32_t hash_chain_find(const struct hash_view *v, const void *key, int *changed);

/* Under the lock: unlink every element with this key but `keep`, and free it. */
unsigned hash_chain_remove(const struct hash_view *v, const void *key, uint32_t keep);

#endif
