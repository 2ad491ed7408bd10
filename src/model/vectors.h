/*
 * model/vectors.h - are vectors of 32 and 64 bytes in registers?  For src/model only.
 *
 * They are if the code was compiled for a machine that has such registers, and otherwise in memory.
 * gcc's options tell it of a unit, but a function can have its own (attribute target); clang tells
 * nothing.  Where debug information sees such a parameter does: on the caller's stack, or in a
 * register, or in a copy that the function makes, as it does of what comes in registers.
 *
 * Context  [ctl]
 */
#ifndef MODEL_VECTORS_H
#define MODEL_VECTORS_H

#include "model/func_model.h"

/* Set by->vector to the one width that nothing contradicts; 0: several, or none. */
void vectors_settle(const struct proto *p, const struct abi_type *ret,
		    const struct abi_type *const *arg, struct abi_dialect *by);

#endif
