/*
 * rt/each.c - helpers that run a function of the program again and again; see rt.h.
 *
 * A hash map is gone through bucket by bucket.  The numbers of a bucket's elements are noted
 * first; before each call it is asked whether the element is still what a lookup of its key
 * finds, so that the function may delete what it is shown, and the others too.  An element
 * that is there throughout is shown once, but one whose value was replaced meanwhile need not be.
 *
 * Context  [probe] lock-free
 * Spec     bpf-helpers(7); kernel/bpf/bpf_iter.c, arraymap.c, hashtab.c for errors and counts
 */
#include "rt/probe.h"

/* Not .bss: the slab's file has bytes for all its data. */
uint64_t rt_tails[RT_TAILS] __attribute__((section(".data")));

#define MAX_LOOPS (8u << 20) /* BPF_MAX_LOOPS, include/linux/bpf.h */
#define NOTED     32         /* a bucket has one element on average */

uint64_t rt_loop(uint32_t n, rt_callback fn, uint64_t arg, uint64_t flags)
{
	if (flags)
		return RT_ERR(EINVAL);
	if (n > MAX_LOOPS)
		return RT_ERR(E2BIG);
	for (uint32_t i = 0; i < n; i++) {
		if (fn(i, arg, 0, 0, 0))
			return i + 1;
	}
	return n;
}

struct each {
	struct shm_map *m;
	rt_callback fn;
	uint64_t arg;
	uint32_t slot;
	uint64_t shown;
};

/* 1: the function wants no more. */
static int show(struct each *e, const void *key, void *value)
{
	e->shown++;
	return e->fn((uint64_t)e->m, (uint64_t)key, (uint64_t)value, e->arg, 0) != 0;
}

static void each_array(struct each *e)
{
	for (uint32_t i = 0; i < e->m->max_entries; i++) {
		uint32_t key = i; /* the program gets its address */

		if (show(e, &key, map_array_lookup(e->m, &i, e->slot)))
			return;
	}
}

static struct shm_elem *elem_at(struct shm_map *m, const struct shm_hash *h, uint32_t n)
{
	return (struct shm_elem *)((char *)rt_map_at(m, h->elems) + (n - 1) * h->elem_stride);
}

/* Up to NOTED elements of the bucket's chain, from the one behind `skip` others. */
static uint32_t note(struct shm_map *m, const struct shm_hash *h, const struct shm_bucket *b,
		     uint32_t skip, uint32_t out[NOTED])
{
	uint32_t n = __atomic_load_n(&b->head, __ATOMIC_ACQUIRE), count = 0;

	for (uint32_t steps = 0; n && n <= m->max_entries && steps <= m->max_entries; steps++) {
		if (steps >= skip)
			out[count++] = n;
		if (count == NOTED)
			break;
		n = __atomic_load_n(&elem_at(m, h, n)->next, __ATOMIC_ACQUIRE);
	}
	return count;
}

/* The value of element n, if it is what a lookup of its key finds. */
static void *value_of(const struct each *e, const struct shm_hash *h, uint32_t n)
{
	uint64_t key_stride = ((uint64_t)e->m->key_size + 7) & ~7ull;
	char *key = (char *)(elem_at(e->m, h, n) + 1), *own = key + key_stride;

	if (e->m->type == BPF_MAP_TYPE_PERCPU_HASH)
		own = (char *)rt_map_at(e->m, e->m->values) +
		      ((uint64_t)e->slot * e->m->max_entries + n - 1) * e->m->value_stride;
	return rt_hash_value(e->m, key, e->slot) == own ? own : NULL;
}

static int each_bucket(struct each *e, const struct shm_hash *h, const struct shm_bucket *b)
{
	uint32_t noted[NOTED], n, skip = 0;

	do {
		n = note(e->m, h, b, skip, noted);
		for (uint32_t i = 0; i < n; i++) {
			void *value = value_of(e, h, noted[i]);

			if (value && show(e, elem_at(e->m, h, noted[i]) + 1, value))
				return 1;
		}
		skip += n;
	} while (n == NOTED);
	return 0;
}

static void each_hash(struct each *e)
{
	const struct shm_hash *h = rt_map_at(e->m, e->m->hash);
	const struct shm_bucket *b = rt_map_at(e->m, h->buckets);

	for (uint32_t i = 0; i < h->nbuckets; i++) {
		if (each_bucket(e, h, &b[i]))
			return;
	}
}

uint64_t rt_for_each_map_elem(struct shm_map *m, rt_callback fn, uint64_t arg, uint64_t flags)
{
	const struct rt_thread *t = rt_thread_self();
	struct each e = { .m = m, .fn = fn, .arg = arg, .slot = t ? t->slot : 0 };

	if (flags)
		return RT_ERR(EINVAL);
	switch (m->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		each_array(&e);
		break;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
		each_hash(&e);
		break;
	default:
		return RT_ERR(EOPNOTSUPP);
	}
	return e.shown;
}
