/*
 * attach/policy.h - functions that are never given exit programs, or never touched.
 *
 * By name, since no analysis can see it: a function that returns twice, that looks at its
 * return address, or that never returns, breaks or never ends when it is called from an
 * image instead of from its caller (DESIGN section 6; reference/patching-and-abi.md 4.2).
 *
 * Context  [ctl] pure
 */
#ifndef ATTACH_POLICY_H
#define ATTACH_POLICY_H

#include <stdbool.h>

/* Both: the reason, or NULL.  symbol is the name in the symbol table, without version. */
const char *policy_never_patched(const char *symbol);
const char *policy_entry_only(const char *symbol);

/* A piece of a function that has a symbol of its own; among the never patched. */
bool policy_is_fragment(const char *symbol);

#endif
