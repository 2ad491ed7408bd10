/*
 * utramp/types.h - give a target types and symbols that its own files lack.
 *
 * They count for functions that have no program yet.
 *
 * Errors   ENOENT  no module or function of the target is theirs
 *          EBADMSG a file that is not there, cannot be read, or is malformed
 *          EINVAL  misuse; a module has a debug file from before
 */
#ifndef UTRAMP_TYPES_H
#define UTRAMP_TYPES_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file with BTF, raw or in ELF, for a module: path, SONAME, short name, or pattern. */
UTRAMP_API int utramp_target__add_btf(struct utramp_target *t, const char *module,
				      const char *file);

/* One prototype as C writes it, "int f(struct s *, double)"; the name may be an address, 0x1234. */
UTRAMP_API int utramp_target__add_proto(struct utramp_target *t, const char *proto);

/*
 * Debug information that was split from a module: its file, which is the module's by their
 * build-id, or a directory laid out like /usr/lib/debug, in which each module's is looked for by
 * build-id and by .gnu_debuglink.  It gives types (DWARF) and the symbols that the module was
 * stripped of.  Without a word from you /usr/lib/debug is looked into, and the module's directory
 * and .debug there, as gdb does; nothing is ever downloaded.
 */
UTRAMP_API int utramp_target__add_debuginfo(struct utramp_target *t, const char *path);

#ifdef __cplusplus
}
#endif
#endif
