/*
 * attach/ctxdesc.h - what the verifier is told of a program's context, by the functions it is for.
 *
 * A word is typed if all functions that the program names have the same there: an integer of less than 8
 * bytes that the trampoline extends, or a pointer to the same type, also where the word is the address of
 * a value.  Of all others nothing is known: floats, parts of structs, handles (integers of 8 bytes, void *),
 * results that are numbers (an fmod_ret program may have put any word there), what the compiler
 * changed or took apart, functions without types, those of languages that are not called as C, and
 * functions of modules that are not loaded yet.
 *
 * Errors   -ENOMEM only: a function that is not there is attaching's to complain of
 * Memory   types belong to the target's pools and outlive the desc, which is for one verification: a
 *          program keeps of it what it believed of numbers (bpf/verify.h, verify_again())
 * Context  [ctl]
 */
#ifndef ATTACH_CTXDESC_H
#define ATTACH_CTXDESC_H

#include "attach/object.h"
#include "bpf/verify.h"

struct ctxdesc {
	struct ctx_desc desc; /* for the verifier: of slot[] */
	struct ctx_slot slot[BODY_MAX_SLOTS];
};

/* Of one function, for programs at its exit or its entry. */
void ctxdesc_of_func(const struct func *f, bool results, struct ctxdesc *out);

/* Of all that p is to be attached to, if it is loaded into t; *out is NULL if nothing is known. */
int ctxdesc_of_program(const struct utramp_program *p, struct utramp_target *t,
		       struct ctxdesc **out);

#endif
