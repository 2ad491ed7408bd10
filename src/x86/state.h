/*
 * x86/state.h - rax, and if asked for the status flags, on the stack and back.
 *
 * For code that has neither a frame nor a free register yet: it pushes one word, or two, and
 * says so in the frame states (x86/frame.h).  Between the two rax and the flags are free.
 *
 * Flags: lahf has all but OF, which setcc puts into al; adding 127 to al brings it back, since
 * that overflows for 1 and not for 0.  DF is not among them.
 *
 * Errors   the assembly's sticky error
 * Context  [ctl] emits; what it emits is [probe]
 * Spec     SDM volume 2, LAHF, SAHF (in 64-bit mode: CPUID.80000001H:ECX.LAHF-SAHF)
 */
#ifndef X86_STATE_H
#define X86_STATE_H

#include "x86/asm.h"

#include <stdbool.h>

/* From an entry's state on: CFA = rsp + 8. */
void x86_push_state(struct x86_asm *a, bool flags);
void x86_pop_state(struct x86_asm *a, bool flags);

/* How many words lie on the stack between the two. */
#define X86_STATE_WORDS(flags) ((flags) ? 2 : 1)

/* The flags alone: rax holds them then. */
void x86_flags_to_rax(struct x86_asm *a);
void x86_flags_from_rax(struct x86_asm *a);

#endif
