/*
 * model/func_model.h - everything a trampoline must know about one function.
 *
 * A func_model joins two views of a call: where the ABI puts each value, and
 * which u64 slots of the BPF context show it.  It is plain data: built once,
 * never changed, safe to copy.
 *
 * Ctx      ctx[0 .. nslots-1] arguments in declaration order, ctx[nslots] the result,
 *          ctx[nslots+1] its second eightbyte, and so on; ctx[-1] the number of argument slots,
 *          ctx[-2] the address of the function - as in the kernel.  A value in registers
 *          takes one slot per eightbyte of its size (__m512: 8), padding eightbytes that
 *          travel in no register being 0; one in memory takes one slot per eightbyte up to 16
 *          bytes, and beyond that a single slot holding its address (FM_BY_ADDR).  So does a
 *          value passed by invisible reference (place.by_ref), whose place holds that address.
 * Varargs  of a variadic function a program that gen/ makes can have more, by a helper alone
 *          (rt_format_args()): ctx[nslots + FM_VARARGS_SLOT ..] are the FM_VARARGS_WORDS words of
 *          shm/varargs.h, filled only if facts say that they are read.
 * Result   in memory (call.sret): the same by size, at the address that rax holds on return.
 *          A C++ object that the function constructs has place.by_ref.  st0 takes two slots, st0
 *          and st1 four: 10 bytes each, then zeroes.
 * Changed  A function whose parameters its compiler changed (.isra, .constprop, dead arguments)
 *          keeps its slots: those of a parameter that is gone are 0, those of one that is known
 *          hold that value (model/placed.h).
 * Bits     a slot holds an integer extended to 64 bits by its own sign, and the
 *          raw bits of a float or double; bytes the value does not have are 0.
 * K        call.stack_bytes, valid only if k_known: calling the original copies so many.
 * Errors   -ENOTSUP   the ABI or we cannot pass such a value (diag names the argument)
 *          -E2BIG     more than FM_MAX_SLOTS slots, or 64 KiB of stack arguments
 *          -EBADMSG   bad signature or prototype text (diag: where)
 * Memory   one allocation per model; release with func_model_free().
 * Context  [ctl]
 */
#ifndef MODEL_FUNC_MODEL_H
#define MODEL_FUNC_MODEL_H

#include "abi/sysv.h"
#include "base/diag.h"
#include "info/type.h"

#define FM_MAX_SLOTS  255
#define FM_MAX_RESULT 8 /* slots */
#define FM_MAX_STACK  (64 * 1024)
#define FM_MAX_ARGS   1024 /* empty structs take no slot */
#define FM_MAX_ALIGN  64   /* of stack arguments: what a trampoline keeps when it copies them */

#define FM_VARARGS_SLOT  8 /* behind the arguments, beyond all slots of a result */
#define FM_VARARGS_WORDS 16

enum {
	FM_SIGNED = 1 << 0, /* extend with the sign bit */
	FM_FLOAT = 1 << 1,  /* bits of a float or double; size 10: of a long double */
	FM_BY_ADDR =
		1 << 2,     /* the slot holds the address of the value, in memory or place.by_ref */
	FM_BOOL = 1 << 3,   /* only the low byte counts */
	FM_HIDDEN = 1 << 4, /* not shown: no slot (empty types) */
	FM_AGGREGATE = 1 << 5, /* struct, union or vector: slots are its raw eightbytes */
	FM_UNCERTAIN = 1 << 6, /* perhaps not what the caller passed */
	FM_GONE = 1 << 7,      /* the code does not have it any more: its slots are 0 */
};

/* Where some bytes of a value are that its compiler took apart, or knew. */
enum fm_from { FM_GPR, FM_XMM, FM_STACK, FM_CONST, FM_FUNC };

struct fm_piece {
	uint8_t from;         /* enum fm_from */
	uint8_t num;          /* of the register, as in struct abi_place */
	uint8_t offset, size; /* bytes of the value; 1, 2, 4 or 8, in one eightbyte */
	int64_t value;        /* GPR: added; STACK: bytes above the return address;
			       * CONST: itself; FUNC: bytes from the function's address */
};

#define FM_PIECES 4

struct fm_value {
	struct abi_place place;
	uint32_t size;         /* bytes that count (long double: 10); 0: void or empty struct */
	uint16_t slot, nslots; /* first u64 of the context, and how many */
	uint8_t flags;         /* FM_* */
	uint8_t npieces;       /* not 0: they tell, in ascending order, and place is none */
	struct fm_piece piece[FM_PIECES];
};

/* Where unnamed arguments begin: registers that named ones have, bytes of theirs on the stack. */
struct fm_varargs {
	bool known;
	uint8_t ngpr, nxmm;
	uint32_t stack;
};

struct func_model {
	struct abi_call call; /* !k_known: all argument registers are in use, stack_bytes 0 */
	bool k_known;         /* false: variadic, unprototyped or no types: entry programs only */
	const char *k_why;    /* !k_known: why, static text; NULL: no more is known */
	bool raw;             /* no types: six slots rdi rsi rdx rcx r8 r9 as they are */
	uint16_t nargs, nslots;
	struct fm_varargs varargs;
	struct fm_value ret;
	struct fm_value arg[];
};

/* by: who compiled it, NULL: not known. */
int func_model_new(const struct abi_dialect *by, const struct abi_type *ret,
		   const struct abi_type *const *arg, unsigned nargs, struct func_model **out);

/* NULL is fine. */
void func_model_free(struct func_model *m);

/* Make it the model of a variadic function with these named arguments. */
void func_model_variadic(struct func_model *m);

/* Make an entry-only model of one whose stack arguments are not all known (variadic).
 * why: static text or NULL. */
void func_model_hide_k(struct func_model *m, const char *why);

/* No types: six raw register slots, k_known false. */
int func_model_raw(struct func_model **out);

/*
 * From a prototype of DWARF, BTF or a user; a variadic one shows its named arguments.  K is known
 * only where it is proven: not of a variadic one, of one that compilers call differently
 * (call.disputed) if it is not told who made it, of one that the compiler changed or whose
 * parameters are seen elsewhere than their types put them, of one with arguments aligned to more than
 * a trampoline keeps, and where types tell too little (BTF no aligned(N) and no vectors, gcc not
 * always what a C++ class is).  k_why tells which.
 */
int func_model_from_proto(const struct proto *p, struct func_model **out, struct diag *d);

/*
 * Text form, for tests, logs and the CLI: "i32(p,f64,{i64,f32,f32},u8)".
 * Types: void bool i8-i64 u8-u64 i128 u128 b128 b192 (_BitInt) p f16 f32 f64 f128 x80 cx80 v16-v512 {a,b,...}
 * <a|b> (union) T[n] T[]; "!" before { means packed, "@N" behind a type aligned(N); "..." last:
 * variadic.  As gcc does it on a machine with AVX-512.  *out untouched on error.
 */
int func_model_parse(const char *text, struct func_model **out, struct diag *d);

/* The same, of a function that a known compiler made. */
int func_model_parse_by(const char *text, const struct abi_dialect *by, struct func_model **out,
			struct diag *d);

/* One line that says where each value travels: "rdi=a0 xmm0=a1 [8]=a2 ..."; for goldens. */
size_t func_model_format(const struct func_model *m, char *out, size_t cap);

/*
 * Parse a C prototype, "int f(struct s *p, const char *, double x, ...)", into pool.
 * Known: the C scalars, <stdint.h> and <stddef.h> names, struct/union/enum tags and unknown
 * names behind a pointer (opaque), arrays and function pointers as parameters, and
 * "struct { ... }" written out.  An unknown name by value is refused by name (-EBADMSG).
 */
int proto_parse(const char *text, struct ty_pool *pool, struct proto *out, struct diag *d);

#endif
