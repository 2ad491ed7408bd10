/*
 * attach/policy.h - functions that are never given exit programs, or never touched.
 *
 * By name, since no analysis can see it: a function that returns twice, that looks at its
 * return address, or that never returns, breaks or never ends when it is called from an
 * image instead of from its caller (DESIGN section 6; reference/patching-and-abi.md 4.2).
 * Names come in many spellings (__GI___sigsetjmp, ____longjmp_chk): leading underscores and
 * glibc's prefixes do not matter.  A few words are meant only where libc defines them: a
 * program's own err() or clone() is like any other function.  What no name tells (a function
 * declared returns_twice in a program) is the user's to know: docs/transparency.md.
 *
 * Context  [ctl] pure
 */
#ifndef ATTACH_POLICY_H
#define ATTACH_POLICY_H

#include <stdbool.h>

enum policy_reason {
	/* entered they may be, but given no exit programs */
	POLICY_TWICE,
	POLICY_CALLER,
	POLICY_NORETURN,
	POLICY_STACKS,
	POLICY_UNWINDER,
	POLICY_EXEC,
	POLICY_CONVENTION,
	/* never patched */
	POLICY_FRAGMENT,
	POLICY_KERNEL_ENTRY,
	POLICY_JUMPED_TO,
	POLICY_SIGNAL_FRAME,
	POLICY_SIGNAL_RANGE,
	POLICY_EARLY,
	POLICY_REASONS,
};

/* The one text of each, that which the rules give. */
const char *policy_text(enum policy_reason reason);

/*
 * Both: the reason, or NULL.  symbol is the name in the symbol table, without version, soname
 * that of its module, or NULL.
 */
const char *policy_never_patched(const char *symbol, const char *soname);
const char *policy_entry_only(const char *symbol, const char *soname);

/* A piece of a function that has a symbol of its own; among the never patched. */
bool policy_is_fragment(const char *symbol);

#endif
