/*
 * x86/state.c - see state.h.
 */
#include "x86/state.h"

#include "x86/frame.h"

void x86_flags_to_rax(struct x86_asm *a)
{
	x86_lahf(a);
	x86_setcc(a, X86_O, RAX);
}

void x86_flags_from_rax(struct x86_asm *a)
{
	x86_alu_ri(a, X86_ADD, X86_B, RAX, 127);
	x86_sahf(a);
}

void x86_push_state(struct x86_asm *a, bool flags)
{
	x86_frame(a, FRAME_CFA(0));
	x86_push(a, RAX);
	x86_frame(a, FRAME_CFA(1));
	if (!flags)
		return;
	x86_flags_to_rax(a);
	x86_push(a, RAX);
	x86_frame(a, FRAME_CFA(2));
}

void x86_pop_state(struct x86_asm *a, bool flags)
{
	if (flags) {
		x86_pop(a, RAX);
		x86_frame(a, FRAME_CFA(1));
		x86_flags_from_rax(a);
	}
	x86_pop(a, RAX);
	x86_frame(a, FRAME_CFA(0));
}
