/*
 * world.h - what the programs of gen.h run in: an arena, their maps, a context of numbers.
 *
 * world_make() ends the test where it cannot be had.
 */
#ifndef TESTS_VERIFY_WORLD_H
#define TESTS_VERIFY_WORLD_H

#include "bpf/verify.h"

#include "gen.h"

extern struct arena *world_arena;
extern struct map *world_map[GEN_MAPS];
extern const struct ctx_desc world_ctx; /* as in a raw tracepoint */

void world_make(void);

struct program_attr world_attr(const struct bpf_insn *insn, int n);

#endif
