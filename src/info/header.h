/*
 * info/header.h - what C headers declare: functions, and the types that these mention.
 *
 * Read by libclang for x86-64 Linux, whatever machine this is.  A graph of its own beside
 * type.h's: that one shows values, this one is written to files (btf_gen.h), so it keeps what was
 * declared and in what order.
 *
 * Units    sizes and alignments are bytes, places of members bits
 * Errors   -ENOTSUP no libclang; -EBADMSG the headers do not compile (diag: the first error);
 *          -EINVAL a header's name that cannot be included; those of objfile_open()
 * Memory   all of it belongs to the struct header
 * Context  [ctl]
 */
#ifndef INFO_HEADER_H
#define INFO_HEADER_H

#include "base/diag.h"
#include "base/types.h"
#include "base/vec.h"

enum header_kind {
	HEADER_INT,
	HEADER_FLOAT,
	HEADER_PTR,
	HEADER_ARRAY, /* of, n: 0 where the size is open */
	HEADER_STRUCT,
	HEADER_UNION,
	HEADER_ENUM,
	HEADER_FWD_STRUCT, /* declared, never defined */
	HEADER_FWD_UNION,
	HEADER_FWD_ENUM,
	HEADER_TYPEDEF,
	HEADER_CONST,
	HEADER_VOLATILE,
	HEADER_RESTRICT,
	HEADER_PROTO, /* of: the result; members: the parameters */
};

/* A member, an enumerator or a parameter. */
struct header_member {
	const char *name; /* "" where there is none */
	uint32_t type;    /* id: 1 + index in header.types; 0: void */
	uint32_t bits;    /* of a bit-field, else 0 */
	uint64_t at;      /* bits from the start of the struct */
	int64_t value;    /* of an enumerator */
};

struct header_type {
	uint8_t kind; /* enum header_kind */
	bool is_signed, is_bool, variadic;
	uint32_t of, align;
	const char *name;
	uint64_t size, n;
	struct {
		VEC(struct header_member);
	} m;
};

struct header_func {
	const char *name; /* the symbol that a caller calls */
	uint32_t proto;
	bool noreturn;
};

struct header {
	struct {
		VEC(struct header_type);
	} types;
	struct {
		VEC(struct header_func);
	} funcs;              /* sorted by name */
	struct ty_pool *pool; /* of the names */
};

struct header_opts {
	const char *const *headers, *const *includes, *const *defines;
	size_t nheaders, nincludes, ndefines;
	const char *library; /* only functions that this file exports; NULL: all */
	/* Told of each function that is left out, and why; may be NULL. */
	void (*left_out)(void *ctx, const char *function, const char *why);
	void *ctx;
};

int header_read(const struct header_opts *opts, struct header **out, struct diag *d);
void header_free(struct header *h); /* NULL is fine */

#endif
