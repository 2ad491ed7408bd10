/*
 * rt/map_hash_ctl.c - hash maps for the control side: make, change, walk; see rt.h, rt/map_hash.c.
 *
 * Context  [ctl], as slot 0
 * Spec     kernel/bpf/hashtab.c for flags and errors
 */
#include "rt/map_hash.h"

#define REST_TRIES 1000 /* for a bucket that rests while it is walked */

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

/* Element n is the one a lookup of its key finds; an older copy, or what rests, is passed over. */
static int elem_is_newest(struct hash_view *v, uint32_t n)
{
	int changed;

	v->hash = hash_elem(v, n)->hash;
	if (v->hash & SHM_ELEM_RESTS)
		return 0;
	return hash_chain_find(v, elem_key(hash_elem(v, n)), &changed) == n;
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
		n = hash_chain_find(v, key, changed);
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

	for (int i = 0; i < REST_TRIES && changed; i++) {
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
	for (int i = 0; i < REST_TRIES; i++) {
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
	err = rt_map_lock(m, &v.bucket->lock, 0);
	if (err < 0)
		return err;
	n = hash_chain_find(&v, key, &changed);
	for (uint32_t s = 0; n && s < slots; s++) {
		if (!s || __atomic_load_n(&a->thread[s].touched, __ATOMIC_ACQUIRE))
			see(arg, elem_value(&v, n, s), s);
	}
	if (n)
		hash_chain_remove(&v, key, 0);
	rt_map_unlock(&v.bucket->lock);
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

uint64_t rt_hash_rest_size(void)
{
	return SHM_MAX_THREADS * sizeof(struct shm_rest);
}

/* h->buckets, h->elems and h->rest are the caller's memory; everything else is set here. */
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
