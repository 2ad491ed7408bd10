/*
 * storm_victim.h - the victim and its assembler half: registers across a call.
 */
#ifndef STRESS_STORM_VICTIM_H
#define STRESS_STORM_VICTIM_H

/* Indices of 8 bytes each: the general registers that leaf() leaves alone, rax, xmm0-15. */
#define REG_RDI 0
#define REG_RSI 1
#define REG_RAX 8
#define REG_XMM 9
#define REGS    (REG_XMM + 32)

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Loads the registers from in (rax excepted), calls leaf(), stores them to out. */
void regs_call(const uint64_t *in, uint64_t *out);
#endif

#endif
