/*
 * bpf/program.h - one eBPF program: its instructions, checked, and what they need.
 *
 * program_load() copies and checks (bpf/check.c); nothing runs that did not pass.  Map
 * and function references in the instructions stay symbolic: LDDW src 1 (map) and 2
 * (map value) hold an index into program->map[]; addresses are put in by the
 * interpreter and the JIT, since they differ per process.  Calls of kfuncs hold an enum
 * kfunc_id (bpf/kfunc.h), not a BTF id.
 *
 * Errors   -EACCES   the checks refuse the program (diag: instruction number and reason)
 *          -EINVAL   malformed attributes;  -ENOTSUP  a feature we do not have, by name
 * Memory   a program keeps references on its maps; program_put() frees at 0
 * Context  [ctl] reference counts are not atomic: one thread, or the caller's lock
 * Spec     RFC 9669; Documentation/bpf/standardization
 */
#ifndef BPF_PROGRAM_H
#define BPF_PROGRAM_H

#include "base/diag.h"
#include "base/types.h"
#include "bpf/map.h"
#include "shm/arena.h"
#include "x86/body.h"

#include <linux/bpf.h>

#define PROGRAM_MAX_INSNS 1000000
#define PROGRAM_MAX_STACK 512
#define PROGRAM_MAX_CHAIN \
	1024                /* of stack, with callbacks: beyond the kernel's, which are 512, too */
#define PROGRAM_MAX_CALLS 8 /* frames, as in the kernel */

/* What a program is attached as; decides helpers and result rules. */
enum program_kind {
	PROGRAM_FENTRY,
	PROGRAM_FMOD_RET,
	PROGRAM_FEXIT,
	PROGRAM_FSESSION, /* at entry and at exit */
	PROGRAM_PLAIN,
};

struct program_subprog {
	uint32_t start, end; /* instructions [start, end) */
	uint32_t stack;      /* bytes of stack it uses, a multiple of 8 */
	bool callback;       /* its address is taken */
	bool may_goto;       /* has a budget of iterations in its frame */
	bool tails;          /* calls bpf_tail_call */
};

struct program {
	char name[64];
	uint8_t kind; /* enum program_kind */
	bool multi;   /* of a .multi section */
	bool own_counters;
	bool verified;        /* on all paths that there are: see verify.h */
	bool tails;           /* it, or a function of it, calls bpf_tail_call */
	bool hit_in_callback; /* a callback asks for what is known of the hit: cookie, caller */
	unsigned nslots, nresults; /* as in struct program_attr */
	uint32_t tail; /* its number in prog arrays (bpf/progarray.h); 0: it was never in one */
	uint32_t id, refs;
	struct bpf_insn *insn;
	uint32_t ninsns;
	struct program_subprog *sub; /* sub[0] is the program itself */
	uint32_t nsub;
	uint8_t *edge;        /* of functions s, t: at s * nsub + t, bpf/check.h */
	uint32_t own_depth;   /* of stack: deepest chain of subprograms, callbacks included */
	uint32_t stack_depth; /* the same, and what programs that it jumps to may need */
	struct map **map;
	uint32_t nmaps;
	int16_t *ctx_slot; /* by instruction: the slot of ctx that it loads (see facts.c), or -1 */
	struct body_facts facts;
	struct verify_func *func; /* by function, see verify.h; NULL: nothing is told of them */
	uint8_t *assumed; /* what was believed of words of ctx, to verify it: verify_again() */
	unsigned nassumed;
	uint8_t *stray; /* a bit for each instruction: program_load_strays() */
	bool strays;    /* one of them does */
	shm_ref stats;  /* struct shm_prog in the arena; 0 without an arena */
	shm_ref runs;   /* struct shm_run of every slot; 0: program_count_runs() was not called */
};

struct program_attr {
	const char *name;
	enum program_kind kind;
	const struct bpf_insn *insn;
	uint32_t ninsns;
	struct arena *arena; /* may be NULL: no statistics, no maps */
	/* map behind a file descriptor in LDDW src 1/2; borrowed; NULL: no such */
	struct map *(*map_by_fd)(void *arg, int fd);
	void *arg;
	unsigned nslots;   /* ctx slots of the target, PROGRAM_NO_CTX: not known */
	unsigned nresults; /* slots of its result, if there are more than two */
	bool multi;        /* for many functions: ctx has no typed arguments */
	bool reentrant; /* may run inside itself, in a signal handler: no guard, nothing missed */
	/* what it adds to belongs to the thread: whole for handlers, no matter to other threads */
	bool own_counters;
	bool allow_write;      /* it may call what is HELPER_WRITES */
	bool generated;        /* by gen/: may call what is HELPER_OWN */
	bool allow_any_helper; /* conformance: helper 5 and no kind rules */
};

#define PROGRAM_NO_CTX UINT32_MAX

/* Whatever may be attached is made by program_load_verified() (bpf/verify.h); this is the engine below. */
int program_load(const struct program_attr *attr, struct program **out, struct diag *d);
struct program *program_get(struct program *p);
void program_put(struct program *p); /* NULL is fine */

/*
 * Bodies made from now on count p's runs, if their environment has run_end.  -ENOSPC: the arena is full.
 */
int program_count_runs(struct program *p, struct arena *arena, struct diag *d);

struct program_runs {
	uint64_t count, ns;
};

/* Of all threads together; zero if they are not counted. */
struct program_runs program_runs(const struct program *p, const struct arena *arena);

/* Index of the subprogram that holds an instruction. */
uint32_t program_sub_at(const struct program *p, uint32_t insn);

/*
 * Is the instruction a load through a pointer of the target's, so that there may be no memory?
 * Conservative: of what cannot be told it is said, too (bpf/facts.c).
 */
static inline bool program_load_strays(const struct program *p, uint32_t insn)
{
	return p->stray && p->stray[insn / 8] >> insn % 8 & 1;
}

void program_mark_stray(struct program *p, uint32_t insn);

/* Does it need reads that survive bad addresses: such loads, helpers that read, results in memory? */
bool program_reads_target(const struct program *p);

/*
 * Text of an instruction, as the kernel's verifier log writes it: "r1 = *(u64 *)(r1 +8)";
 * what is no instruction gives "unknown opcode 0x..".  Returns the number of bpf_insn it
 * took (2 for LDDW, whose second half must be readable).
 */
unsigned program_format_insn(const struct bpf_insn *insn, char *out, size_t cap);

#endif
