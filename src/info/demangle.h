/*
 * info/demangle.h - C++ and Rust symbol names as people write them.
 *
 * The C++ runtime's own demangler, when libstdc++ is there (it is looked for once).
 *
 * Errors   NULL: not a mangled name, or no demangler on this machine
 * Memory   the caller frees the result
 * Context  [ctl]
 */
#ifndef INFO_DEMANGLE_H
#define INFO_DEMANGLE_H

char *demangle(const char *mangled);

/* To be shown: with std::string as people write it. */
char *demangle_short(const char *mangled);

#endif
