/*
 * tramp/seed.h - the kernel's layout, behind tramp_plan() and tramp_emit(); private to tramp/.
 *
 * Errors   seed_plan: -EINVAL programs or shim that cannot be; -ENOTSUP what that frame has no
 *          room for; -E2BIG frame too large
 * Context  [ctl]
 */
#ifndef TRAMP_SEED_H
#define TRAMP_SEED_H

#include "tramp/tramp.h"

/* Fill in the offsets of a plan whose args and call_orig are set and whose facts are gathered. */
int seed_plan(struct tramp_plan *p, struct diag *d);

/* Append the code; env: one per program in the order of the lists, for emit_rest. */
void seed_emit(const struct tramp_plan *p, struct x86_asm *a, struct tramp_env *env,
	       struct tramp_marks *marks);

/* The names of the kernel's flags (include/linux/bpf.h) that this plan stands for. */
void seed_flags(const struct tramp_plan *p, char *out, size_t cap);

#endif
