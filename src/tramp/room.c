/*
 * tramp/room.c - what an image does before anything else: look for stack, keep the flags.
 *
 * A slot lets a call through to the image if what spec.stack grants is left (text/slot.h); an
 * image that takes more looks for itself, by the same words of the thread, and passes the
 * call on untraced and counted.  On other stacks, or if bounds are not known, it runs.
 *
 * Context  [ctl] emits; what it emits is [probe]
 */
#include "tramp/parts.h"

#include "x86/frame.h"
#include "x86/state.h"

/* The caller's rbp, the frame, the alignment of what runs or lies below it; or the copied arguments. */
uint32_t parts_bytes(const struct tramp_plan *p)
{
	uint32_t below = parts_shows_x87(p) ? PARTS_FXSAVE : 0,
		 frame = p->frame > p->down ? p->frame : p->down;

	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < p->spec->list[k].n; i++) {
			uint32_t n = p->spec->list[k].prog[i].body->facts.stack_bytes;

			below = n > below ? n : below;
		}
	}
	frame += below + 16;
	return 8 + (frame > (uint32_t)-p->out ? frame : (uint32_t)-p->out);
}

void parts_room(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct tramp_stack *stack = &p->spec->stack;
	x86_label runs = x86_label_new(a);

	if (!p->need)
		return;
	x86_push_state(a, p->keep_flags);
	x86_lea(a, RAX, X86_MEM(RSP, -(int32_t)(p->need + stack->left)));
	x86_cmp_fs(a, RAX, stack->lo);
	x86_jcc(a, X86_NC, runs);
	x86_cmp_fs(a, RSP, stack->lo);
	x86_jcc(a, X86_C, runs);
	x86_mov_ri(a, RAX, stack->missed);
	x86_lock_inc_m(a, X86_Q, X86_MEM(RAX, 0));
	x86_pop_state(a, p->keep_flags);
	parts_resume(a, p->spec);
	x86_bind(a, runs);
	x86_frame(a, FRAME_CFA(X86_STATE_WORDS(p->keep_flags)));
	x86_pop_state(a, p->keep_flags);
}

static struct x86_mem flags(const struct tramp_plan *p)
{
	return X86_MEM(p->frameless ? RSP : RBP, p->flags);
}

void parts_save_flags(struct x86_asm *a, const struct tramp_plan *p)
{
	if (!p->keep_flags)
		return;
	x86_flags_to_rax(a);
	x86_store(a, X86_Q, flags(p), RAX);
}

void parts_restore_flags(struct x86_asm *a, const struct tramp_plan *p)
{
	if (!p->keep_flags)
		return;
	x86_load(a, X86_Q, RAX, flags(p));
	x86_flags_from_rax(a);
}
