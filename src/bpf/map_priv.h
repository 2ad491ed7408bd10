/* bpf/map_priv.h - what the files of map handles share; see map.h. */
#ifndef BPF_MAP_PRIV_H
#define BPF_MAP_PRIV_H

#include "bpf/map.h"

int map_stack_check(const struct map_attr *at, struct diag *d);
uint32_t map_stack_stride(const struct map_attr *at);
uint64_t map_stack_size(const struct map_attr *at);
int map_stack_lookup(struct map *m, const void *key, void *value);
int map_stack_delete(struct map *m, const void *key);
int map_stack_next_key(struct map *m, const void *key, void *next);

#endif
