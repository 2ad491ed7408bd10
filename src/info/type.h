/*
 * info/type.h - C types and prototypes as debug information tells them.
 *
 * One graph for DWARF, BTF and prototypes written by hand.  Knows sizes, names and
 * layout; does not know registers, calls or BPF programs.
 *
 * Units    sizes, alignments and offsets are bytes; bit-fields are in bits.
 * Memory   every node, name and array lives in a struct ty_pool and dies with it.  The
 *          graph may have cycles (through pointers): walk it with a depth limit.
 * Errors   -ENOMEM only.
 * Context  [ctl]
 */
#ifndef INFO_TYPE_H
#define INFO_TYPE_H

#include "base/types.h"

enum ty_kind {
	TY_VOID,
	TY_INT,    /* also char and bool: see flags */
	TY_FLOAT,  /* size 2, 4, 8; 16 is _Float128 unless TY_X87 */
	TY_PTR,    /* of: pointee, may be TY_VOID or TY_FUNC */
	TY_ENUM,   /* is_signed, size; enumerators */
	TY_STRUCT, /* members in order of declaration */
	TY_UNION,
	TY_ARRAY,   /* of: element; n: elements; TY_UNSIZED: flexible or unknown */
	TY_FUNC,    /* only behind a pointer; opaque; of: its result */
	TY_TYPEDEF, /* name, of */
	TY_QUAL,    /* const, volatile, restrict: name is the word; of */
	TY_UNKNOWN, /* declared, never defined, or of a kind we do not know: name is spelled
		     * whole, "struct foo" */
};

enum {
	TY_SIGNED = 1 << 0,
	TY_CHAR = 1 << 1, /* character encoding: a pointer to it is a string */
	TY_BOOL = 1 << 2,
	TY_X87 = 1 << 3,     /* long double: 80 bits in 16 bytes */
	TY_COMPLEX = 1 << 4, /* TY_FLOAT: two of size / 2 */
	TY_VECTOR = 1 << 5,  /* TY_ARRAY with SIMD semantics (__m128 ...) */
	TY_UNSIZED = 1 << 6,
	TY_PACKED = 1 << 7,      /* some member lies below its natural alignment */
	TY_CLASS = 1 << 8,       /* C++ class or struct with member functions */
	TY_NONTRIVIAL = 1 << 9,  /* C++: passed by invisible reference */
	TY_REFERENCE = 1 << 10,  /* TY_PTR: a C++ reference */
	TY_PASS_TOLD = 1 << 11,  /* TY_NONTRIVIAL (or not) is told outright, not deduced */
	TY_PASS_OPEN = 1 << 12,  /* TY_NONTRIVIAL (or not) is a guess */
	TY_ALIGN_TOLD = 1 << 13, /* align is told outright, not deduced from members */
};

struct ty;

struct ty_member {
	const char *name; /* "" for an anonymous struct or union */
	const struct ty *type;
	uint64_t offset;           /* bytes, of the storage unit for bit-fields */
	uint16_t bit_offset, bits; /* bits != 0: a bit-field, bit_offset from the byte offset */
};

struct ty_enumerator {
	const char *name;
	int64_t value;
};

struct ty {
	uint8_t kind; /* enum ty_kind */
	uint16_t flags;
	const char *name; /* "" where there is none; without "struct", "enum" */
	uint64_t size;
	uint32_t align;
	uint64_t n; /* members, elements or enumerators */
	const struct ty *of;
	union {
		const struct ty_member *member;
		const struct ty_enumerator *enumerator;
	};
};

/* Where a prototype came from; the order in which sources are asked. */
enum proto_source { PROTO_NONE, PROTO_BTF, PROTO_DWARF, PROTO_PACK, PROTO_FILE, PROTO_USER };

/* Where debug information sees a parameter at the first instruction of its function. */
enum place_seen {
	SEEN_NOT,   /* nothing is told, or nothing that is understood */
	SEEN_GONE,  /* it is nowhere, though its function tells places or may be changed */
	SEEN_REGS,  /* in registers, eightbyte by eightbyte */
	SEEN_STACK, /* offset bytes into the stack arguments */
	SEEN_COPY,  /* in its function's own frame, after the first instructions */
	SEEN_PARTS, /* in parts of any kind, or a value that is told without a place */
};

#define PLACE_NO_REG 255

/* Some bytes of a value; in a register they are its lowest. */
enum part_from {
	PART_REG,   /* register reg, to which value is added */
	PART_STACK, /* value bytes into the stack arguments */
	PART_CONST, /* value itself */
	PART_FUNC,  /* an address, value bytes from that of the function */
};

struct proto_part {
	uint8_t from; /* enum part_from */
	uint8_t reg;
	uint16_t offset, size;
	int64_t value;
};

struct proto_place {
	uint8_t seen; /* enum place_seen */
	bool deref;   /* its address is there */
	bool weak;    /* perhaps only later: no proof against what its type says */
	bool partial; /* what is told of some bytes is that they are nowhere, or is not understood */
	uint8_t reg[2]; /* SEEN_REGS: by eightbyte, as DWARF numbers them; PLACE_NO_REG: not told */
	uint8_t nparts;
	int64_t offset;
	const struct proto_part *part; /* SEEN_PARTS: ascending, not overlapping */
};

struct proto_param {
	const char *name; /* "" where there is none: shown as argN */
	const struct ty *type;
	bool uncertain; /* its value may be another than its type says */
	bool by_ref;    /* the ABI passes its address (C++ non-trivial types) */
	struct proto_place place;
};

/* What a compiler may have done to the arguments that are declared. */
enum proto_change {
	CHANGE_NONE,
	CHANGE_LOCAL, /* anything, if nobody else calls it; places show what */
	CHANGE_FEWER, /* a clone that lacks some */
	CHANGE_ANY,
};

/* Who compiled a function, as far as it decides how values are passed. */
enum maker_compiler { MAKER_OTHER, MAKER_GCC, MAKER_CLANG };

struct proto_maker {
	uint8_t compiler; /* enum maker_compiler; clang: a release of LLVM's or a distribution's */
	uint8_t vector; /* widest vectors that the options have registers for: 16, 32, 64 bytes; 0: not
			   * told */
	uint16_t version; /* the first number; 0: not told */
};

struct proto {
	const char *name;
	const struct ty *ret;
	unsigned nparams;
	const struct proto_param *param;
	bool variadic;
	bool unprototyped; /* a mere declaration "int f()" in C: nothing is known of the arguments */
	bool noreturn;
	bool ms_abi;     /* another calling convention: not presented */
	bool by_gcc;     /* compiled by gcc: its ways, where compilers pass values differently */
	bool lacking;    /* parameters are missing here that its name has */
	bool foreign;    /* a language that does not call as C does */
	bool rust;       /* foreign, but known well enough for some of it */
	bool ret_unsure; /* the compiler may have dropped the result, of which nobody then knows */
	uint8_t change;  /* enum proto_change */
	uint8_t source;  /* enum proto_source */
	struct proto_maker maker;
	bool cxx; /* written in C++ */
};

struct ty_pool;

int ty_pool_new(struct ty_pool **out);
void ty_pool_free(struct ty_pool *p);

/* n zeroed bytes, 16-aligned, or NULL: out of memory. */
void *ty_pool_alloc(struct ty_pool *p, size_t n);
const char *ty_pool_str(struct ty_pool *p, const char *s);

/* Never the same for two pools of one process, also when one is freed in between. */
uint64_t ty_pool_id(const struct ty_pool *p);

/* Follow typedefs and qualifiers; never NULL (a loop ends at TY_UNKNOWN). */
const struct ty *ty_strip(const struct ty *t);

/* The type as C spells it: "const char *", "struct pt", "int[4]".  Cut to cap; returns
 * the length of what was written.  NULL is void. */
size_t ty_format(const struct ty *t, char *out, size_t cap);

/* The whole prototype: "int f(const char *s, double)". */
size_t proto_format(const struct proto *p, char *out, size_t cap);

#endif
