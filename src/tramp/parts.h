/*
 * tramp/parts.h - what the emitters of both layouts share; private to tramp/.
 *
 * Context  [ctl]
 */
#ifndef TRAMP_PARTS_H
#define TRAMP_PARTS_H

#include "tramp/tramp.h"

#define PARTS_FXSAVE (512 + 16) /* with what aligns it */

static inline struct x86_mem at(int32_t off)
{
	return X86_MEM(RBP, off);
}

static inline struct x86_mem slot(const struct tramp_plan *p, unsigned i)
{
	return at(p->ctx + 8 * (int32_t)i);
}

static inline struct x86_mem home(const struct tramp_plan *p, enum x86_gpr r)
{
	return X86_MEM(p->frameless ? RSP : RBP, tramp_plan_home(p, r));
}

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

/* -- slots.c: the context, and results ----------------------------------- */

/*
 * Where the slots lie that programs of this kind may read without ctx.  As long as nothing is laid
 * out, only whether there is a place.
 */
void parts_homes(const struct tramp_plan *p, unsigned kind, struct body_home *home);

/* Of a vector that one register holds: how many slots a store fills; 0: no program reads any. */
unsigned parts_wide_slots(const struct tramp_plan *p, const struct fm_value *v);

/* A program's 64-bit value cannot be this result: only utramp_set_result() replaces it. */
bool parts_wordless(const struct fm_value *ret);

void parts_fill_ctx(struct x86_asm *a, const struct tramp_plan *p);
/* ctx[-1] as the program about to run sees it; rax is free. */
void parts_put_word(struct x86_asm *a, const struct tramp_plan *p, unsigned kind, unsigned cookie);

/* Behind the call of the original, once registers are saved; x87 first, with rsp = rbp + bottom. */
bool parts_shows_memory(const struct tramp_plan *p);
bool parts_shows_x87(const struct tramp_plan *p);
void parts_show_x87(struct x86_asm *a, const struct tramp_plan *p, int32_t bottom);
void parts_show_result(struct x86_asm *a, const struct tramp_plan *p);

/* The function was skipped: its result is what the result slots say, or lies in memory. */
void parts_skipped(struct x86_asm *a, const struct tramp_plan *p);

/* Fill the slots of an argument of which pieces tell, or that is gone; false: it is neither. */
bool parts_show_pieces(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v);

#endif
