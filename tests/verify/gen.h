/*
 * gen.h - random programs for the verifier: most are right, many are nearly so.
 *
 * A program is made of what tracing programs are made of: arithmetic, comparisons, bounds checks
 * of an index before it is used, the stack with spills and indices, elements of maps, records of a
 * ring, bounded loops, functions.  Bounds are at times off by one; of every second program a field
 * or two of some instruction are changed afterwards.  The same seed gives the same program.
 *
 * Maps are named by number, LDDW src 1 with imm 0..GEN_MAPS-1; the context has GEN_SLOTS words.
 */
#ifndef TESTS_VERIFY_GEN_H
#define TESTS_VERIFY_GEN_H

#include <linux/bpf.h>
#include <stdint.h>

enum { GEN_ARRAY, GEN_HASH, GEN_RING, GEN_MAPS };

#define GEN_VALUE_BYTES 48 /* of both maps' values; keys have 4 */
#define GEN_ENTRIES     4
#define GEN_RING_BYTES  4096
#define GEN_SLOTS       12
#define GEN_MAX_INSNS   2000

/* Returns the number of instructions. */
int gen_program(uint64_t seed, struct bpf_insn *out);

#endif
