/*
 * info/btf.h - prototypes and types from BTF, over libbpf's reader.
 *
 * A file may be raw BTF or an ELF file with a .BTF section.
 *
 * Errors   -ENOENT no BTF in the file, no such function; -EBADMSG damaged BTF
 * Memory   prototypes live in the caller's pool, not in the reader.
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst
 */
#ifndef INFO_BTF_H
#define INFO_BTF_H

#include "base/diag.h"
#include "info/type.h"

struct btf_reader;
struct args_table;

int btfr_open(const char *path, struct btf_reader **out, struct diag *d);
int btfr_open_mem(const void *raw, size_t n, struct btf_reader **out, struct diag *d);
void btfr_close(struct btf_reader *r);

/*
 * Before libbpf gets the same BTF: types and names that it refers to are there, typedefs end.
 * Those of this reader need it not.
 */
int btfr_check(const struct btf_reader *r, struct diag *d);

int btfr_proto(struct btf_reader *r, const char *func, struct ty_pool *pool, struct proto *out,
	       struct diag *d);

/* A struct, union, enum or typedef by name; -ENOENT. */
int btfr_type(struct btf_reader *r, const char *name, struct ty_pool *pool, const struct ty **out,
	      struct diag *d);

/* The type of this id, 0 being void, as an object's maps name theirs. */
int btfr_build(struct btf_reader *r, uint32_t id, struct ty_pool *pool, const struct ty **out,
	       struct diag *d);

struct section_var {
	const char *name;
	const struct ty *type; /* NULL: damaged */
	uint32_t offset, size; /* in the section: not checked */
};

/* The variables of the data section with this id, in its order; -ENOENT: it is none. */
int btfr_section(struct btf_reader *r, uint32_t id, struct ty_pool *pool,
		 const struct section_var **out, unsigned *n, struct diag *d);

/* Count every FUNC's arguments into t, as vlen counts (the ... of a variadic one included). */
int btfr_args(struct btf_reader *r, struct args_table *t, struct diag *d);

#endif
