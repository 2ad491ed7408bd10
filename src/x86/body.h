/*
 * x86/body.h - the joint between a trampoline and the program it runs.
 *
 * tramp/ builds frames and calls bodies; bpf/ makes bodies out of programs.  Both
 * include this, neither includes the other.
 *
 * A body is code that emits itself.  It comes in three parts:
 *   emit       the call site, inside the trampoline's frame.  It may clobber what
 *              facts.clobbers names and nothing else, must keep rsp as it finds it
 *              (16-byte aligned unless facts.any_stack), and leaves the program's r0 in
 *              rax, if kind is one that asks for it.  Of ctx there is only what some body's
 *              facts name, without what all read directly and has a home: beside it lies anything.
 *   emit_cold  where the call site jumps in rare cases, behind the trampoline's own code but
 *              in its frame, by the same rules; it jumps back or to skip (may be NULL)
 *   emit_rest  functions the call site calls, placed behind all that (may be NULL).
 *              entry is a label that emit was given too.
 *
 * Memory   a body borrows self; both live until the image is emitted.
 * Errors   through the assembly's sticky error.
 * Context  [ctl]
 */
#ifndef X86_BODY_H
#define X86_BODY_H

#include "x86/asm.h"

#include <stdbool.h>
#include <stdint.h>

#define BODY_MAX_SLOTS 256
#define BODY_COLD      4

/* A set of general registers, one bit each by enum x86_gpr. */
typedef uint16_t x86_regset;
#define X86_REG(r) ((x86_regset)(1u << (r)))

/* rax rcx rdx rsi rdi r8-r11: what a SysV callee may change (psABI 3.2.1). */
#define X86_CALLER_SAVED \
	((x86_regset)(X86_REG(RAX) | X86_REG(RCX) | X86_REG(RDX) | X86_REG(RSI) | X86_REG(RDI) | \
		      X86_REG(R8) | X86_REG(R9) | X86_REG(R10) | X86_REG(R11)))

/*
 * What the generator must know about a body.  Always safe: all reads, all
 * clobbers.  Slots are numbered as the program sees them, ctx[i]; the result
 * slots come after the arguments.
 */
struct body_facts {
	uint64_t reads[BODY_MAX_SLOTS / 64]; /* ctx slots read, bit by slot */
	/*
	 * Of these, slots that are read where tramp_env.home says, if it does: only by loads of 8
	 * bytes, or of their lower 4.
	 */
	uint64_t direct[BODY_MAX_SLOTS / 64];
	bool reads_any;      /* a slot chosen at run time: treat all as read */
	bool ctx_escapes;    /* ctx is handed to a helper or stored: all must be in memory */
	bool reads_ip;       /* ctx[-2] */
	bool reads_count;    /* ctx[-1] */
	bool may_override;   /* calls bpf_override_return */
	bool sets_result;    /* calls utramp_set_result */
	bool session_cookie; /* asks where its session cookie is: ctx[-1] must tell */
	bool sets_errno;     /* calls utramp_set_errno */
	bool any_stack;      /* the call site takes any rsp below the frame, aligned or not */
	bool no_frame;       /* it uses neither the stack nor rbp; has no emit_cold */
	bool may_reenter;    /* needs the recursion guard */
	bool uses_scratch;   /* of the trampoline's frame */
	uint32_t room; /* bytes of the trampoline's frame, a multiple of 8, for the call site */
	uint32_t stack_bytes; /* of the target's stack below the trampoline's frame */
	x86_regset clobbers;  /* general registers the call site may change */
	uint64_t helpers[4];  /* helper ids used, bit by id (below 256) */
};

/*
 * Where a slot's value lies while a body runs, if that is not ctx alone: an argument that is in its
 * register yet, or that was saved, or that the caller put on the stack; a result.
 */
struct body_home {
	uint8_t bytes;      /* that count, 8 or 4; 0: it is in ctx */
	bool is_signed;     /* how 4 bytes become 8 */
	bool in_reg;        /* in reg, which no body of the image changes before; else at mem */
	enum x86_gpr reg;   /* whose upper half is anything, if bytes is 4 */
	struct x86_mem mem; /* based on the trampoline's rbp; without a frame on its rsp */
};

/* Where the trampoline keeps things while a body runs. */
struct tramp_env {
	const struct body_home *home; /* by slot, BODY_MAX_SLOTS; NULL: all are in ctx */
	int32_t ctx;                  /* ctx[0] lies at rbp + ctx */
	int32_t ret;     /* rbp + ret: the caller's return address; its rbp lies at rbp */
	uint64_t cookie; /* of this attachment */
	uint64_t arg;    /* the second argument of a plain function body */
	unsigned kind;   /* enum tramp_kind: TRAMP_FENTRY, ... */
	bool open;       /* a second call site, for tail calls inside a call that is open */
	int32_t scratch; /* rbp + scratch: 8 bytes, if facts.uses_scratch; lost at the next body */
	int32_t room;    /* rbp + room: the lowest of facts.room bytes; lost at the next body */
	x86_label entry; /* for emit and emit_rest of the same body */
	x86_label skip;  /* jump here to leave without a result: rax is ignored (recursion) */
	x86_label cold[BODY_COLD]; /* for emit and emit_cold of one call site, if it has both */
};

struct tramp_body {
	struct body_facts facts;
	void (*emit)(struct x86_asm *a, const struct tramp_env *env, const void *self);
	void (*emit_cold)(struct x86_asm *a, const struct tramp_env *env, const void *self);
	void (*emit_rest)(struct x86_asm *a, const struct tramp_env *env, const void *self);
	uint32_t data; /* so many bytes at the end of what emit_rest emits are no code */
	const void *self;
};

#endif
