/*
 * record.h - text of tests/oracle as blocks: one attachment, its results and program runs.
 */
#ifndef RECORD_H
#define RECORD_H

#include "seen.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BLOCK_RESULTS 4

struct block {
	char heading[128]; /* of its section; "" at the top of the file */
	char func[32];
	struct {
		char key[16], value[40];
	} result[BLOCK_RESULTS];
	unsigned nresults, nruns;
	struct record run[24]; /* past holds the code, ip nothing */
};

/* The next block with at least one program run; false at the end. */
bool block_next(FILE *f, struct block *b);

/* Slot types of a function and of its result, a letter each: see type_cast(). NULL: unknown. */
const char *func_types(const char *func, char *ret);

/*
 * A slot as its C type, extended to 64 bits: l L i I s S b B are signed and unsigned of 8, 4,
 * 2, 1 bytes; '*' an address: only whether there is one; '-' nothing.
 */
uint64_t type_cast(uint64_t v, char type);

#endif
