/*
 * bpf/map.c - creation of maps in the arena, and bpf(2)'s element operations on them.
 *
 * Sizes and places that this side follows are taken from the handle, never from the shared
 * struct shm_map, which a traced process may scribble over.  Values are copied in 8-byte
 * lanes, so that a counter is never seen half written.
 *
 * Errors   see bpf/map.h
 * Memory   a failed creation leaves what it took in the arena until the arena's end
 * Context  [ctl]
 * Spec     bpf(2); limits: Linux kernel/bpf/arraymap.c, hashtab.c, ringbuf.c, syscall.c
 */
#include "bpf/map_priv.h"

#include "base/types.h"
#include "bpf/progarray.h"
#include "rt/rt.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u

/* The kernel's bounds: KMALLOC_MAX_SIZE less sizeof(struct htab_elem), PCPU_MIN_UNIT_SIZE. */
#define HASH_MAX_ELEM    ((4u << 20) - 48)
#define HASH_MAX_ENTRIES (1u << 31)
#define PERCPU_MAX_VALUE (32u << 10)

#define PERF_CPU_ROOM (256u << 10)
#define PERF_MAX_ROOM (8u << 20)

#define ACCESS_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define ARRAY_FLAGS  (ACCESS_FLAGS | BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP)
#define HASH_FLAGS   (ACCESS_FLAGS | BPF_F_NUMA_NODE | BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED)
#define RING_FLAGS   ((uint32_t)BPF_F_NUMA_NODE)
#define PERF_FLAGS \
	((uint32_t)(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_PRESERVE_ELEMS))

static const struct {
	const char *name;
	const char *instead; /* for types that we do not have */
} types[] = {
	[BPF_MAP_TYPE_UNSPEC] = { "unspec", "give a map type" },
	[BPF_MAP_TYPE_HASH] = { "hash", NULL },
	[BPF_MAP_TYPE_ARRAY] = { "array", NULL },
	[BPF_MAP_TYPE_PROG_ARRAY] = { "prog_array", NULL },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { "perf_event_array", NULL },
	[BPF_MAP_TYPE_PERCPU_HASH] = { "percpu_hash", NULL },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { "percpu_array", NULL },
	[BPF_MAP_TYPE_STACK_TRACE] = { "stack_trace", NULL },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { "cgroup_array", "filter by process id" },
	[BPF_MAP_TYPE_LRU_HASH] = { "lru_hash", "use a hash and delete old keys" },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { "lru_percpu_hash", "use a percpu_hash" },
	[BPF_MAP_TYPE_LPM_TRIE] = { "lpm_trie", "use a hash" },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { "array_of_maps", "use one map with a wider key" },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { "hash_of_maps", "use one map with a wider key" },
	[BPF_MAP_TYPE_DEVMAP] = { "devmap", "it is for network programs" },
	[BPF_MAP_TYPE_SOCKMAP] = { "sockmap", "it is for network programs" },
	[BPF_MAP_TYPE_CPUMAP] = { "cpumap", "it is for network programs" },
	[BPF_MAP_TYPE_XSKMAP] = { "xskmap", "it is for network programs" },
	[BPF_MAP_TYPE_SOCKHASH] = { "sockhash", "it is for network programs" },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { "cgroup_storage", "use a hash" },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { "reuseport_sockarray",
					       "it is for network programs" },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { "percpu_cgroup_storage", "use a percpu_hash" },
	[BPF_MAP_TYPE_QUEUE] = { "queue", "use a ringbuf" },
	[BPF_MAP_TYPE_STACK] = { "stack", "use an array and an index" },
	[BPF_MAP_TYPE_SK_STORAGE] = { "sk_storage", "it is for network programs" },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { "devmap_hash", "it is for network programs" },
	[BPF_MAP_TYPE_STRUCT_OPS] = { "struct_ops", "only the kernel has struct_ops" },
	[BPF_MAP_TYPE_RINGBUF] = { "ringbuf", NULL },
	[BPF_MAP_TYPE_INODE_STORAGE] = { "inode_storage", "use a hash" },
	[BPF_MAP_TYPE_TASK_STORAGE] = { "task_storage", "use a hash keyed by the thread id" },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { "bloom_filter", "use a hash" },
	[BPF_MAP_TYPE_BLOOM_FILTER + 1] = { "user_ringbuf", "use an array" },
	[BPF_MAP_TYPE_BLOOM_FILTER + 2] = { "cgrp_storage", "use a hash" },
	[BPF_MAP_TYPE_BLOOM_FILTER + 3] = { "arena", "use an array" },
};

const char *map_type_name(uint32_t type)
{
	return type && type < ARRAY_LEN(types) ? types[type].name : "unknown";
}

static bool is_percpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH;
}

static bool is_hash(uint32_t type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH;
}

static bool is_array(uint32_t type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int check_flags(const struct map_attr *at, uint32_t allowed, struct diag *d)
{
	uint32_t both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if (at->flags & ~allowed)
		return diag_set(d, -EINVAL, "map %s: flags %#x do not exist for type %s", at->name,
				at->flags & ~allowed, map_type_name(at->type));
	if ((at->flags & both) == both)
		return diag_set(d, -EINVAL, "map %s: both BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG",
				at->name);
	if ((at->flags & BPF_F_RDONLY) && (at->flags & BPF_F_WRONLY))
		return diag_set(d, -EINVAL, "map %s: both BPF_F_RDONLY and BPF_F_WRONLY", at->name);
	if ((at->flags & BPF_F_NUMA_NODE) && is_percpu(at->type))
		return diag_set(d, -EINVAL, "map %s: a %s has no NUMA node", at->name,
				map_type_name(at->type));
	return 0;
}

static int check_array(const struct map_attr *at, struct diag *d)
{
	uint32_t flags = ARRAY_FLAGS;
	int err;

	if (is_percpu(at->type))
		flags &= ~(uint32_t)(BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	err = check_flags(at, flags, d);
	if (err < 0)
		return err;
	if (at->key_size != 4)
		return diag_set(d, -EINVAL, "map %s: an array's key has 4 bytes, not %u", at->name,
				at->key_size);
	if (!at->value_size || !at->max_entries)
		return diag_set(d, -EINVAL, "map %s: value_size and max_entries must not be 0",
				at->name);
	if (at->value_size > INT_MAX || (is_percpu(at->type) && at->value_size > PERCPU_MAX_VALUE))
		return diag_set(d, -E2BIG, "map %s: value_size %u is too large", at->name,
				at->value_size);
	return 0;
}

static int check_hash(const struct map_attr *at, struct diag *d)
{
	int err = check_flags(at, HASH_FLAGS, d);

	if (err < 0)
		return err;
	if (!at->key_size || !at->value_size || !at->max_entries)
		return diag_set(d, -EINVAL,
				"map %s: key_size, value_size and max_entries must not be 0",
				at->name);
	if ((uint64_t)at->key_size + at->value_size >= HASH_MAX_ELEM ||
	    (is_percpu(at->type) && ALIGN_UP((uint64_t)at->value_size, 8) > PERCPU_MAX_VALUE))
		return diag_set(d, -E2BIG, "map %s: key_size %u and value_size %u are too large",
				at->name, at->key_size, at->value_size);
	if (at->max_entries > HASH_MAX_ENTRIES)
		return diag_set(d, -E2BIG, "map %s: max_entries %u is too large", at->name,
				at->max_entries);
	return 0;
}

static int check_ring(const struct map_attr *at, struct diag *d)
{
	int err = check_flags(at, RING_FLAGS, d);

	if (err < 0)
		return err;
	if (at->key_size || at->value_size)
		return diag_set(d, -EINVAL, "map %s: a ringbuf has neither key_size nor value_size",
				at->name);
	if (!at->max_entries || at->max_entries % PAGE || (at->max_entries & (at->max_entries - 1)))
		return diag_set(d, -EINVAL,
				"map %s: a ringbuf's max_entries is a power of two of at least %u "
				"bytes, not %u",
				at->name, PAGE, at->max_entries);
	return 0;
}

/* The program's side has bpf_tail_call only, so its access has no flags. */
static int check_progs(const struct map_attr *at, struct diag *d)
{
	int err = check_flags(at, BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY, d);

	if (err < 0)
		return err;
	if (at->key_size != 4 || at->value_size != 4 || !at->max_entries)
		return diag_set(
			d, -EINVAL,
			"map %s: a prog_array's keys and values have 4 bytes, and it has at "
			"least one",
			at->name);
	return 0;
}

static int check_perf(const struct map_attr *at, struct diag *d)
{
	int err = check_flags(at, PERF_FLAGS, d);

	if (err < 0)
		return err;
	if (at->key_size != 4 || at->value_size != 4 || !at->max_entries)
		return diag_set(d, -EINVAL,
				"map %s: a perf_event_array has keys and values of 4 bytes and "
				"max_entries above 0",
				at->name);
	return 0;
}

static int check_attr(const struct map_attr *at, struct diag *d)
{
	if (at->type && at->type < ARRAY_LEN(types) && types[at->type].instead)
		return diag_set(d, -ENOTSUP, "map %s: type %s is not supported: %s", at->name,
				types[at->type].name, types[at->type].instead);
	if (is_array(at->type))
		return check_array(at, d);
	if (is_hash(at->type))
		return check_hash(at, d);
	if (at->type == BPF_MAP_TYPE_RINGBUF)
		return check_ring(at, d);
	if (at->type == BPF_MAP_TYPE_PROG_ARRAY)
		return check_progs(at, d);
	if (at->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return check_perf(at, d);
	if (at->type == BPF_MAP_TYPE_STACK_TRACE)
		return map_stack_check(at, d);
	return diag_set(d, -EINVAL, "map %s: there is no map type %u", at->name, at->type);
}

static int no_room(const struct map *m, uint64_t size, struct diag *d)
{
	return diag_set(d, -ENOMEM,
			"map %s: %" PRIu64 " bytes do not fit the shared arena (%" PRIu64
			" of %" PRIu64 " used)%s",
			m->name, size, m->arena->next, m->arena->size,
			is_percpu(m->attr.type) ? "; a per-CPU value is kept once for each of the "
						  "thread slots" :
						  "");
}

static bool is_progs(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_PROG_ARRAY;
}

static uint64_t value_stride(const struct map *m)
{
	return ALIGN_UP((uint64_t)m->attr.value_size, 8);
}

/* A memfd of its own: size bytes, seen from byte 0 by whoever mmap()s the map's fd. */
static int place_region(struct map *m, uint64_t size, struct diag *d)
{
	char name[80] = "utramp:";
	int err;

	if (ALIGN_UP(size, PAGE) > m->arena->size)
		return no_room(m, size, d);
	strcat(name, m->name);
	err = arena_add_region(m->arena, ALIGN_UP(size, PAGE),
			       (m->attr.flags & BPF_F_RDONLY_PROG) != 0, name, &m->shm->values,
			       &m->fd);
	if (err == -ENOSPC)
		return no_room(m, size, d);
	if (err < 0)
		return diag_set(d, err, "map %s: no memory of its own: %s", m->name,
				strerror(-err));
	return 0;
}

static int place(struct map *m, uint64_t size, shm_ref *out, struct diag *d)
{
	*out = size <= m->arena->size ? arena_alloc(m->arena, size, 64) : 0;
	return *out ? 0 : no_room(m, size, d);
}

static int place_array(struct map *m, struct diag *d)
{
	uint64_t size = m->attr.max_entries * value_stride(m);

	if (is_percpu(m->attr.type))
		size *= SHM_MAX_THREADS;
	m->shm->values_size = size;
	if (m->attr.flags & BPF_F_MMAPABLE)
		return place_region(m, size, d);
	return place(m, size, &m->shm->values, d);
}

static int place_ring(struct map *m, uint64_t data, struct diag *d)
{
	uint64_t size = sizeof(struct shm_ring) + data;
	struct shm_ring *ring;
	int err;

	m->shm->values_size = size;
	err = place_region(m, size, d);
	if (err < 0)
		return err;
	ring = shm_ptr(m->arena, m->shm->values, size);
	ring->producer.size = data;
	ring->producer.lossless = m->attr.lossless ? SHM_RING_SLEEPS : SHM_RING_LOSES;
	return 0;
}

/*
 * A perf event array is one ring for all threads.  The kernel's user gives a size for each CPU when
 * he opens its buffer; the usual ones are 32 to 256 KiB.
 */
static int place_perf(struct map *m, struct diag *d)
{
	uint64_t size = PERF_CPU_ROOM;

	while (size < PERF_CPU_ROOM * (uint64_t)m->attr.max_entries && size < PERF_MAX_ROOM)
		size *= 2;
	return place_ring(m, size, d);
}

static int place_stacks(struct map *m, struct diag *d)
{
	m->shm->values_size = map_stack_size(&m->attr);
	m->shm->value_stride = map_stack_stride(&m->attr);
	return place(m, m->shm->values_size, &m->shm->values, d);
}

static int place_hash(struct map *m, struct diag *d)
{
	struct shm_hash *h;
	uint32_t seed = 0;
	shm_ref ref;
	int err;

	err = place(m, sizeof(*h), &m->shm->hash, d);
	if (err < 0)
		return err;
	h = shm_ptr(m->arena, m->shm->hash, sizeof(*h));
	err = place(m, rt_hash_buckets_size(m->attr.max_entries), &ref, d);
	if (err < 0)
		return err;
	h->buckets = ref;
	err = place(m, rt_hash_elems_size(m->shm), &ref, d);
	if (err < 0)
		return err;
	h->elems = ref;
	err = place(m, rt_hash_rest_size(), &ref, d);
	if (err < 0)
		return err;
	h->rest = ref;
	if (is_percpu(m->attr.type)) {
		m->shm->values_size = m->attr.max_entries * value_stride(m) * SHM_MAX_THREADS;
		err = place(m, m->shm->values_size, &m->shm->values, d);
		if (err < 0)
			return err;
	}
	if (!(m->attr.flags & BPF_F_ZERO_SEED) && getentropy(&seed, sizeof(seed)) < 0)
		seed = m->id * 0x9e3779b1u;
	rt_hash_init(m->shm, h, seed);
	return 0;
}

static int place_map(struct map *m, struct diag *d)
{
	const struct map_attr *at = &m->attr;
	int err = place(m, sizeof(*m->shm), &m->ref, d);

	if (err < 0)
		return err;
	m->shm = shm_ptr(m->arena, m->ref, sizeof(*m->shm));
	m->shm->self = m->ref;
	m->shm->type = at->type;
	m->shm->key_size = at->key_size;
	m->shm->value_size = at->value_size;
	m->shm->max_entries = at->max_entries;
	m->shm->map_flags = at->flags;
	m->shm->value_stride = (uint32_t)value_stride(m);
	m->shm->id = m->id;
	if (is_hash(at->type))
		err = place_hash(m, d);
	else if (is_array(at->type) || is_progs(m))
		err = place_array(m, d);
	else if (at->type == BPF_MAP_TYPE_STACK_TRACE)
		err = place_stacks(m, d);
	else if (at->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		err = place_perf(m, d);
	else
		err = place_ring(m, at->max_entries, d);
	if (!err && m->shm->values)
		m->values = shm_ptr(m->arena, m->shm->values, m->shm->values_size);
	return err;
}

int map_create(struct arena *arena, const struct map_attr *attr, struct map **out, struct diag *d)
{
	static uint32_t last_id;
	struct map_attr at = *attr;
	struct map *m;
	int err;

	at.name = at.name ? at.name : "";
	err = check_attr(&at, d);
	if (err < 0)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	strncpy(m->name, at.name, sizeof(m->name) - 1);
	at.name = m->name;
	m->attr = at;
	m->refs = 1;
	m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	m->arena = arena;
	m->fd = -1;
	err = place_map(m, d);
	if (err < 0) {
		free(m);
		return err;
	}
	*out = m;
	return 0;
}

struct map *map_get(struct map *m)
{
	m->refs++;
	return m;
}

void map_put(struct map *m)
{
	if (!m || --m->refs)
		return;
	progarray_clear(m);
	free(m->progs);
	free(m);
}

/* -- values ---------------------------------------------------------------------------- */

static void store_value(const struct map *m, void *at, const void *value)
{
	uint32_t size = m->attr.value_size, n;
	uint64_t lane;

	for (n = 0; n < size; n += 8) {
		lane = 0;
		memcpy(&lane, (const char *)value + n, size - n < 8 ? size - n : 8);
		__atomic_store_n((uint64_t *)((char *)at + n), lane, __ATOMIC_RELAXED);
	}
}

static void load_value(const struct map *m, const void *at, void *value)
{
	uint32_t size = m->attr.value_size, n;
	uint64_t lane;

	for (n = 0; n < size; n += 8) {
		lane = __atomic_load_n((const uint64_t *)((const char *)at + n), __ATOMIC_RELAXED);
		memcpy((char *)value + n, &lane, size - n < 8 ? size - n : 8);
	}
}

/* Add a slot's value, lane by lane, to a sum of value_stride bytes; padding stays 0. */
static void fold_value(const struct map *m, const void *at, void *sum)
{
	uint32_t size = m->attr.value_size, n;
	uint64_t lane, add;

	for (n = 0; n < size; n += 8) {
		add = __atomic_load_n((const uint64_t *)((const char *)at + n), __ATOMIC_RELAXED);
		memcpy(&lane, (char *)sum + n, 8);
		lane += add;
		if (size - n < 8)
			lane &= (1ull << (size - n) * 8) - 1;
		memcpy((char *)sum + n, &lane, 8);
	}
}

/*
 * Values of an untouched slot are zero; reading them would give pages to the holes of a
 * sparse memfd.  The flag stays when a thread dies, so its counts are still found.
 */
static uint32_t *slot_touched(const struct map *m, unsigned slot)
{
	return &m->arena->hdr->thread[slot].touched;
}

bool map_slot_touched(const struct map *m, unsigned slot)
{
	return !slot ||
	       (slot < SHM_MAX_THREADS && __atomic_load_n(slot_touched(m, slot), __ATOMIC_ACQUIRE));
}

/* Where slot's value of an array index lies; index is in range. */
static void *array_value(const struct map *m, uint32_t index, unsigned slot)
{
	return (char *)m->values + ((uint64_t)slot * m->attr.max_entries + index) * value_stride(m);
}

/* The value of key for one slot; NULL: no such key. */
static void *find_value(const struct map *m, const void *key, unsigned slot)
{
	uint32_t index;

	if (is_hash(m->attr.type))
		return rt_hash_value(m->shm, key, slot);
	memcpy(&index, key, sizeof(index));
	return index < m->attr.max_entries ? array_value(m, index, slot) : NULL;
}

/* No elements that bpf(2) could give or take. */
static bool is_ring(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_RINGBUF ||
	       m->attr.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

static bool is_stacks(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_STACK_TRACE;
}

static int check_percpu(const struct map *m, unsigned cpus)
{
	return is_percpu(m->attr.type) && (!cpus || cpus > SHM_MAX_THREADS) ? -EINVAL : 0;
}

static int lookup_prog(const struct map *m, const void *key, void *value)
{
	const struct program *p;
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	p = progarray_get(m, index);
	if (!p)
		return -ENOENT;
	memcpy(value, &p->id, sizeof(p->id));
	return 0;
}

int map_lookup(struct map *m, const void *key, void *value, unsigned cpus)
{
	uint64_t stride = value_stride(m);
	unsigned slot;
	void *at;

	if (m->attr.flags & BPF_F_WRONLY)
		return -EPERM;
	if (is_ring(m))
		return -ENOTSUP;
	if (is_progs(m))
		return lookup_prog(m, key, value);
	if (is_stacks(m))
		return map_stack_lookup(m, key, value);
	if (check_percpu(m, cpus) < 0)
		return -EINVAL;
	at = find_value(m, key, 0);
	if (!at)
		return -ENOENT;
	if (!is_percpu(m->attr.type)) {
		load_value(m, at, value);
		return 0;
	}
	memset(value, 0, stride * cpus);
	for (slot = 0; slot < SHM_MAX_THREADS; slot++) {
		if (!map_slot_touched(m, slot))
			continue;
		at = find_value(m, key, slot);
		if (!at)
			return -ENOENT;
		fold_value(m, at, (char *)value + slot % cpus * stride);
	}
	return 0;
}

int map_lookup_slot(struct map *m, const void *key, unsigned slot, void *value)
{
	void *at;

	if (!is_percpu(m->attr.type) || slot >= SHM_MAX_THREADS)
		return -EINVAL;
	at = find_value(m, key, slot);
	if (!at)
		return -ENOENT;
	load_value(m, at, value);
	return 0;
}

/* Slot i gets value i, all others 0: a lookup with the same cpus gives the values back. */
static int store_percpu(struct map *m, const void *key, const void *value, unsigned cpus)
{
	uint64_t stride = value_stride(m);
	unsigned slot;
	void *at;

	for (slot = 0; slot < SHM_MAX_THREADS; slot++) {
		if (slot >= cpus && !__atomic_load_n(slot_touched(m, slot), __ATOMIC_ACQUIRE))
			continue;
		at = find_value(m, key, slot);
		if (!at)
			return -ENOENT;
		if (slot < cpus)
			__atomic_store_n(slot_touched(m, slot), 1, __ATOMIC_RELEASE);
		if (slot < cpus)
			store_value(m, at, (const char *)value + slot * stride);
		else
			memset(at, 0, stride);
	}
	return 0;
}

static int update_array(struct map *m, const void *key, const void *value, uint64_t flags,
			unsigned cpus)
{
	void *at = find_value(m, key, 0);

	if (flags > BPF_EXIST)
		return -EINVAL;
	if (!at)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	if (is_percpu(m->attr.type))
		return store_percpu(m, key, value, cpus);
	store_value(m, at, value);
	return 0;
}

int map_update(struct map *m, const void *key, const void *value, uint64_t flags, unsigned cpus)
{
	int err;

	if (m->frozen || (m->attr.flags & BPF_F_RDONLY))
		return -EPERM;
	if (is_ring(m) || is_progs(m))
		return -ENOTSUP;
	if (is_stacks(m) || check_percpu(m, cpus) < 0)
		return -EINVAL;
	if (is_array(m->attr.type))
		return update_array(m, key, value, flags, cpus);
	if (flags > BPF_EXIST)
		return -EINVAL;
	err = rt_hash_update(m->shm, key, value, flags, 0);
	if (err < 0 || !is_percpu(m->attr.type))
		return err;
	return store_percpu(m, key, value, cpus);
}

int map_delete(struct map *m, const void *key)
{
	if (m->frozen || (m->attr.flags & BPF_F_RDONLY))
		return -EPERM;
	if (m->attr.type == BPF_MAP_TYPE_RINGBUF)
		return -ENOTSUP;
	if (is_ring(m)) /* no entry has an event of the user's */
		return *(const uint32_t *)key < m->attr.max_entries ? -ENOENT : -E2BIG;
	if (is_progs(m)) {
		uint32_t index;

		memcpy(&index, key, sizeof(index));
		return progarray_set(m, index, NULL);
	}
	if (is_stacks(m))
		return map_stack_delete(m, key);
	if (is_array(m->attr.type))
		return -EINVAL;
	return rt_hash_delete(m->shm, key);
}

struct take {
	struct map *map;
	char *value;
	unsigned cpus;
};

static void take_value(void *arg, const void *value, uint32_t slot)
{
	const struct take *t = arg;

	if (is_percpu(t->map->attr.type))
		fold_value(t->map, value, t->value + slot % t->cpus * value_stride(t->map));
	else
		load_value(t->map, value, t->value);
}

int map_take(struct map *m, const void *key, void *value, unsigned cpus)
{
	struct take t = { .map = m, .value = value, .cpus = cpus };

	if (m->frozen || (m->attr.flags & (BPF_F_RDONLY | BPF_F_WRONLY)))
		return -EPERM;
	if (!is_hash(m->attr.type))
		return -ENOTSUP;
	if (check_percpu(m, cpus) < 0)
		return -EINVAL;
	if (is_percpu(m->attr.type))
		memset(value, 0, value_stride(m) * cpus);
	return rt_hash_take(m->shm, key, take_value, &t);
}

int map_bucket(struct map *m, uint32_t bucket, void *keys, uint32_t cap)
{
	if (m->attr.flags & BPF_F_WRONLY)
		return -EPERM;
	return is_hash(m->attr.type) ? rt_hash_bucket(m->shm, bucket, keys, cap) : -ENOTSUP;
}

int map_next_key(struct map *m, const void *key, void *next)
{
	uint32_t index = UINT32_MAX;

	if (m->attr.flags & BPF_F_WRONLY)
		return -EPERM;
	if (m->attr.type == BPF_MAP_TYPE_RINGBUF)
		return -ENOTSUP;
	if (is_hash(m->attr.type))
		return rt_hash_get_next(m->shm, key, next);
	if (is_stacks(m))
		return map_stack_next_key(m, key, next);
	if (key)
		memcpy(&index, key, sizeof(index));
	if (index == m->attr.max_entries - 1)
		return -ENOENT;
	index = index < m->attr.max_entries ? index + 1 : 0;
	memcpy(next, &index, sizeof(index));
	return 0;
}

int map_freeze(struct map *m)
{
	if (m->frozen || (m->attr.flags & BPF_F_RDONLY)) /* as Linux 6.18 answers */
		return -EPERM;
	m->frozen = true;
	m->shm->frozen = 1;
	return 0;
}
