/*
 * randprog.h - random eBPF programs that end and whose result is defined.
 *
 * Everything that is read was written before; forward jumps go anywhere, backward ones
 * burn a fuel register; addresses of the stack never reach the result.  The same seed
 * gives the same program.
 */
#ifndef TESTS_RANDPROG_H
#define TESTS_RANDPROG_H

#include "asmtext.h"

#include <stdint.h>

#define RANDPROG_MEM 256 /* bytes that a program may use at mem, 8-byte aligned */

struct rand {
	uint64_t s;
	const uint8_t *bytes; /* choices come from here first: libFuzzer's input */
	size_t nbytes;
};

uint32_t rand_next(struct rand *r);
static inline uint32_t rand_below(struct rand *r, uint32_t n)
{
	return rand_next(r) % n;
}
uint64_t rand_value(struct rand *r); /* corners of the widths, or anything */

/* helper: id of a function of five arguments.  Returns the number of instructions. */
int randprog_make(struct rand *r, void *mem, int helper, struct bpf_insn *out, int cap);

#endif
