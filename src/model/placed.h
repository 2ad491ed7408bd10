/*
 * model/placed.h - values are read where debug information sees them.  For src/model only.
 *
 * Types say where arguments ought to be (abi/sysv.h).  The compiler knows where it put them, and
 * what it tells of a function's first instruction is believed against the types: in registers, on
 * the stack, in parts, as constants.  What it does not tell is as typed, in a function that it did
 * not change, and uncertain in one that it did; what is nowhere any more is gone.
 *
 * Context  [ctl]
 */
#ifndef MODEL_PLACED_H
#define MODEL_PLACED_H

#include "model/func_model.h"

/* What places tell of a function as a whole. */
struct placed_view {
	bool as_typed;   /* every parameter is seen where the types put it, or not seen */
	bool as_reduced; /* the same, if those that are gone or known were never declared */
	bool some_gone;  /* some are */
	bool some_known; /* of some a part is, and the rest is passed */
	bool some_less;  /* LLVM, which drops single eightbytes: of some not all is passed */
};

/* by, ret, arg: p's, as m was made of them. */
int placed_look(const struct proto *p, const struct abi_dialect *by, const struct abi_type *ret,
		const struct abi_type *const *arg, const struct func_model *m,
		struct placed_view *out);

/* Places and flags of m's values, from those of its types. */
void placed_apply(const struct proto *p, const struct placed_view *v, struct func_model *m);

/* Nowhere, or a constant: no caller passes it. */
bool placed_is_gone(const struct proto_param *p);

/* Seen in registers, all of it. */
bool placed_in_regs(const struct proto_param *p);

#endif
