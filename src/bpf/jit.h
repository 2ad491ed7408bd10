/*
 * bpf/jit.h - what jit.c (frames, calls, bodies) and jit_insn.c (instructions) share.
 *
 * Registers
 *   R0 rax   R1 rdi   R2 rsi   R3 rdx   R4 rcx   R5 r8   the SysV argument registers
 *   R6 rbx   R7 r12   R8 r13   R9 r14                    saved by who uses them
 *   R10                                                  rbp - FRAME_FIXED, no register
 *   scratch  r9 r10 r11, within one BPF instruction
 *
 * Frame of a subprogram (none if it uses neither r6-r10 nor calls)
 *   rbp + 8              return address
 *   rbp + 0              caller's rbp
 *   rbp - 48 .. -8       fixed slots (x86/frame.h): rbx r12 r13 r14 where used
 *   rbp - 48 - stack ..  the program's stack; R10 points at its end
 *   rsp                  16-byte aligned
 *
 * Context  [ctl]
 */
#ifndef BPF_JIT_H
#define BPF_JIT_H

#include "bpf/engine.h"

#define JIT_NO_LABEL UINT32_MAX

struct jit {
	struct x86_asm *a;
	const struct program *p;
	const struct engine_env *env;
	uint64_t cookie;
	const struct tramp_env *tramp; /* NULL: a plain function */

	x86_label *sub;    /* by subprogram */
	x86_label *target; /* by instruction, JIT_NO_LABEL: no jump leads there */
	uint32_t cur;      /* subprogram being emitted */
	uint32_t at;       /* instruction being emitted */
	bool frame;        /* it has one */
	x86_regset saved;  /* callee-saved registers in their fixed slots */
	int r1_map;        /* r1 is program->map[r1_map]; -1: not known */
};

/* jit_insn.c: the instruction at j->at. */
void jit_insn(struct jit *j);

/* jit.c */
void jit_call(struct jit *j, const struct bpf_insn *i);
void jit_exit(struct jit *j);

#endif
