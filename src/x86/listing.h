/*
 * x86/listing.h - code as text for a reader: labels, instructions, what the operands mean.
 *
 * Knows instructions and a list of names; what a frame offset means is the caller's to say.
 * Branch targets inside the code that nobody named are L1, L2, ... in the order of their
 * addresses, so that the text of the same code elsewhere differs by addresses alone.
 *
 * Errors   -ENOMEM
 * Memory   a line's strings live until the callback returns
 * Context  [ctl] any thread
 */
#ifndef X86_LISTING_H
#define X86_LISTING_H

#include "base/types.h"
#include "x86/insn.h"

#include <stddef.h>

/* An address by name; size 0: this address only, else "NAME + 8" for what lies inside. */
struct x86_name {
	taddr_t at;
	uint64_t size;
	const char *text;
};

/* Words of data, 8 bytes each: [lo, hi). */
struct x86_data {
	taddr_t lo, hi;
};

struct x86_listing {
	const uint8_t *code;
	size_t n;
	taddr_t pc0; /* where code[0] runs */
	const struct x86_name *name;
	size_t nnames;
	taddr_t quad;                /* an 8-byte word of data stands there; 0: none */
	const struct x86_data *data; /* more of them */
	size_t ndata;
	/* what else there is to say of an instruction: into out, or nothing; NULL: never */
	void (*note)(void *arg, taddr_t pc, const struct x86_insn *insn, char *out, size_t cap);
	void *arg;
};

struct x86_line {
	taddr_t pc;
	const uint8_t *bytes;
	size_t len;          /* of one instruction, of the word, of a run of int3 */
	const char *label;   /* every name of this address, ", " between them; NULL: none */
	const char *text;    /* Intel syntax; "(bad)" for a byte that is no instruction */
	const char *comment; /* NULL: none */
};

/* fn returning not 0 stops, and is returned. */
int x86_list(const struct x86_listing *l, int (*fn)(void *ctx, const struct x86_line *line),
	     void *ctx);

#endif
