/*
 * tramp/parts.h - what the emitters of both layouts share; private to tramp/.
 *
 * Context  [ctl]
 */
#ifndef TRAMP_PARTS_H
#define TRAMP_PARTS_H

#include "tramp/tramp.h"

/* What ctx[-1] says to a program of this kind whose session cookie has this index, or 0. */
uint64_t parts_word(const struct tramp_plan *p, unsigned kind, unsigned cookie);

/* The code of a session program is written for its place in the fentry list. */
bool parts_written_before(unsigned kind, const struct tramp_prog *prog);

/* The label of a program's code; all: one environment per program, in the order of the lists. */
x86_label parts_entry(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
		      const struct tramp_prog *prog, const struct tramp_env *all);

/* What an image does first: tramp/room.c.  bytes: of stack that it takes. */
uint32_t parts_bytes(const struct tramp_plan *p);
void parts_room(struct x86_asm *a, const struct tramp_plan *p);
void parts_resume(struct x86_asm *a, const struct tramp_spec *s);
/* rax is saved already, and lost. */
void parts_save_flags(struct x86_asm *a, const struct tramp_plan *p);
void parts_restore_flags(struct x86_asm *a, const struct tramp_plan *p);

#endif
