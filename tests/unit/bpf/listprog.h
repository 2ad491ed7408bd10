/*
 * listprog.h - any bytes as an eBPF program that ends and whose result is defined.
 *
 * Eight bytes choose one unit: one instruction of all that there are, its registers, offset and
 * immediate as they stand, with what makes it safe around it.  A base register is loaded
 * so that its offset, whatever it is, leads into mem; jumps go forward.  randprog.c is for what
 * this has not: loops, local calls.
 */
#ifndef TESTS_LISTPROG_H
#define TESTS_LISTPROG_H

#include "asmtext.h"

#include <stdbool.h>
#include <stdint.h>

#define LISTPROG_MEM 256 /* bytes that a program may use at mem, 8-byte aligned */

/*
 * small: what may stand at its call site, so r0-r5, no stack, no calls, at most 64
 * instructions.  Else helper is called with five arguments.
 */
int listprog_make(const uint8_t *bytes, size_t nbytes, bool small, void *mem, int helper,
		  struct bpf_insn *out, int cap);

unsigned listprog_forms(void); /* how many instructions it chooses from */

#endif
