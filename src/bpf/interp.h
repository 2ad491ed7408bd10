/*
 * bpf/interp.h - the interpreter's parts: machine and image, what each file of it shares.
 *
 *   interp.c        the reference: what each instruction does.  Built twice, for the control side
 *                   and freestanding for the slab, from the same lines
 *   interp_image.c  a program as the machine reads it, in whatever process it will run
 *   interp_body.c   what a trampoline calls in place of a compiled program
 *   interp_run.c    interp_run() of engine.h
 *   interp_check.c  checked mode: sees every instruction before and after it runs
 *
 * An image is one block of memory without anything outside: header, functions, helpers,
 * instructions; addresses of maps and helpers are put in.  It is read only.
 *
 * Units    instructions are counted in struct bpf_insn, a 64-bit load as two
 * Errors   interp_go(): 0 the program is over; -ELOOP out of fuel; -EOPNOTSUPP a call of what
 *          is not in the image; what watch says, at once.  m->at is the instruction.
 * Memory   none is allocated by interp.c
 * Context  interp.c [ctl] [probe]: no libc, no allocation, general registers only; bounded by the
 *          program and by nothing else.  The others [ctl]
 */
#ifndef BPF_INTERP_H
#define BPF_INTERP_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERP_MAX_CALLS 8 /* frames of one program: PROGRAM_MAX_CALLS */
#define INTERP_MAX_TAILS 33
#define INTERP_STRAY     1 /* imm of a load from where there may be no memory (bpf/facts.c) */
#define INTERP_FRAMES    (INTERP_MAX_CALLS + INTERP_MAX_TAILS) /* some are left by tail calls */

struct interp_sub {
	uint32_t start, stack; /* bytes of stack, as in struct program_subprog */
};

enum {
	INTERP_WALKS = 1 << 0,  /* return address and rbp of the hit are its r5 and r6 */
	INTERP_COOKIE = 1 << 1, /* no call: r0 is the attachment's cookie */
	INTERP_FAILS = 1 << 2,  /* no call: r0 is -EOPNOTSUPP */
	INTERP_LOOPS = 1 << 3,  /* r2 is a function of the program, that takes a number and r3 */
	INTERP_EACH = 1 << 4,   /* the same, that takes a map, a key, a value and r3 */
	INTERP_TAIL = 1 << 5,   /* goes to another program, or does nothing */
};

struct interp_helper {
	uint64_t addr;
	uint32_t id, flags;
};

struct interp_image {
	const struct interp_sub *sub;
	const struct interp_helper *helper; /* only those that are called */
	const struct bpf_insn *insn; /* no map in any 64-bit load, but its address; functions'
					     * addresses are those of their first instructions */
	uint32_t nsub, nhelpers, ninsns;
	int32_t errno_off;               /* as in struct engine_env */
	uint64_t set_result;             /* the same */
	uint64_t tails;                  /* of RT_TAILS images by number, where tail calls go */
	uint32_t own_depth, stack_depth; /* as in struct program */
	uint32_t nframes;                /* calls that can be open in all that it runs */
};

/* A call that is open: where its caller goes on. */
struct interp_frame {
	const struct interp_image *p;
	uint32_t ret, sub, budget;
	uint64_t saved[5]; /* r6-r10 */
};

struct interp;

/* Checked mode.  before may end the run by an error; after sees what came of it. */
struct interp_watch {
	int (*before)(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i);
	void (*after)(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i);
};

struct interp {
	const struct interp_image *p;
	struct interp_watch *watch; /* NULL: unchecked */
	uint64_t r[11];             /* r10: the end of the running function's stack */
	uint64_t cookie;
	uint64_t ret, hit; /* where return address and rbp of the hit lie, or 0 */
	uint64_t fuel;     /* instructions left */
	uint32_t at, sub;  /* instruction that runs, and the function it is in */
	uint32_t depth;
	uint32_t budget;            /* of may_goto, in this call of the function */
	uint32_t tails;             /* tail calls made */
	uint64_t lowest;            /* where the stack ends */
	struct interp_frame *frame; /* of the first image's nframes, or INTERP_FRAMES */
};

/* From m->at to the exit of the outermost function, at most fuel instructions; r0 is m->r[0]. */
int interp_go(struct interp *m, uint64_t fuel);

/*
 * What generated code calls in the target: runs the image with r1 = ctx, on the stack that ends at
 * fp and has room for interp_room() bytes: those of the program, and below them the calls that are
 * open.  ret and hit: as in struct interp.
 */
uint64_t interp_enter(uint64_t ctx, const struct interp_image *p, uint64_t fp, uint64_t cookie,
		      uint64_t ret, uint64_t hit);

struct program;
struct x86_asm;
struct tramp_env;
struct engine_env;
struct interp_opts;
struct diag;

/* The image of p for the process that env describes, to lie at `at`; out: a multiple of 8. */
size_t interp_image_size(const struct program *p);
void interp_image_write(const struct program *p, const struct engine_env *env, uint64_t at,
			void *out);

/*
 * interp_body.c: what stands in a body for a program's own code.  A function that gives ctx to
 * env->interp, and behind it the image.
 */
void interp_emit(const struct program *p, const struct engine_env *env, const struct tramp_env *t,
		 struct x86_asm *a);
uint32_t interp_stack_bytes(const struct program *p); /* body_facts.stack_bytes */
/* The image alone: what prog arrays name in a process that interprets. */
void interp_emit_image(const struct program *p, const struct engine_env *env, struct x86_asm *a);

static inline uint32_t interp_room(uint32_t stack_depth, uint32_t nframes)
{
	return ((stack_depth + 15) & ~15u) + nframes * (uint32_t)sizeof(struct interp_frame);
}

uint32_t interp_frames(const struct program *p); /* interp_image.nframes */

/* Stack of interp_enter() and what it calls, helpers excepted; interp_test.c measures it. */
#define INTERP_STACK    512
#define INTERP_CALLBACK 640 /* each time that a helper calls a function of the program */

/* Checked mode of one run, by interp_run(); the machine is ready to go. */
struct interp_check;
int interp_check_new(const struct program *p, const struct engine_env *env,
		     const struct interp_opts *o, const struct interp *m, struct diag *d,
		     struct interp_check **out);
struct interp_watch *interp_check_watch(struct interp_check *c);
void interp_check_free(struct interp_check *c); /* NULL is fine */

#endif
