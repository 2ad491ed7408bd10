/*
 * info/debugfile.h - separate debug files: what one holds, and where a module's lies.
 *
 * A file belongs to a module if both have the same build-id, or if the module's .gnu_debuglink
 * names it and its checksum.  A tree is laid out like /usr/lib/debug: .build-id/xx/yyyy.debug, and
 * DIRECTORY/LINK for each directory with modules.  libdwfl would find them, too, but asks
 * debuginfod's servers as well, which a tracer must not do unasked.
 *
 * What dwz has put into a file of its own (.gnu_debugaltlink) the DWARF reader finds (dwarf_alt.c).
 *
 * Errors   -ENOENT there is none (diag: one that is there and does not belong, or nothing)
 *          -EBADMSG not an ELF file, or damaged;  -EACCES ... of open(2)
 * Memory   paths are malloc'ed, the caller's
 * Context  [ctl]
 * Spec     gdb manual, "Debugging Information in Separate Files"
 */
#ifndef INFO_DEBUGFILE_H
#define INFO_DEBUGFILE_H

#include "info/objfile.h"

#define DEBUGFILE_TREE "/usr/lib/debug"

struct debugfile {
	uint8_t build_id[32];
	unsigned build_id_len; /* 0: none */
	bool dwarf, symbols;   /* what it has */
};

int debugfile_read(const char *path, struct debugfile *out, struct diag *d);

bool debugfile_is_of(const struct debugfile *f, const struct objfile *o);

/* o's debug file in a tree, by build-id, then by link; path: what o is called where it runs. */
int debugfile_in_tree(const struct objfile *o, const char *path, const char *tree, char **out,
		      struct diag *d);

/* The same beside the module and in .debug there, by link. */
int debugfile_beside(const struct objfile *o, const char *path, char **out, struct diag *d);

/* "d41d8c...", "no build-id"; out has room for DEBUGFILE_ID_TEXT bytes. */
#define DEBUGFILE_ID_TEXT 72
const char *debugfile_id_text(const uint8_t *id, unsigned n, char *out);

#endif
