/*
 * bpf/shadow.h - checked mode's knowledge beside the machine: what each register and each byte of
 * the stack is.
 *
 * A pointer belongs to one object, which it got when it was made: it may point anywhere, but read
 * or write there only.  A number is no pointer, whatever its value: through it only what
 * interp_opts.range names may be accessed, which is how memory of the target is reached.  The
 * stack remembers what is stored in it: pointers that are stored and loaded whole stay pointers,
 * anything else is a number, also what was never stored.  Other memory is not followed: what is
 * loaded from there is a number.
 *
 *   interp_check.c   the watch of a run: instructions
 *   interp_args.c    arguments and results of helpers and kfuncs
 *   shadow.c         objects, the stack, single accesses
 *
 * Errors   -EFAULT and the reason, with the instruction: what the program must not do
 * Context  [ctl] private to bpf/
 */
#ifndef BPF_SHADOW_H
#define BPF_SHADOW_H

#include "bpf/engine.h"
#include "bpf/interp.h"

enum shadow_type {
	SHADOW_UNSET, /* never set, or died in a call */
	SHADOW_NUMBER,
	SHADOW_CTX,
	SHADOW_STACK,
	SHADOW_MAP, /* the map itself, nothing of which may be accessed */
	SHADOW_VALUE,
	SHADOW_KEY, /* of the map's element that a callback looks at */
	SHADOW_RECORD,
	SHADOW_OWN, /* a word that a kfunc keeps for the program */
};

struct shadow {
	uint8_t type;
	uint32_t index;   /* of the map in program->map; number of the call, of the record */
	uint64_t lo, len; /* the object */
};

#define CTX_BEFORE         16 /* ctx[-2] and ctx[-1] are ctx, too */
#define SHADOW_STACK_BYTES (PROGRAM_MAX_CALLS * PROGRAM_MAX_STACK)
#define SHADOW_RECORDS     64

/* A function that was entered: as many as there are stacks that a pointer can belong to. */
struct shadow_call {
	uint32_t serial;         /* of the call: pointers into its stack have it as index */
	uint64_t lo, fp;         /* its stack */
	struct shadow saved[10]; /* the caller's r6-r9 are of use */
	struct shadow given[6];  /* r1-r5 of its call of a helper that calls back */
	bool callback;           /* called by a helper */
};

struct interp_check {
	struct interp_watch watch;
	const struct program *p;
	const struct engine_env *env;
	const struct interp_opts *o;
	const struct interp *m;
	struct diag *d;
	struct shadow ctx; /* what r1 was */
	uint64_t addr;     /* of the load or store that runs: it may overwrite its own base */
	uint64_t arg[6];   /* r1-r5 of the call that runs, for the same reason */
	uint64_t top;      /* of all stacks */

	struct shadow r[11];
	struct shadow_call call[PROGRAM_MAX_CALLS + 1];
	uint32_t depth, serial;           /* serial: numbers given to calls and records */
	uint8_t byte[SHADOW_STACK_BYTES]; /* enum byte_state of shadow.c */
	struct shadow spilled[SHADOW_STACK_BYTES / 8];
	uint32_t record[SHADOW_RECORDS]; /* numbers of those that are open; 0: free */
};

static inline struct shadow shadow_number(void)
{
	return (struct shadow){ .type = SHADOW_NUMBER };
}

/* "insn N: ..." and -EFAULT. */
int shadow_fail(const struct interp_check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Register r is read. */
int shadow_use(const struct interp_check *c, unsigned r);

/* What an access does; SHADOW_FILL: a helper's, which need not find anything there. */
enum shadow_access { SHADOW_LOAD, SHADOW_STORE, SHADOW_FILL };

/*
 * size bytes at addr by a pointer that is `by`.  What stores leave on the stack is told to
 * shadow_set(), after the instruction.
 */
int shadow_access(struct interp_check *c, const struct shadow *by, uint64_t addr, uint64_t size,
		  enum shadow_access how);

/* What was stored at addr, if that is on the stack; v NULL: numbers. */
void shadow_set(struct interp_check *c, uint64_t addr, uint64_t size, const struct shadow *v);
struct shadow shadow_get(const struct interp_check *c, uint64_t addr, uint64_t size);

/* The place of the open record of this number, 0 for one that is free; NULL: none. */
uint32_t *shadow_record(const struct interp_check *c, uint32_t number);

/* The stack of the innermost call begins; it ends, and no pointer is in it from then on. */
void shadow_enter(struct interp_check *c, uint64_t fp, uint32_t stack);
void shadow_leave(struct interp_check *c);

/* interp_args.c: the call at i, before and after it. */
int check_helper(struct interp_check *c, uint32_t id);
void after_helper(struct interp_check *c, uint32_t id);
int check_kfunc(struct interp_check *c, uint32_t id);
void after_kfunc(struct interp_check *c, uint32_t id);
void callback_args(struct interp_check *c); /* a helper's call of a function has begun */

#endif
