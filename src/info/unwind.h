/*
 * info/unwind.h - the frames of a thread that stands still, by its modules' unwind tables.
 *
 * Knows modules and how to ask for a word of memory; not whose threads they are.  Code without
 * tables is passed by frame pointers, as libdwfl does it; where that leads nowhere the walk ends
 * and says so.
 *
 * Errors   -ENOMEM; -EBADMSG from unwind_walk(): the stack's end was not found
 * Memory   unwind_free() frees all; the list of modules is only read while it is made
 * Context  [ctl] nobody is asked for debug files: no server, no other directory
 * Spec     DWARF 5 section 6.4; psABI figure 3.36 (register numbers); elfutils libdwfl.h
 */
#ifndef INFO_UNWIND_H
#define INFO_UNWIND_H

#include "info/maps.h"

#define UNWIND_REGS 17 /* psABI: rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15, return address */

struct unwind;

int unwind_new(pid_t pid, const struct module_list *m, struct unwind **out, struct diag *d);
void unwind_free(struct unwind *u); /* NULL is fine */

/* One walk. */
struct unwind_walk {
	uint64_t reg[UNWIND_REGS];
	int (*read)(void *arg, taddr_t addr, uint64_t *word);
	/*
	 * From the innermost on.  pc lies in the frame's function: of a caller it is one less than
	 * the return address.  Not 0 ends the walk with that.
	 */
	int (*frame)(void *arg, taddr_t pc, unsigned depth);
	void *arg;
};

/* 0 at the stack's end, as its tables tell it; what frame() said; -EBADMSG. */
int unwind_walk(struct unwind *u, const struct unwind_walk *w);

#endif
