/*
 * abi/abi_priv.h - what the parts of this layer share; for src/abi only.
 *
 * A way is one compiler's reading of the ABI.  Both ask first what a type wants (classification), then
 * hand out registers and stack; sysv.c does so for gcc, clang.c for clang.
 */
#ifndef ABI_PRIV_H
#define ABI_PRIV_H

#include "abi/sysv.h"

#define ABI_MAX_GPR        6
#define ABI_MAX_XMM        8
#define ABI_MAX_DEPTH      32
#define ABI_MAX_NODES      65536
#define ABI_MAX_CLASSIFIED 64 /* rule 1: anything larger is in memory */

enum abi_class { NONE, INTEGER, SSE, SSEUP, X87, X87UP, COMPLEX_X87, MEMORY };

/* What LLVM does with an __int128 when one register is left. */
enum abi_i128 {
	I128_WHOLE, /* in memory, the register goes to a later argument (psABI) */
	I128_SPLIT, /* half in it, half in memory: before LLVM 18 */
	I128_WASTE, /* in memory, the register is lost: LLVM 18 and 19 */
};

struct abi_way {
	bool is_clang, variadic;
	bool cxx;          /* gcc: T[] in a class is memory */
	bool f128_unknown; /* clang before 17 or so: no register is counted for a _Float128 */
	uint8_t i128;      /* enum abi_i128 */
	uint8_t vector;    /* vectors of more bytes are not passed in registers */
};

/* What a value asks for, before any register is handed out. */
struct abi_want {
	uint8_t nregs; /* 0: memory, or nothing if none */
	uint8_t file[2];
	bool wide, none;
	bool disputed; /* struct abi_place cannot say it */
};

/* One call being laid out. */
struct abi_state {
	struct abi_way way;
	struct abi_call call;
	bool lost;                  /* from here on nothing is known */
	uint8_t told_gpr, told_xmm; /* clang: registers in use, as its front end believes */
};

/* 0, -EINVAL or -ENOTSUP.  What a value in memory is asks for nothing. */
int abi_want_gcc(const struct abi_way *w, const struct abi_type *t, bool is_ret,
		 struct abi_want *out);
int abi_want_clang(const struct abi_way *w, const struct abi_type *t, bool is_ret,
		   struct abi_want *out);

/* Into memory: eightbytes aligned as the type, at least 8. */
int abi_assign_stack(uint32_t size, uint32_t align, struct abi_place *p, struct abi_call *call);

/* An argument, of a type that has been checked. */
int abi_arg_gcc(struct abi_state *s, const struct abi_type *t, struct abi_place *p);
int abi_arg_clang(struct abi_state *s, const struct abi_type *t, struct abi_place *p);

int abi_check_value(const struct abi_type *t);

#endif
