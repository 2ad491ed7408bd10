/* rt_util.h - an arena with maps for the tests of rt/. */
#ifndef RT_UTIL_H
#define RT_UTIL_H

#include "rt/rt.h"
#include "shm/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <linux/bpf.h>

/* A fresh arena, installed in rt_state with a private block table. */
static inline struct arena *rt_util_arena(void)
{
	struct arena *a;
	void *blocks;

	if (arena_create(&a) < 0)
		abort();
	blocks = mmap(NULL, SHM_MAX_THREADS * RT_THREAD_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (blocks == MAP_FAILED ||
	    madvise(blocks, SHM_MAX_THREADS * RT_THREAD_SIZE, MADV_WIPEONFORK) < 0)
		abort();
	rt_state.arena = (uint64_t)a->hdr;
	rt_state.threads = (uint64_t)blocks;
	rt_state.tls_off = rt_tls_offset();
	return a;
}

/* Back to no session: the TLS word of this thread, too. */
static inline void rt_util_destroy(struct arena *a)
{
	munmap((void *)rt_state.threads, SHM_MAX_THREADS * RT_THREAD_SIZE);
	__asm__ volatile("movq %0, %%fs:(%1)" : : "r"(0ull), "r"((int64_t)rt_tls_offset()));
	rt_state.arena = rt_state.threads = 0;
	arena_destroy(a);
}

static inline void *rt_util_ptr(struct arena *a, shm_ref ref)
{
	return (char *)a->hdr + ref;
}

static inline struct shm_map *rt_util_map(struct arena *a, uint32_t type, uint32_t key_size,
					  uint32_t value_size, uint32_t max_entries)
{
	shm_ref self = arena_alloc(a, sizeof(struct shm_map), 64);
	struct shm_map *m = rt_util_ptr(a, self);
	struct shm_hash *h;

	m->self = self;
	m->type = type;
	m->key_size = key_size;
	m->value_size = value_size;
	m->max_entries = max_entries;
	m->value_stride = (value_size + 7) & ~7u;
	m->values_size = (uint64_t)m->value_stride * max_entries;
	if (type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH)
		m->values_size *= SHM_MAX_THREADS;
	if (type != BPF_MAP_TYPE_HASH)
		m->values = arena_alloc(a, m->values_size, 4096);
	if (type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH) {
		m->hash = arena_alloc(a, sizeof(struct shm_hash), 64);
		h = rt_util_ptr(a, m->hash);
		h->buckets = arena_alloc(a, rt_hash_buckets_size(max_entries), 64);
		h->elems = arena_alloc(a, rt_hash_elems_size(m), 64);
		h->rest = arena_alloc(a, rt_hash_rest_size(), 64);
		rt_hash_init(m, h, 12345);
	}
	return m;
}

static inline struct shm_map *rt_util_ring(struct arena *a, uint64_t size)
{
	shm_ref self = arena_alloc(a, sizeof(struct shm_map), 64);
	struct shm_map *m = rt_util_ptr(a, self);
	struct shm_ring *r;

	m->self = self;
	m->type = BPF_MAP_TYPE_RINGBUF;
	m->max_entries = (uint32_t)size;
	m->values_size = size + 2 * SHM_RING_PAGE;
	m->values = arena_alloc(a, m->values_size, 4096);
	r = rt_util_ptr(a, m->values);
	r->producer.size = size;
	return m;
}

static inline struct shm_ring *rt_util_ring_of(struct arena *a, const struct shm_map *m)
{
	return rt_util_ptr(a, m->values);
}

/* An errno as r0 holds it. */
#define R0(e) ((uint64_t)(int64_t) - (e))

#endif
