/*
 * bpf/interp_body.c - see interp.h: a program that is interpreted, for a trampoline.
 *
 *   rdi            ctx, as the call site left it
 *   rbp + 8        return address
 *   rbp + 0        the trampoline's rbp
 *   rbp - depth .. the program's stack, all functions' of the deepest chain; R10 begins as rbp
 *   rsp ..         struct interp_frame, as many as calls can be open; 16-byte aligned
 *
 * The program's stack is not cleared, as the JIT's is not.
 *
 * Context  [ctl]; what is emitted runs in [probe]
 */
#include "bpf/check.h"
#include "bpf/engine.h"
#include "bpf/interp.h"
#include "x86/frame.h"

#include <errno.h>
#include <stdlib.h>

#define STUB_STACK 16 /* return address and rbp */

/* Along the deepest chain; a program that jumps to others may have as many below. */
static uint32_t callbacks_stack(const struct program *p)
{
	uint32_t own[CHECK_MAX_SUBPROGS];

	for (uint32_t s = 0; s < p->nsub; s++)
		own[s] = p->sub[s].callback ? INTERP_CALLBACK : 0;
	return check_chain(p, own, EDGE_CALL | EDGE_CALLBACK) +
	       (p->tails ? PROGRAM_MAX_CALLS * INTERP_CALLBACK : 0);
}

uint32_t interp_stack_bytes(const struct program *p)
{
	uint32_t helpers = p->tails ? FACTS_STACKID_STACK : facts_helper_stack(&p->facts);

	return STUB_STACK + interp_room(p->stack_depth, interp_frames(p)) + INTERP_STACK +
	       callbacks_stack(p) + helpers;
}

void interp_emit_image(const struct program *p, const struct engine_env *env, struct x86_asm *a)
{
	size_t n = interp_image_size(p);
	void *image = malloc(n);

	if (image) {
		interp_image_write(p, env, x86_pc(a), image);
		x86_bytes(a, image, n);
	} else {
		x86_fail(a, -ENOMEM);
	}
	free(image);
}

void interp_emit(const struct program *p, const struct engine_env *env, const struct tramp_env *t,
		 struct x86_asm *a)
{
	uint32_t room = interp_room(p->stack_depth, interp_frames(p));
	uint8_t state = a->frame_state;
	x86_label image = x86_label_new(a);

	x86_bind(a, t->entry);
	x86_frame(a, FRAME_CFA(0));
	x86_push(a, RBP);
	x86_frame(a, FRAME_CFA_RBP(1));
	x86_mov_rr(a, RBP, RSP);
	x86_frame(a, FRAME_RBP);
	if (room)
		x86_alu_ri(a, X86_SUB, X86_Q, RSP, (int32_t)room);
	x86_lea_label(a, RSI, image);
	x86_mov_rr(a, RDX, RBP);
	x86_mov_ri(a, RCX, t->cookie);
	x86_lea(a, R8, X86_MEM(RDI, t->ret - t->ctx));
	x86_lea(a, R9, X86_MEM(RDI, -t->ctx));
	x86_call_to(a, env->interp, R11);
	x86_leave(a);
	x86_frame(a, FRAME_CFA(0));
	x86_ret(a);
	x86_int3_to(a, 8);
	x86_bind(a, image);
	interp_emit_image(p, env, a);
	x86_frame(a, state);
}
