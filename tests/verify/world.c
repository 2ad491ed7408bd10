/*
 * world.c - see world.h.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

struct arena *world_arena;
struct map *world_map[GEN_MAPS];

static struct ctx_slot slots[GEN_SLOTS];
const struct ctx_desc world_ctx = { GEN_SLOTS, slots };

static void make(int which, uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	struct map_attr attr = {
		.type = type, .key_size = key, .value_size = value, .max_entries = n, .name = "m"
	};
	struct diag d = { "" };

	if (map_create(world_arena, &attr, &world_map[which], &d)) {
		printf("Bail out! map_create: %s\n", d.text);
		exit(1);
	}
}

void world_make(void)
{
	if (arena_create(&world_arena)) {
		printf("Bail out! no arena\n");
		exit(1);
	}
	for (unsigned k = 0; k < GEN_SLOTS; k++)
		slots[k].bytes = 8;
	make(GEN_ARRAY, BPF_MAP_TYPE_ARRAY, 4, GEN_VALUE_BYTES, GEN_ENTRIES);
	make(GEN_HASH, BPF_MAP_TYPE_HASH, 4, GEN_VALUE_BYTES, GEN_ENTRIES);
	make(GEN_RING, BPF_MAP_TYPE_RINGBUF, 0, 0, GEN_RING_BYTES);
}

static struct map *by_fd(void *arg, int fd)
{
	return fd >= 0 && fd < GEN_MAPS ? world_map[fd] : NULL;
}

struct program_attr world_attr(const struct bpf_insn *insn, int n)
{
	return (struct program_attr){ .kind = PROGRAM_FENTRY,
				      .insn = insn,
				      .ninsns = (uint32_t)n,
				      .arena = world_arena,
				      .map_by_fd = by_fd,
				      .nslots = GEN_SLOTS };
}
