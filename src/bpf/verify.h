/*
 * bpf/verify.h - proves of a program, path by path, that it can do no harm.
 *
 * Whatever is accepted reads only its registers, stack, context, maps, records and, by loads that
 * survive faults, memory of the target; writes only its stack, maps and records; gives back every
 * record and iterator; and ends.  The rules are the kernel's for privileged tracing programs (so bytes of the
 * stack that were never set are any number, to loads and to helpers), but for words of the context
 * whose type is not known (struct ctx_desc) and words loaded through them: those may be followed as
 * pointers, since such loads give 0 where there is no memory.
 *
 * The program has passed check_insns() and check_flow() (bpf/check.h).
 *
 * Errors   -EACCES refused: diag has instruction, reason and what to change, the log the path there;
 *          -E2BIG too complex (instructions or memory);  -ENOMEM
 * Memory   at most VERIFY_MAX_BYTES at a time, all freed; the log's text is the caller's to free
 * Context  [ctl] nothing is shared
 * Spec     RFC 9669; messages and limits: kernel/bpf/verifier.c
 */
#ifndef BPF_VERIFY_H
#define BPF_VERIFY_H

#include "bpf/program.h"
#include "info/type.h"

#define VERIFY_MAX_INSNS 1000000u       /* processed; BPF_COMPLEXITY_LIMIT_INSNS */
#define VERIFY_MAX_BYTES (256ull << 20) /* of states */

/* One word of the context. */
struct ctx_slot {
	uint8_t bytes;         /* of a number: 1, 2, 4, 8; 0: nothing is known of the word */
	bool is_signed;        /* and it is extended so */
	const struct ty *type; /* what it points to; NULL: it is a number, or nothing is known */
};

/* What programs of one function see of it: arguments, then the result's words. */
struct ctx_desc {
	unsigned nslots;
	const struct ctx_slot *slot;
};

/* Where an instruction comes from. */
struct verify_source {
	const char *file, *text;
	uint32_t line;
};

/* What a function is given, if it is verified by itself. */
enum verify_param_kind {
	PARAM_NUMBER,
	PARAM_MEMORY, /* size bytes to read and write, or NULL if that is possible */
	PARAM_CTX,
	PARAM_TARGET, /* where there may be memory of the target's */
};

struct verify_param {
	uint8_t kind;
	bool nonnull;
	uint32_t size;
};

/* A function of the program, as its BTF tells. */
struct verify_func {
	char name[64];
	bool global;  /* verified by itself, once, for all arguments of these kinds */
	bool is_void; /* what it leaves in r0 is nothing */
	uint8_t nparams;
	struct verify_param param[5];
	char why[256];      /* whoever calls it is refused, in the kernel's words; "": nobody is */
	const char *change; /* then: what to change; static */
};

struct verify_prog {
	const struct program *p;
	const struct arena *arena;  /* values of frozen maps; NULL: they are not known */
	const struct ctx_desc *ctx; /* NULL: all words are of unknown types */
	bool generated;             /* by gen/: may read what lies before the context */
	/* of an instruction; false: not known; may be NULL */
	bool (*source)(void *arg, uint32_t insn, struct verify_source *out);
	/* of the function that begins at an instruction; the same; for verify_take_functions() */
	bool (*function)(void *arg, uint32_t insn, struct verify_func *out);
	void *arg;
	uint8_t *strays; /* out, or NULL: a bit for each load through an address of the target's */
	uint64_t max_insns, max_bytes; /* 0: the limits above */
	/* for tests: walk all paths but of loops that the run time bounds, and forget nothing */
	bool explore_all;
};

/* bits of level: 1 the path to what is refused, with what changes; 2 all paths; 4 statistics */
struct verify_log {
	unsigned level;
	char *text; /* NULL: nothing was written; ends with 0 */
	size_t n, cap;
	size_t verdict; /* where the reason begins, or the statistics */
	int err;        /* -ENOMEM: it is not whole */
};

struct verify_stats {
	uint64_t processed; /* instructions, each as often as it was looked at */
	uint32_t states;    /* remembered, all in all */
	uint32_t tries;     /* each forgets less than the one before: verify_need.c */
	uint32_t peak_states, max_per_insn;
	uint64_t peak_bytes, ns;
	int verdict; /* what verify_program() returned */
};

/*
 * What in->function tells, if anything, into p->func, which verify_program() looks at: -ENOMEM.  Of which
 * nothing is told is followed at each call.
 */
int verify_take_functions(const struct verify_prog *in, struct program *p);

/* log and stats may be NULL. */
int verify_program(const struct verify_prog *in, struct verify_log *log, struct verify_stats *stats,
		   struct diag *d);

/*
 * program_load() (bpf/program.h) of a program that was verified: the way of everything that is to be
 * attached.  how: ctx, source and limits; it, log and stats may be NULL.
 */
int program_load_verified(const struct program_attr *attr, const struct verify_prog *how,
			  struct verify_log *log, struct verify_stats *stats, struct program **out,
			  struct diag *d);

/*
 * A program that was verified for one context is to run with another: what it was told of words that
 * it reads holds there, too, or it is verified anew (arena as in struct verify_prog).  Only numbers matter:
 * loads through pointers survive whatever they point to.  Not of generated programs.
 */
int verify_again(const struct program *p, const struct arena *arena, const struct ctx_desc *ctx,
		 struct diag *d);

/* Remember what ctx told of numbers: -ENOMEM. */
int verify_assumed(struct program *p, const struct ctx_desc *ctx);

void verify_log_free(struct verify_log *log);

#endif
