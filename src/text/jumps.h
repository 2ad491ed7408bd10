/*
 * text/jumps.h - where the computed jumps of a module's functions can go.
 *
 * A jump through memory, or through a register that was loaded from memory, goes where a
 * pointer says; pointers to code are constants of the file (relocations, symbols, lea,
 * words of data), which the sweep marks.  A register that was *computed* goes elsewhere: to
 * an entry of a table of differences, as compilers make of a switch:
 *
 *     lea table(%rip), %rdx;  movslq (%rdx,%rax,4), %rax;  add %rdx, %rax;  jmp *%rax
 *
 * Tables are known by their first entry: an address that is named rip-relatively, where 32
 * bits plus that address lie in the same function.  Whatever computes a jump otherwise (an
 * offset from a label, a call's return address) leaves its function `open`: it may go
 * anywhere in it.
 *
 * Too many marks cost refusals, a missed one could cost the target's life: so a table is
 * read until an entry leaves the code, not until some bound found by analysis.
 *
 * For text/sweep.c only.
 *
 * Errors   -ENOMEM
 * Memory   jumps_fini() frees
 * Context  [ctl]
 */
#ifndef TEXT_JUMPS_H
#define TEXT_JUMPS_H

#include "base/vec.h"
#include "text/sweep.h"
#include "x86/insn.h"

#define JUMPS_BACK 32 /* instructions looked at before a jump */

struct jump_table {
	taddr_t at, base; /* an entry is its target less base, the table itself mostly */
	struct taddr_range func;
};

struct jumps {
	/* what can be read: code and data, each by address */
	const struct sweep_code *code, *data;
	size_t ncode, ndata;
	bool fixed; /* not relocatable: immediates and displacements may be addresses */

	/* the part of a function that is being read */
	taddr_t back[JUMPS_BACK]; /* a ring of its last instructions */
	unsigned nback;
	struct {
		VEC(taddr_t);
	} operand; /* addresses that instructions name: of tables, of labels */
	bool by_reg, loads_entry;
	bool computed; /* a jump whose register is computed in no known way */
	bool by_table; /* one that is the sum of a table's entry and something */
	bool perhaps;  /* one that goes by what comes from out of sight, or the stack */

	struct {
		VEC(struct jump_table);
	} table;
	struct {
		VEC(struct taddr_range);
	} open; /* ascending */
};

void jumps_begin(struct jumps *j);
/* The instruction at `at`, whose bytes lie at code. */
int jumps_insn(struct jumps *j, const struct x86_insn *in, taddr_t at);
void jumps_gap(struct jumps *j); /* a byte that does not decode */
int jumps_end(struct jumps *j, struct taddr_range part);

/* Give every entry of every table to mark(); after the last part. */
void jumps_evaluate(struct jumps *j, void (*mark)(void *arg, taddr_t target), void *arg);
void jumps_fini(struct jumps *j); /* all but open */

#endif
