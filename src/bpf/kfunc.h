/*
 * bpf/kfunc.h - the one table of kfuncs: name, prototype, rules.
 *
 * A kfunc is called by a BTF id, which is whoever made the BTF's affair (sys/kfunc.c).  In
 * a program that is loaded here the imm of the call is an enum kfunc_id.
 *
 * Context  [ctl]
 * Spec     Documentation/bpf/kfuncs.rst; kernel/trace/bpf_trace.c (bpf_session_*);
 *          kernel/bpf/bpf_iter.c (bpf_iter_num_*), helpers.c (bpf_rdonly_cast);
 *          docs/helpers.md (utramp_*, which are ours)
 */
#ifndef BPF_KFUNC_H
#define BPF_KFUNC_H

#include <stdbool.h>
#include <stdint.h>

#define KFUNC_MAX_ARGS 5

/* Beyond every BTF id that a call may hold by mistake. */
enum kfunc_id {
	KFUNC_SESSION_IS_RETURN = 0x10000,
	KFUNC_SESSION_COOKIE,
	KFUNC_SET_ERRNO,
	KFUNC_SET_RESULT,
	KFUNC_ITER_NUM_NEW,
	KFUNC_ITER_NUM_NEXT,
	KFUNC_ITER_NUM_DESTROY,
	KFUNC_RDONLY_CAST,
	KFUNC_THROW,
};

enum kfunc_type {
	KFUNC_T_BOOL,
	KFUNC_T_U64_PTR,
	KFUNC_T_VOID_PTR,
	KFUNC_T_INT,
	KFUNC_T_U32,
	KFUNC_T_VOID,
	KFUNC_T_INT_PTR,
	KFUNC_T_ITER_NUM_PTR,
	KFUNC_T_U64,
	KFUNC_TYPES
};

enum {
	KFUNC_TAKES_CTX = 1 << 0,   /* r1 is ctx */
	KFUNC_READS_COUNT = 1 << 1, /* ctx[-1] */
	KFUNC_HAS_COOKIE = 1 << 2,  /* the program has a session cookie */
	KFUNC_SETS_ERRNO = 1 << 3,  /* engine_env.errno_off is needed */
	KFUNC_SETS_RESULT = 1 << 4, /* engine_env.set_result is called; the function is skipped */
	KFUNC_TAKES_ITER = 1 << 5,  /* r1 is an iterator on the stack, of 8 bytes */
};

struct kfunc {
	uint32_t id;                /* enum kfunc_id */
	const char *name;           /* as the program declares it */
	uint32_t kinds;             /* programs that may call it, bit by program_kind */
	const char *instead;        /* what to do, of one that is known, but not there; or NULL */
	const char *kind, *section; /* the same in words: "fsession", how its sections are named */
	uint32_t flags;
	uint8_t result; /* enum kfunc_type */
	uint8_t nargs;  /* r1 .. r<nargs> */
	uint8_t arg[KFUNC_MAX_ARGS];
};

const struct kfunc *kfunc_by_id(uint32_t id); /* NULL: we do not have it */
const struct kfunc *kfunc_table(unsigned *n);
const struct kfunc *kfunc_refused(unsigned *n); /* those with `instead`, not in the table */

#endif
