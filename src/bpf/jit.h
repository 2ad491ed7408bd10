/*
 * bpf/jit.h - what jit.c (frames, calls, bodies) and jit_insn.c (instructions) share.
 *
 * Registers
 *   R0 rax   R1 rdi   R2 rsi   R3 rdx   R4 rcx   R5 r8   the SysV argument registers
 *   R6 rbx   R7 r12   R8 r13   R9 r14                    saved by who uses them
 *   R10                                                  rbp + fp, no register
 *   scratch  r9 r10 r11, within one BPF instruction
 *   r15      of programs with tail calls and those that they jump to: struct jit_hit
 *
 * Frame of a subprogram (none if it uses neither r6-r10 nor calls)
 *   rbp + 8              return address
 *   rbp + 0              caller's rbp
 *   rbp - 48 .. -8       fixed slots (x86/frame.h): rbx r12 r13 r14 where used; in that of
 *                        the tag, which programs have not, the budget of may_goto
 *   rbp - 48 - stack ..  the program's stack; R10 points at its end
 *   rsp                  16-byte aligned
 *
 * A program that stands at its call site has its stack in the trampoline's frame, in facts.room, and what
 * it changes of rbx and r12-r14 is the trampoline's to keep.
 *
 * Context  [ctl]
 */
#ifndef BPF_JIT_H
#define BPF_JIT_H

#include "bpf/engine.h"
#include "x86/frame.h"

#include <stddef.h>

#define JIT_NO_LABEL  UINT32_MAX
#define JIT_MAX_TAILS 33 /* MAX_TAIL_CALL_CNT, include/linux/bpf.h */

/*
 * What programs of one hit share when some jump to others.  It lies in the frame of the stub that
 * the first is entered by, which saves r15 for all of them.
 */
struct jit_hit {
	uint64_t tails;    /* tail calls made */
	uint64_t cookie;   /* of the attachment */
	uint64_t ret, rbp; /* where return address and rbp of the hit lie; 0: in no trampoline */
	uint64_t lowest;   /* rsp may be there when a tail call is made, no lower */
	uint64_t pad;
};
#define JIT_BUDGET FRAME_OFF_TAG /* from rbp: 4 bytes, if the subprogram has a may_goto */

struct jit {
	struct x86_asm *a;
	const struct program *p;
	const struct engine_env *env;
	uint64_t cookie;
	const struct tramp_env *tramp;       /* NULL: a plain function */
	uint64_t homed[BODY_MAX_SLOTS / 64]; /* slots that are read where tramp->home has them */

	x86_label *sub;    /* by subprogram */
	x86_label *target; /* by instruction, JIT_NO_LABEL: no jump leads there */
	uint32_t cur;      /* subprogram being emitted */
	uint32_t at;       /* instruction being emitted */
	bool frame;        /* it has one */
	bool tailed;       /* entered by a tail call: what is known of the hit is in r15's */
	int32_t fp;        /* R10 is rbp + fp */
	bool in_line;      /* at the call site: goes on at end instead of returning */
	x86_label end;
	x86_regset saved; /* callee-saved registers in their fixed slots */
	int r1_map;       /* r1 is program->map[r1_map]; -1: not known */
};

#define JIT_SCRATCH ((x86_regset)(X86_REG(R9) | X86_REG(R10) | X86_REG(R11)))

/* jit_insn.c: the instruction at j->at; the three of jit_inline_fuses(). */
void jit_insn(struct jit *j);
void jit_fused(struct jit *j);

/* jit_fault.c: a load from where there may be no memory; what it takes when it is a call. */
void jit_load_stray(struct jit *j, const struct bpf_insn *i, enum x86_width w, struct x86_mem from);
bool jit_calls_to_load(const struct program *p, const struct engine_env *env);

enum x86_gpr jit_reg(unsigned r);                 /* of R0-R9 */
bool jit_takes_scratch(const struct bpf_insn *i); /* changes JIT_SCRATCH, or some of it */

/* jit_ctx.c: arguments and results that lie elsewhere than in ctx. */
void jit_find_homes(struct jit *j);                          /* fills homed */
bool jit_load_home(struct jit *j, const struct bpf_insn *i); /* false: load it from ctx */

/*
 * Each function that a program is attached to has its copy of what stands at the call site: a slab must
 * hold those of 26,000 functions (tests/whole, cc1).  Of 64, it did not.
 */
#define JIT_INLINE_MAX_INSNS 48

/*
 * jit_inline.c.  A program that may stand at its call site has one function, and calls nothing that
 * calls it back.  There the JIT
 *   fuses  a load, an addition and a store of the same word into one instruction;
 *   drops  what is computed and not used, a result that nobody asks for included.
 * One step: but for what is its own, ctx and registers, it reads or changes memory in one
 * instruction of the hardware or none.  So whatever interrupts it comes before it or after
 * it, and if that runs the program, too, nobody can tell: it needs no recursion guard.
 * homed: slots of which loads need no ctx, NULL: none.  The more there are, the less is wanted and the
 * more is dropped.
 */
bool jit_may_inline(const struct program *p);
bool jit_inline_fuses(const struct program *p, uint32_t at);
bool jit_inline_drops(const struct program *p, uint32_t at, const uint64_t *homed);
bool jit_inline_wants_ctx(const struct program *p, const uint64_t *homed);
bool jit_inline_one_step(const struct program *p);
x86_regset jit_inline_clobbers(const struct program *p, const struct engine_env *env);
bool jit_inline_calls(const struct program *p, const struct engine_env *env); /* real calls */

/* jit_helper.c; map: what r1 is known to be, or NULL. */
void jit_helper(struct jit *j, uint32_t id);
x86_regset jit_helper_clobbers(const struct program *p, const struct engine_env *env, uint32_t id,
			       const struct map *map);

/* jit_iter.c: a kfunc of bpf_iter_num, r1-r3 in rdi rsi rdx; -ENOTSUP it is none of them. */
void jit_iter_num(struct x86_asm *a, uint32_t id);

/* jit_tail.c: the stub; bpf_tail_call; r8 and r9 = where return address and rbp of the hit lie. */
void jit_tail_stub(struct jit *j, x86_label body);
void jit_tail_call(struct jit *j);
void jit_tailed_frame(struct jit *j);
#define JIT_HIT(field) X86_MEM(R15, (int32_t)offsetof(struct jit_hit, field))

/* jit.c */
void jit_leave(struct jit *j); /* back to how it was at the function's entry */
void jit_call(struct jit *j, const struct bpf_insn *i);
void jit_exit(struct jit *j);

#endif
