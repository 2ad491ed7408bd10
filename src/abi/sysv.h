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
	ABI_VECTOR, /* __m64 (SSE), __m128, __m256, __m512; 2 and 4 bytes: of integers */
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
	bool is_union;        /* ABI_AGGREGATE */
	bool flexible;        /* ABI_ARRAY: the last member, of no size */
	bool null;            /* ABI_INT: std::nullptr_t */
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

enum abi_file {
	ABI_GPR,
	ABI_XMM,
	ABI_ST,
	ABI_STACK, /* no register: one eightbyte of two lies in memory, see abi_place.stack */
};

/* Where one value is when control enters (arguments) or leaves (result). */
struct abi_place {
	uint8_t nregs;           /* pieces; 0: in memory (result: through the hidden pointer) */
	uint8_t file[2], num[2]; /* eightbyte i is in register num[i] of file[i] */
	bool wide;               /* one vector register holds it whole (16, 32, 64 bytes) */
	bool none;               /* an empty type: travels nowhere */
	bool by_ref;             /* the place holds the value's address */
	bool disputed;           /* what compiled it may have put it elsewhere */
	uint32_t stack;          /* bytes above the return address: of all (nregs == 0) or of the
				  * piece in ABI_STACK */
};

/* Totals for one call. */
struct abi_call {
	uint8_t ngpr, nxmm;   /* argument registers in use, hidden pointer included */
	bool sret;            /* the result is stored through a hidden first pointer */
	bool disputed;        /* some of it depends on what the dialect leaves open */
	uint32_t stack_bytes; /* K: size of the stack argument area, padding included */
	uint32_t stack_align; /* strictest alignment in it: 8, 16, 32, ... */
};

enum abi_compiler { ABI_BY_ANY, ABI_BY_GCC, ABI_BY_CLANG };

/* Who compiled the function that is called: where it reads its arguments is where they are. */
struct abi_dialect {
	uint8_t by;     /* enum abi_compiler */
	uint8_t vector; /* the widest vectors that registers take: 16, 32 (AVX), 64 (AVX-512) bytes;
			   * 0: not known, which matters only where there are wider ones */
	uint16_t version; /* the first number */
	bool variadic, cxx;
};

/*
 * Fewer registers than eightbytes and not wide: the rest is padding and travels nowhere, as in
 * struct { long a; } aligned(16).  On failure *arg_place is undefined.
 *
 * d: NULL is ABI_BY_ANY.  Known by running them are gcc (11, 12) and clang 13, 14, 15, 16 and 19;
 * clang 17 and 18 lie between, and what changed there is documented (LLVM commit fa1b6e6b34eb, in
 * 18).  Where d leaves a choice, be it an unknown compiler, another version of clang or the width of
 * vectors, the call is laid out in each known way; the first (gcc's, the widest) is given, what differs
 * in any other is disputed, and stack_bytes is then not to be trusted.  These differ:
 *
 *   __int128 with one register left   gcc: memory, the register goes on; clang before 18: half in
 *                                     each, in memory aligned to 8; 18 and 19: the register is lost
 *   structs behind such a value       clang's two halves count differently; may be torn apart
 *   _Float128                         clang before 17 or 18 counts no register for it; its unions are
 *                                     miscompiled since
 *   vectors of 32 and 64 bytes        in registers if code is for AVX, AVX-512; of variadic
 *                                     functions of clang never
 *   flexible array in a struct        memory for clang and g++, ignored by gcc in C; T[0]: for gcc, C
 *                                     and C++, the eightbyte it begins in has T's class, too
 *   std::nullptr_t                    clang counts no register for it; a class with one is in memory
 *   structs, unions: unaligned bit-fields, empty members or long arrays beside a vector
 *
 * Results that clang spreads over more registers than a place can say (vectors wider than those of
 * the machine compiled for) are disputed, too.
 *
 * GPR numbers in abi_place count in this order: rdi rsi rdx rcx r8 r9 (arguments),
 * rax rdx (result); XMM 0-7; ST 0 and 1 (result).  ret may be a type of kind ABI_VOID.
 */
int abi_assign(const struct abi_dialect *d, const struct abi_type *ret,
	       const struct abi_type *const *arg, unsigned nargs, struct abi_place *ret_place,
	       struct abi_place *arg_place, struct abi_call *call);

#endif
