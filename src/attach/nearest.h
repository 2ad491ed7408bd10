/*
 * attach/nearest.h - what to say when a specification names nothing: the names that are nearest
 * to it, and where else the function is.
 *
 * Errors   -ENOENT always, with its text
 * Context  [ctl]
 */
#ifndef ATTACH_NEAREST_H
#define ATTACH_NEAREST_H

#include "attach/modset.h"
#include "attach/spec.h"

/* "no function 'X' in A, B; nearest: ...", "no module 'X' in the target; ..." */
int nearest_to(struct modset *s, const struct fspec *spec, struct diag *d);

/*
 * What it takes to mean `have` and to write `want`, in quarters of a letter: 4 for one that is
 * missing, too much or another, or for two that changed places; less for an underscore, for
 * upper case, for the rest of a name that was begun, and for a namespace that was left out.
 * 0: the same; NAME_FAR: nothing in common.
 */
#define NAME_FAR 1000u
unsigned name_cost(const char *want, const char *have);

#endif
