/*
 * bpf/map.h - the control side's handle of a map in the arena.
 *
 * Creation, and bpf(2)'s element operations on the shared memory; the same rt/ code as
 * the programs use runs here, as thread slot 0.
 *
 * Types    ARRAY (BPF_F_MMAPABLE: a memfd of its own), HASH, PERCPU_ARRAY, PERCPU_HASH,
 *          RINGBUF, PERF_EVENT_ARRAY (one ring for all), STACK_TRACE, PROG_ARRAY
 *          (bpf/progarray.h: updates are made there, lookups give ids).  A per-CPU
 *          value has one copy per thread slot (SHM_MAX_THREADS): lookups
 *          of the whole give `cpus` values, slot s added 8-byte lane-wise into s % cpus;
 *          an update puts value i into slot i and 0 into all others.
 * Flags    BPF_F_NO_PREALLOC is accepted, elements are preallocated all the same;
 *          BPF_F_NUMA_NODE is accepted and ignored;  BPF_F_RDONLY_PROG makes an mmapable
 *          array read-only in the target;  BPF_F_RDONLY, _WRONLY hold for all of the
 *          map's fds.
 * Errors   as bpf(2): -EINVAL bad attributes, -E2BIG index or count, -ENOENT, -EEXIST,
 *          -EBUSY, -EPERM frozen or read-only, -ENOMEM the arena is full;  -ENOTSUP a map
 *          type or operation that we do not have, by name
 * Memory   map_put() frees the handle; the arena keeps the memory
 * Context  [ctl]
 */
#ifndef BPF_MAP_H
#define BPF_MAP_H

#include "base/diag.h"
#include "shm/arena.h"

#include <linux/bpf.h>

struct map_attr {
	uint32_t type, key_size, value_size, max_entries, flags;
	const char *name;
	uint32_t btf_key_type_id, btf_value_type_id;
	bool lossless; /* rings */
};

struct map {
	char name[64];
	uint32_t id, refs;
	struct map_attr attr; /* name points to the field above */
	struct arena *arena;
	shm_ref ref; /* struct shm_map */
	struct shm_map *shm;
	void *values; /* our address of shm->values, NULL for a plain hash */
	bool frozen;
	struct progarray *progs; /* PROG_ARRAY only, and NULL at first: bpf/progarray.h */
	int fd;                  /* its own memfd (mmapable, rings), borrowed; -1: in the arena's */
};

int map_create(struct arena *arena, const struct map_attr *attr, struct map **out, struct diag *d);
struct map *map_get(struct map *m);
void map_put(struct map *m); /* NULL is fine */

/* value: value_size bytes, or for per-CPU types cpus * roundup(value_size, 8). */
int map_lookup(struct map *m, const void *key, void *value, unsigned cpus);
int map_update(struct map *m, const void *key, const void *value, uint64_t flags, unsigned cpus);
int map_delete(struct map *m, const void *key);
int map_next_key(struct map *m, const void *key, void *next);             /* -ENOENT: no more */
int map_take(struct map *m, const void *key, void *value, unsigned cpus); /* look up and delete */
/* A hash's keys bucket by bucket: the number in it; more than cap: keys is not whole. */
int map_bucket(struct map *m, uint32_t bucket, void *keys, uint32_t cap);
int map_freeze(struct map *m);

/* One slot's value of a per-CPU map: shown without folding.  -ENOENT, -EINVAL. */
int map_lookup_slot(struct map *m, const void *key, unsigned slot, void *value);
bool map_slot_touched(const struct map *m, unsigned slot); /* else its values are all zero */

const char *map_type_name(uint32_t type); /* "hash", "ringbuf"; "unknown" */

#endif
