/*
 * verify_progs.h - programs that are hard on the verifier, by family.
 *
 * Branchy ones have about 1,000 instructions; behind them are those that must end soon, by a
 * verdict or as too complex.
 */
#ifndef BENCH_VERIFY_PROGS_H
#define BENCH_VERIFY_PROGS_H

#include <stdint.h>

#define PROGS_BRANCHY 1000
#define PROGS_MOST    1000000
#define PROGS_MAP     0 /* LDDW's number of the map: an array, keys of 4 bytes, values of 64 */

struct bpf_insn;

struct progs_family {
	const char *name;
	void (*make)(void);
};

extern const struct progs_family progs_families[]; /* ends with a NULL name */

/* The number of instructions; `to` has room for PROGS_MOST. */
uint32_t progs_make(const struct progs_family *f, struct bpf_insn *to);

#endif
