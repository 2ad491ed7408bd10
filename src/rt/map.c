/*
 * rt/map.c - the map helpers: dispatch by map type; see rt.h.
 *
 * A per-CPU map's CPU is the thread's slot.
 *
 * Context  [probe]
 * Spec     bpf-helpers(7)
 */
#include "rt/probe.h"

static int map_is_array(const struct shm_map *m)
{
	return m->type == BPF_MAP_TYPE_ARRAY || m->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int map_is_hash(const struct shm_map *m)
{
	return m->type == BPF_MAP_TYPE_HASH || m->type == BPF_MAP_TYPE_PERCPU_HASH;
}

static int map_is_percpu(const struct shm_map *m)
{
	return m->type == BPF_MAP_TYPE_PERCPU_ARRAY || m->type == BPF_MAP_TYPE_PERCPU_HASH;
}

static uint32_t my_slot(void)
{
	const struct rt_thread *t = rt_self();

	return t ? t->slot : 0;
}

uint64_t rt_map_lookup_elem(struct shm_map *m, const void *key)
{
	uint32_t slot = map_is_percpu(m) ? my_slot() : 0;

	if (map_is_array(m))
		return (uint64_t)map_array_lookup(m, key, slot);
	if (map_is_hash(m))
		return (uint64_t)rt_hash_value(m, key, slot);
	return 0;
}

uint64_t rt_map_lookup_percpu_elem(struct shm_map *m, const void *key, uint32_t cpu)
{
	if (cpu >= SHM_MAX_THREADS || !map_is_percpu(m))
		return 0;
	if (m->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		return (uint64_t)map_array_lookup(m, key, cpu);
	return (uint64_t)rt_hash_value(m, key, cpu);
}

uint64_t rt_map_update_elem(struct shm_map *m, const void *key, const void *value, uint64_t flags)
{
	const struct rt_thread *t;
	uint32_t slot;

	if (m->map_flags & BPF_F_RDONLY_PROG)
		return RT_ERR(EPERM);
	t = rt_self();
	slot = t ? t->slot : 0;
	if (map_is_array(m))
		return (uint64_t)(int64_t)map_array_update(m, key, value, flags, slot);
	if (map_is_hash(m))
		return (uint64_t)(int64_t)map_hash_update(m, key, value, flags, slot, rt_owner(t));
	return RT_ERR(EOPNOTSUPP);
}

uint64_t rt_map_delete_elem(struct shm_map *m, const void *key)
{
	if (m->map_flags & BPF_F_RDONLY_PROG)
		return RT_ERR(EPERM);
	if (map_is_array(m))
		return RT_ERR(EINVAL);
	if (map_is_hash(m))
		return (uint64_t)(int64_t)map_hash_delete(m, key, rt_owner(rt_self()));
	return RT_ERR(EOPNOTSUPP);
}
