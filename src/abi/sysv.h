/*
 * abi/sysv.h - where the x86-64 System V ABI puts arguments and results.
 *
 * A pure function of C types: no DWARF, no BTF, no code bytes, no allocation.
 *
 * Units    sizes, alignments and offsets are bytes; an "eightbyte" is 8 of them.
 * Errors   -ENOTSUP  the ABI has a rule for this type and we do not implement it
 *          -EINVAL   the type tree is malformed (scalar of size 0, member past the end, more
 *                    than 32 levels or 65536 nodes)
 *          -E2BIG    more than 2 GiB of stack arguments
 * Memory   inputs are borrowed for the call; outputs are the caller's.
 * Context  any thread, signal-safe.
 * Spec     psABI x86-64, 3.2.3 "Parameter Passing"; rules are numbered as there.
 */
#ifndef ABI_SYSV_H
#define ABI_SYSV_H

#include <stdbool.h>
#include <stdint.h>

enum abi_kind {
	ABI_VOID,
	ABI_INT,    /* integers, pointers, enums, bool; 16 bytes: __int128 */
	ABI_FLOAT,  /* _Float16, float, double, _Float128 */
	ABI_VECTOR, /* __m64 (SSE), __m128, __m256, __m512 */
	ABI_X87,    /* long double */
	ABI_COMPLEX_X87,
	ABI_AGGREGATE, /* struct or union: fields may overlap; _Complex float, double too */
	ABI_ARRAY,     /* inside an aggregate */
};

struct abi_field;

/* A C type, as far as passing it matters.  Borrowed; usually static or in an arena. */
struct abi_type {
	uint8_t kind;         /* enum abi_kind */
	bool is_signed;       /* ABI_INT */
	bool by_ref;          /* passed by invisible reference, returned through sret (C++) */
	bool is_bool;         /* ABI_INT: _Bool; passing is as for any byte */
	bool is_union;        /* ABI_AGGREGATE: matters for bit-fields that lie unaligned */
	uint32_t size, align; /* of a scalar: its natural alignment, not a typedef's */
	uint32_t n;           /* ABI_AGGREGATE: fields; ABI_ARRAY: elements */
	const struct abi_field *field;
	const struct abi_type *elem;
};

struct abi_field {
	const struct abi_type *type;
	uint32_t offset;
	uint16_t bit_offset, bits; /* bits != 0: a bit-field, bit_offset from byte offset */
};

enum abi_file { ABI_GPR, ABI_XMM, ABI_ST };

/* Where one value is when control enters (arguments) or leaves (result). */
struct abi_place {
	uint8_t nregs;           /* registers; 0: in memory (result: through the hidden pointer) */
	uint8_t file[2], num[2]; /* eightbyte i is in register num[i] of file[i] */
	bool wide;               /* one vector register holds it whole (16, 32, 64 bytes) */
	bool none;               /* an empty type: travels nowhere */
	bool by_ref;             /* the place holds the value's address */
	uint32_t stack;          /* nregs == 0: bytes above the return address */
};

/* Totals for one call. */
struct abi_call {
	uint8_t ngpr, nxmm;   /* argument registers in use, hidden pointer included */
	bool sret;            /* the result is stored through a hidden first pointer */
	bool disputed;        /* as gcc does it; clang 14 is known to pass some value elsewhere */
	uint32_t stack_bytes; /* K: size of the stack argument area, padding included */
	uint32_t stack_align; /* strictest alignment in it: 8, 16, 32 or 64 */
};

/*
 * Fewer registers than eightbytes and not wide: the rest is padding and travels nowhere, as in
 * struct { long a; } aligned(16).  Wide vectors assume code compiled for a machine that has
 * them.  On failure *arg_place is undefined.
 *
 * Where compilers differ, gcc's way is given and call->disputed says so: an __int128 that does
 * not fit leaves its register to later arguments (clang before 20 splits or wastes it); clang 14
 * has its own ideas of a _Float128 inside aggregates or before spilled SSE arguments, of structs
 * and unions of bit-fields that lie unaligned, and of unions of vectors with long arrays.
 * stack_bytes is then not to be trusted without knowing the compiler.
 *
 * GPR numbers in abi_place count in this order: rdi rsi rdx rcx r8 r9 (arguments),
 * rax rdx (result); XMM 0-7; ST 0 and 1 (result).  ret may be a type of kind ABI_VOID.
 */
int abi_assign(const struct abi_type *ret, const struct abi_type *const *arg, unsigned nargs,
	       struct abi_place *ret_place, struct abi_place *arg_place, struct abi_call *call);

#endif
