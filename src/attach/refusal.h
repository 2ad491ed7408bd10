/*
 * attach/refusal.h - every reason why programs cannot be attached to a function, by its code.
 *
 * The list is closed: a function that refuses entry or exit programs names one of these, beside
 * the text that says what it is of this function (`utramp list -j`: "refusal").
 * docs/coverage.md is made of it.
 *
 * Errors   none
 * Memory   constants
 * Context  [ctl] pure
 */
#ifndef ATTACH_REFUSAL_H
#define ATTACH_REFUSAL_H

#include "text/site.h"

#include <stdbool.h>

struct refusal {
	const char *code;
	bool entry;       /* no program at all; else no exit programs */
	const char *text; /* what it is, and what to do instead */
};

/* What no site or policy is the reason of. */
extern const struct refusal refusal_unreadable, refusal_unanalysed, refusal_far, refusal_ifunc,
	refusal_go, refusal_split_stack, refusal_no_types, refusal_variadic, refusal_stack_args,
	refusal_not_modelled, refusal_noreturn;

const struct refusal *refusal_of_site(enum site_reason reason);
/* why: what policy_never_patched() or policy_entry_only() gave; NULL: no such reason. */
const struct refusal *refusal_of_policy(const char *why);

/* The i-th of all; NULL behind the last. */
const struct refusal *refusal_at(unsigned i);

#endif
