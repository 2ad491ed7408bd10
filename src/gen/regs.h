/*
 * gen/regs.h - eBPF registers by their short names, for files that write programs.
 *
 * Apart from writer.h, since x86/asm.h has an R8 too.
 */
#ifndef GEN_REGS_H
#define GEN_REGS_H

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

#endif
