/*
 * What BPF's arithmetic and conditional jumps do to numbers of any width, for tests of what
 * src/bpf/range.h says of them: written after RFC 9669 sections 4.1 and 4.3, with the product's
 * code not looked at.  Numbers are zero above the width (1..64 bits).
 */
#ifndef UNIT_RANGEREF_H
#define UNIT_RANGEREF_H

#include "bpf/tnum.h"

#include <stdbool.h>
#include <stdint.h>

struct ref_op {
	const char *name;
	uint8_t op; /* BPF_OP() */
	int off;
};

/* All arithmetic but BPF_MOV and BPF_END; all conditional jumps (off unused). */
#define REF_NALU 14
#define REF_NJMP 11
extern const struct ref_op ref_alus[REF_NALU];
extern const struct ref_op ref_jumps[REF_NJMP];

uint64_t ref_alu(const struct ref_op *op, uint64_t a, uint64_t b, unsigned width);
bool ref_jump(const struct ref_op *op, uint64_t a, uint64_t b, unsigned width);

uint64_t ref_mask(unsigned width);
int64_t ref_signed(uint64_t value, unsigned width);

/* The nth of the 3^k tnums of k bits: by digits 0, 1, 2 = unknown.  And 3^n. */
struct tnum ref_tnum(unsigned n);
unsigned ref_power3(unsigned n);

/* The next random number (splitmix64). */
uint64_t ref_random(uint64_t *state);

#endif
