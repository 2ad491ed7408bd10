/*
 * info/btf_priv.h - what the parts of the BTF reader share; for src/info/btf*.c only.
 *
 * Context  [ctl]
 */
#ifndef INFO_BTF_PRIV_H
#define INFO_BTF_PRIV_H

#include "base/vec.h"
#include "info/btf.h"
#include "info/type_layout.h"

#include <bpf/btf.h>

struct btfr_name {
	const char *name;
	uint32_t id;
	unsigned kind; /* BTF_KIND_* */
};

/* What a declaration tag of ours tells of a type: see btf_gen.h. */
struct btfr_told {
	uint32_t id;
	uint32_t align; /* 0: of a function, that it does not return */
};

struct btfr_node {
	struct ty_node base; /* first */
	uint32_t id;
};

struct btf_reader {
	struct btf *btf;
	bool indexed;
	struct {
		VEC(struct btfr_name);
	} name; /* functions and named types, sorted */
	struct {
		VEC(struct btfr_told);
	} told; /* sorted by id */

	/* types built so far in the pool of this id, by type id */
	uint64_t pool_id;
	struct btfr_node **memo;
};

/* A string of the file; "" where there is none. */
const char *btfr_str(const struct btf_reader *r, uint32_t offset);

/* What is told of this type, NULL: nothing.  The reader is indexed. */
const struct btfr_told *btfr_told_of(const struct btf_reader *r, uint32_t id);

#endif
