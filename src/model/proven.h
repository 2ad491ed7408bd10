/*
 * model/proven.h - is a model's K proven by what debug information tells?  For src/model only.
 *
 * Types say where arguments ought to be.  A compiler may have changed them, may have a convention
 * that the types do not show, or the types may be incomplete; where it saw a parameter at the
 * entry of its function is evidence for or against.
 *
 * Context  [ctl]
 */
#ifndef MODEL_PROVEN_H
#define MODEL_PROVEN_H

#include "model/placed.h"

/*
 * Why K is not proven (static text), NULL: it is, as far as this can tell.  m is of p's types, its
 * places not yet corrected; v is what they tell.
 */
const char *proven_check(const struct proto *p, const struct placed_view *v,
			 const struct func_model *m);

#endif
