/*
 * bpf/verify_priv.h - the verifier's state: what its files share.
 *
 * A state (struct vstate) is what is known when one instruction is about to run: registers and stack
 * of every function that is open, and what must be given back.  The verifier walks a path until it
 * ends, then takes up the newest branch that it left (DFS).  verify_prune.c remembers states at
 * the instructions where paths meet.
 *
 * Return values: 0 go on, < 0 refused (the reason is told by vfail()), VERIFY_END the path ends here.
 */
#ifndef BPF_VERIFY_PRIV_H
#define BPF_VERIFY_PRIV_H

#include "bpf/insn.h"
#include "bpf/range.h"
#include "bpf/verify.h"

#include <errno.h>

#define VERIFY_END     1
#define VERIFY_FRAMES  PROGRAM_MAX_CALLS
#define VERIFY_REFS    16
#define VERIFY_SLOTS   (PROGRAM_MAX_STACK / 8)
#define VERIFY_MAX_OFF (1 << 29) /* of pointers; BPF_MAX_VAR_OFF */

enum vkind {
	V_UNSET,
	V_SCALAR,
	V_CTX,
	V_STACK, /* of frame `frame`: r10 is off 0 */
	V_MAP,   /* map `index` itself */
	V_VALUE, /* in a value of map `index` */
	V_MEM,   /* in `index` bytes: a ring's record, a key, an iterator's number */
	V_BTF,   /* at a `type` of the target's, if there is memory */
	V_FUNC,  /* function `index` of the program */
};

enum {
	VF_NULL = 1,   /* or NULL: all copies have the same id */
	VF_RDONLY = 2, /* V_VALUE, V_MEM */
	VF_TARGET = 4, /* V_SCALAR: may be an address of the target's */
	VF_DIRECT = 8, /* V_VALUE: by its address, so of the map's only element */
};

struct vreg {
	uint8_t kind, flags, frame;
	int32_t off;  /* of pointers; the distance from their object is off + r */
	uint32_t id;  /* V_SCALAR: those of one id are equal; VF_NULL: are NULL together; 0: none */
	uint32_t ref; /* what must be given back with it; 0: nothing */
	uint32_t index; /* see enum vkind */
	const struct ty *type;
	struct range r; /* the number */
};

enum vbyte { S_UNSET, S_MISC, S_ZERO, S_SPILL, S_ITER };

/* Eight bytes of a stack, byte[0] being the lowest. */
struct vslot {
	uint8_t byte[8];
	struct vreg spill; /* S_SPILL: of the first 8 or fewer bytes; S_ITER: ref, index 1: ended */
};

struct vframe {
	struct vreg r[INSN_FP + 1];
	uint32_t sub, call_at; /* its function; the call in the caller */
	uint32_t serial;       /* of this call, never used again */
	uint32_t loop;         /* a helper that runs callbacks is open here; 0: none */
	uint32_t shared;       /* states that have it */
	bool callback;
	bool spent;      /* its budget of may_goto, which jumps from then on */
	bool clean;      /* nothing has changed since clean(): verify_prune.c */
	uint8_t nrefs;   /* held when it was called */
	uint16_t nslots; /* slot[0] lies at r10 - 8 */
	uint16_t room;   /* for so many */
	struct vslot slot[];
};

struct vref {
	uint32_t id, at;
};

struct vstate {
	struct vframe *f[VERIFY_FRAMES];
	unsigned depth; /* of the current function: f[depth] */
	uint32_t at;
	unsigned nrefs;
	struct vref ref[VERIFY_REFS];
	struct vstate *parent;     /* the last remembered one on the way here */
	struct vstate *next;       /* in its list */
	uint32_t branches;         /* paths from here that have not ended; 0: all have */
	uint32_t token, ids, lean; /* see verify_prune.c */
	uint32_t hits, misses;
	uint32_t last_at; /* of branches that wait: the jump, and where the log was */
	size_t log_at;
};

/* Parts of a stack: bit i of half[0] is the lower four bytes of slot i, of half[1] the upper. */
struct vslots {
	uint64_t half[2];
};

struct vset {
	uint16_t reg;
	struct vslots slot;
};

/* Of a node: verify_need.c. */
struct vneed {
	struct vset live, need;
};

/* What is forgotten where paths meet, besides what is never read: each less than the one before. */
enum vforget {
	FORGET_BRANCHES, /* also what branches depend on, if nothing else does */
	FORGET_NUMBERS,  /* what neither memory, nor results, nor branches depend on */
	FORGET_NOTHING,
};

#define VERIFY_MAX_WAITING 8192 /* branches at a time; BPF_COMPLEXITY_LIMIT_JMP_SEQ */
#define VERIFY_TURNS       32   /* over a function, and over all of them, until nothing changes */

struct verify {
	const struct verify_prog *in;
	const struct program *p;
	struct verify_log *log;
	struct verify_stats stats;
	struct diag *d;
	struct vstate *cur, *waiting;
	uint32_t *node, nnodes; /* by instruction: its number, if blocks begin there (VM_NODE) */
	struct vstate **seen;   /* by node */
	uint32_t *nseen;
	uint8_t *mark; /* by instruction: VM_* */
	uint8_t *sub;  /* by function: SUB_* */
	uint32_t *order,
		*order_end; /* nodes' instructions, last ones first; by function; see reach() */
	struct vneed *need; /* by node */
	int16_t *base;      /* by instruction: see verify_flow.c */
	uint64_t looked;    /* by vneed_compute(): instructions */
	enum vforget forget;
	bool learnt; /* by vneed_learn() */
	bool forgot; /* something that is not forgotten at the next try */
	uint32_t ids;
	uint32_t nstates;
	struct vpiece *chunks, *free[2 + VERIFY_SLOTS / 8]; /* verify_state.c */
	int err;                                            /* no memory for a state */
	size_t used;                                        /* of the newest chunk */
	uint32_t nwaiting;
	uint64_t bytes, max_insns, max_bytes;
	uint64_t try_insns; /* that may be processed until the end of this try */
	uint32_t global;    /* the one that was begun last: verify_global.c */
	uint32_t passing;   /* arguments to this function are looked at; 0: to none */
	uint32_t chance;    /* verify_prune.c */
	uint32_t since_insns, since_jumps; /* since the last state was remembered */
	uint32_t logged_from;
	struct verify_source shown; /* the last line of source in the log */
	size_t column;              /* where the line of the log ends */
	uint32_t *depth;            /* of each function's stack, in bytes */
};

/* The current function before an instruction, to tell what that changes. */
struct vlogged {
	unsigned depth, nslots;
	uint32_t serial;
	struct vreg r[INSN_FP + 1];
	struct vslot slot[VERIFY_SLOTS];
};

/* VM_LOOP: a loop ends there, or not; VM_SUMS: numbers were added or the like */
enum {
	VM_PRUNE = 1,
	VM_FORCE = 2,
	VM_SEEN = 4,
	VM_SECOND = 8,
	VM_LOOP = 16,
	VM_NODE = 32,
	VM_SUMS = 64
};
/* is to be looked at; its result counts; of global ones: is called, was verified */
enum { SUB_AGAIN = 1, SUB_RESULT = 2, SUB_CALLED = 4, SUB_DONE = 8 };

/* verify_log.c */
int vfail(struct verify *v, int err, const char *change, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
#define vdeny(v, change, ...) vfail((v), -EACCES, (change), __VA_ARGS__)
void vlog(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vlog_insn(struct verify *v);
void vlog_before(struct verify *v, struct vlogged *b);
void vlog_changes(struct verify *v, const struct vlogged *b);
void vlog_state(struct verify *v);
void vlog_from(struct verify *v); /* a path that waited is taken up */
void vlog_stats(struct verify *v);
bool vlog_on(const struct verify *v);

/* verify_state.c */
struct vstate *vstate_new(struct verify *v);
struct vstate *vstate_copy(struct verify *v, const struct vstate *s);
void vstate_free(struct verify *v, struct vstate *s); /* NULL is fine */
void vstate_free_all(struct verify *v);               /* their memory */
struct vframe *vframe_push(struct verify *v, struct vstate *s);
bool vframe_pop(struct verify *v, struct vstate *s);
struct vframe *vframe_own(struct verify *v, struct vstate *s, unsigned frame);
struct vslot *vframe_slots(struct verify *v, struct vstate *s, unsigned frame, unsigned n);
/* A copy of the current state that waits to go on at `at`; NULL: no memory. */
struct vstate *vstate_branch(struct verify *v, uint32_t at);
int vstate_full(struct verify *v);

static inline struct vframe *vframe(const struct verify *v)
{
	return v->cur->f[v->cur->depth];
}

static inline struct vreg *vreg(const struct verify *v, unsigned r)
{
	return &vframe(v)->r[r];
}

static inline struct vneed *vneed_at(const struct verify *v, uint32_t node)
{
	return &v->need[v->node[node]];
}

/* verify_reg.c */
struct vreg vreg_scalar(struct range r);
struct vreg vreg_number(void);
struct vreg vreg_target_word(unsigned size, bool sx); /* a whole one may be an address again */
struct vreg vreg_pointer(enum vkind kind, uint32_t index);
const char *vreg_kind_name(const struct vreg *r);
void vreg_text(const struct verify *v, const struct vreg *r, char *out, size_t cap);
int vreg_read(struct verify *v, unsigned r); /* it must have been set */
void vreg_scan(const struct vstate *s, void (*fn)(const struct vreg *r, void *arg), void *arg);
void vreg_each(struct verify *v, struct vstate *s,
	       bool (*is)(const struct vreg *r, const void *arg),
	       void (*change)(struct vreg *r, const void *arg), const void *arg);
static inline bool vreg_is_pointer(const struct vreg *r)
{
	return r->kind > V_SCALAR;
}
static inline bool vreg_is_const(const struct vreg *r)
{
	return r->kind == V_SCALAR && range_is_const(&r->r);
}
bool vreg_spans(const struct vreg *r, int64_t *lo, int64_t *hi); /* off + r */

/* verify_stack.c: at is of base, which is V_STACK; size up to 8, or any with no value */
int vstack_load(struct verify *v, unsigned base, int32_t off, unsigned size, bool sx,
		struct vreg *out);
int vstack_store(struct verify *v, unsigned base, int32_t off, unsigned size,
		 const struct vreg *val);
int vstack_read_range(struct verify *v, unsigned reg, const struct vreg *base, uint32_t size);
int vstack_fill_range(struct verify *v, unsigned reg, const struct vreg *base, uint32_t least,
		      uint32_t size);
struct vslot *vstack_slot(struct verify *v, const struct vreg *base, int32_t off);

/* verify_mem.c */
int vmem_insn(struct verify *v, const struct bpf_insn *in);
/* size bytes behind register reg, for a helper: size 0 is fine */
int vmem_region(struct verify *v, unsigned reg, uint32_t least, uint32_t size, bool write);
int vmem_in_bounds(struct verify *v, unsigned reg, const struct vreg *p, int32_t off, uint32_t size,
		   bool write);
const uint8_t *vmem_constant(const struct verify *v, const struct vreg *p, int64_t at,
			     uint32_t size);

/* verify_btf.c */
int vbtf_load(struct verify *v, unsigned reg, const struct bpf_insn *in, struct vreg *out);
int vctx_load(struct verify *v, unsigned reg, const struct bpf_insn *in, struct vreg *out);

/* verify_alu.c, verify_jump.c */
int valu_insn(struct verify *v, const struct bpf_insn *in);
int vjump_insn(struct verify *v, const struct bpf_insn *in);

/* verify_call.c, verify_arg.c, verify_kfunc.c, verify_sub.c */
int vcall_helper(struct verify *v, const struct bpf_insn *in);
bool vcall_is_callback(const struct bpf_insn *in); /* of a helper that calls the program back */
int vcall_kfunc(struct verify *v, const struct bpf_insn *in);
int vsub_call(struct verify *v, const struct bpf_insn *in);
int vsub_exit(struct verify *v);
int vsub_callback(struct verify *v, uint32_t helper);
void vcall_clobber(struct verify *v);
struct helper_proto;
int varg_check(struct verify *v, const struct helper_proto *proto, unsigned r);

/* verify_global.c */
const struct verify_func *vfunc(const struct verify *v, uint32_t sub); /* NULL: nothing is told */
bool vglobal_is(const struct verify *v, uint32_t sub);
int vglobal_call(struct verify *v, uint32_t sub);
int vglobal_exit(struct verify *v);
int vglobal_begin(struct verify *v); /* the next one; 1: there is one, 0: all were verified */
void vglobal_end(struct verify *v);
void vglobal_args(const struct verify_func *f, uint16_t *read, uint16_t *count);

/* verify_ref.c */
int vref_take(struct verify *v, uint32_t *id);
int vref_give(struct verify *v, uint32_t id); /* -ENOENT: it is not held */
int vref_none(struct verify *v, unsigned since, const char *what);

/* verify_order.c */
struct vway {
	uint32_t first, at; /* of a block: its first instruction; the next one that is looked at */
};
/* Blocks as they were first come to: by number, which begin at 1. */
struct vtree {
	uint32_t n;
	uint32_t *number; /* by node */
	uint32_t *at;     /* the first instruction */
	uint32_t
		*last; /* of those that were come to from it, and from these: the greatest number */
};
int vorder_compute(struct verify *v);
bool vorder_next(struct verify *v, struct vway *w, uint32_t *to);

/* verify_loop.c */
int vloop_mark(struct verify *v, const struct vtree *t);

/* verify_flow.c: how an instruction reaches into its function's stack, and what of it */
enum vreach {
	REACH_NONE,
	REACH_OTHERS, /* perhaps into that of another function */
	REACH_ANY,    /* perhaps, at an unknown place */
	REACH_WHOLE,  /* all of these slots' halves, for certain */
	REACH_PART,   /* a part of them */
};
int vflow_compute(struct verify *v);
enum vreach vflow_reach(const struct verify *v, uint32_t at, struct vslots *slots);
bool vflow_escapes(const struct verify *v, uint32_t at);

/* verify_need.c */
void vneed_compute(struct verify *v); /* for v->forget */
bool vneed_learn(struct verify *v);   /* from what was refused */

/* verify_prune.c */
int vprune_visit(struct verify *v);
void vprune_path_ends(struct verify *v);
void vprune_free(struct verify *v);
/* verify_same.c */
bool vsame_covers(const struct vstate *old, const struct vstate *now);
void vsame_widen(struct verify *v, const struct vstate *old, struct vstate *now);

#endif
