/*
 * attach/spec.h - read a function specification, "[MODULE:]FUNC".
 *
 * One grammar for the command line, SEC() and the API:
 *   the separator is the last ':' that is not part of '::' nor within brackets (a path, which
 *   may hold anything, ends at the first ':' behind the name of a file); a module may be a
 *   path, a SONAME, a short name ("libc"), a pattern, or empty: the executable first, then
 *   its libraries.  FUNC is a symbol, a demangled name, or 0xADDR in the file; "@VERSION"
 *   may follow.  '*' and '?' make it a pattern unless '=' leads or they are an operator's.
 *
 * A demangled name is that of info/cxxname.h, the result's type of a template's function
 * given or not; without parameters it means all overloads, with them (const and all) one.
 * A pattern is held against the name alone.
 *
 * Errors   -EINVAL empty, or a malformed address;  -ENOTSUP "+OFFSET" (diag: what to do)
 * Memory   a struct fspec owns its strings: fspec_fini()
 * Context  [ctl]
 */
#ifndef ATTACH_SPEC_H
#define ATTACH_SPEC_H

#include "base/diag.h"
#include "base/types.h"

struct fspec {
	char *module;  /* NULL: not given */
	char *func;    /* '=', version and parameters cut off; '\*' is no pattern */
	char *version; /* behind '@'; NULL: any */
	char *params;  /* "(int, char)" of a demangled name; NULL: all overloads */
	bool module_glob, func_glob;
	bool is_addr;
	taddr_t addr;
};

int fspec_parse(const char *text, struct fspec *out, struct diag *d);
void fspec_fini(struct fspec *s);

/* Shell-like match of '*' and '?', both match ':' and '/' too; a backslash takes what follows as it is. */
bool glob_match(const char *pattern, const char *text);

/* Does a module of this path and SONAME (NULL: none) answer to the name in a spec? */
bool fspec_module_matches(const struct fspec *s, const char *path, const char *soname);

/* Does a symbol (mangled, its version or NULL, demangled text or NULL) answer? */
bool fspec_symbol_matches(const struct fspec *s, const char *mangled, const char *version,
			  const char *demangled);

#endif
