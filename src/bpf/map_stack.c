/*
 * bpf/map_stack.c - stack trace maps: creation, and bpf(2)'s operations on their ids.
 *
 * Errors   see bpf/map.h;  update: -EINVAL, as in the kernel
 * Context  [ctl]
 * Spec     Linux kernel/bpf/stackmap.c
 */
#include "bpf/map_priv.h"

#include "rt/rt.h"

#include <errno.h>
#include <string.h>

#define STACK_FLAGS ((uint32_t)(BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY))
#define MAX_DEPTH   127 /* kernel.perf_event_max_stack */

int map_stack_check(const struct map_attr *at, struct diag *d)
{
	if (at->flags & BPF_F_STACK_BUILD_ID)
		return diag_set(
			d, -ENOTSUP,
			"map %s: BPF_F_STACK_BUILD_ID is not supported: build ids are found "
			"by who reads the addresses",
			at->name);
	if (at->flags & ~STACK_FLAGS)
		return diag_set(d, -EINVAL, "map %s: flags %#x do not exist for type stack_trace",
				at->name, at->flags & ~STACK_FLAGS);
	if (at->key_size != 4)
		return diag_set(d, -EINVAL, "map %s: a stack_trace's key has 4 bytes, not %u",
				at->name, at->key_size);
	if (!at->max_entries || at->value_size < 8 || at->value_size % 8 ||
	    at->value_size / 8 > MAX_DEPTH)
		return diag_set(
			d, -EINVAL,
			"map %s: a stack_trace has max_entries above 0 and values of 1 to %u "
			"addresses, not %u bytes",
			at->name, MAX_DEPTH, at->value_size);
	if (at->max_entries > 1u << 31)
		return diag_set(d, -E2BIG, "map %s: max_entries %u is too large", at->name,
				at->max_entries);
	return 0;
}

uint32_t map_stack_stride(const struct map_attr *at)
{
	return (uint32_t)sizeof(struct shm_stack) + at->value_size;
}

uint64_t map_stack_size(const struct map_attr *at)
{
	return (uint64_t)SHM_STACK_BUCKETS(at->max_entries) * map_stack_stride(at);
}

static uint32_t id_of(const void *key)
{
	uint32_t id;

	memcpy(&id, key, sizeof(id));
	return id;
}

/* NULL: there is no such id. */
static struct shm_stack *bucket_of(const struct map *m, uint32_t id)
{
	if (id >= SHM_STACK_BUCKETS(m->attr.max_entries))
		return NULL;
	return (struct shm_stack *)(void *)((char *)m->values +
					    (uint64_t)id * map_stack_stride(&m->attr));
}

static int read_stack(const struct map *m, uint32_t id, uint64_t *pc)
{
	const struct shm_stack *s = bucket_of(m, id);

	return s ? rt_stack_read(s, pc, m->attr.value_size / 8) : 0;
}

int map_stack_lookup(struct map *m, const void *key, void *value)
{
	uint64_t pc[MAX_DEPTH];
	int n = read_stack(m, id_of(key), pc);

	if (!n)
		return -ENOENT;
	memset(value, 0, m->attr.value_size);
	memcpy(value, pc, 8u * (unsigned)n);
	return 0;
}

int map_stack_delete(struct map *m, const void *key)
{
	struct shm_stack *s = bucket_of(m, id_of(key));

	return s ? rt_stack_delete(m->shm, s) : -E2BIG;
}

/* The kernel begins anew at a key whose stack is gone. */
int map_stack_next_key(struct map *m, const void *key, void *next)
{
	uint32_t n = SHM_STACK_BUCKETS(m->attr.max_entries), id = key ? id_of(key) : n;
	uint64_t pc[MAX_DEPTH];

	id = id < n && read_stack(m, id, pc) ? id + 1 : 0;
	while (id < n && !read_stack(m, id, pc))
		id++;
	if (id >= n)
		return -ENOENT;
	memcpy(next, &id, sizeof(id));
	return 0;
}
