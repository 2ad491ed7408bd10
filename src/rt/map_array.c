/*
 * rt/map_array.c - arrays and per-CPU arrays; see rt.h.
 *
 * Context  [probe] [ctl] lock-free
 * Spec     kernel/bpf/arraymap.c for the errors
 */
#include "rt/probe.h"

void *map_array_lookup(struct shm_map *m, const void *key, uint32_t slot)
{
	uint64_t index = 0;

	__builtin_memcpy(&index, key, 4);
	if (index >= m->max_entries)
		return NULL;
	if (m->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		index += (uint64_t)slot * m->max_entries;
	return (char *)rt_map_at(m, m->values) + index * m->value_stride;
}

/* Words are copied whole where the value has whole words, as a racing reader expects. */
int map_array_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		     uint32_t slot)
{
	void *to;

	if (flags > BPF_EXIST)
		return -EINVAL;
	to = map_array_lookup(m, key, slot);
	if (!to)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	rt_copy(to, value, m->value_size);
	return 0;
}
