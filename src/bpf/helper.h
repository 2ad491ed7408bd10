/*
 * bpf/helper.h - the one table of helpers: id, name, implementation, prototype, rules.
 *
 * Context  [ctl]
 * Spec     bpf-helpers(7), include/uapi/linux/bpf.h (ids)
 */
#ifndef BPF_HELPER_H
#define BPF_HELPER_H

#include "base/diag.h"
#include "bpf/proto.h"

#include <stdbool.h>
#include <stdint.h>

#define HELPER_MAX 256

/* rt_format_args(); its r4 is &ctx[nslots + FORMAT_ARGS_SLOT] (model/func_model.h: Varargs). */
#define HELPER_FORMAT_ARGS 255
#define FORMAT_ARGS_SLOT   8
#define FORMAT_ARGS_WORDS  16

enum {
	HELPER_FENTRY = 1 << 0, /* may be called by programs of this kind (1 << program_kind) */
	HELPER_FMOD_RET = 1 << 1,
	HELPER_FEXIT = 1 << 2,
	HELPER_FSESSION = 1 << 3,
	HELPER_PLAIN = 1 << 4,
	HELPER_TRACING = HELPER_FENTRY | HELPER_FMOD_RET | HELPER_FEXIT | HELPER_FSESSION,
	HELPER_ALL = HELPER_TRACING | HELPER_PLAIN,
	HELPER_TAKES_CTX = 1 << 5, /* r1 is ctx */
	HELPER_READS_MEM = 1 << 6, /* reads the target's memory */
	HELPER_OVERRIDES = 1 << 7,
	HELPER_MORE = 1 << 12,   /* arguments behind those of the prototype are optional */
	HELPER_MEMORY = 1 << 10, /* gives the address of a map's memory, or NULL */
	HELPER_OWN = 1 << 9,     /* for generated programs only: none of the kernel's */
	HELPER_WRITES = 1 << 11, /* the target's memory: only where that is allowed */
	HELPER_WALKS = 1 << 8,   /* the engines add where return address and rbp of the hit are */
};

struct helper {
	uint32_t id;        /* BPF_FUNC_* */
	const char *name;   /* "map_lookup_elem" */
	const char *symbol; /* in the slab: "rt_map_lookup_elem"; NULL: the engines inline it */
	uint64_t native;    /* address of the same in this process */
	uint32_t flags;
	const char *differs; /* from the kernel's, for docs/helpers.md */
	struct helper_proto proto;
	uint8_t nargs; /* r1 .. r<nargs> are arguments, the others none */
	uint8_t needs; /* of them must be set: fewer than nargs where the rest is optional */
};

/*
 * NULL: we do not have it.  helper_table() has what users' programs may call.  helper_name() knows all the kernel's names, for messages; its
 * text for other numbers lives until the thread's next call.
 */
const struct helper *helper_by_id(uint32_t id);
const char *helper_name(uint32_t id);    /* never NULL: "unknown#N" */
bool helper_returns_memory(uint32_t id); /* HELPER_MEMORY */
bool helper_in_kernel(uint32_t id);      /* linux/bpf.h has a name for it */
const struct helper *helper_table(unsigned *n);

/* -ENOTSUP: instruction `at` calls a helper of the kernel's that we do not have; what to do instead,
 * or what those are that programs of one of these kinds may call. */
int helper_refuse(uint32_t at, uint32_t id, uint32_t kinds, struct diag *d);

#endif
