/*
 * info/needed.h - which libraries a program asks its loader for (DT_NEEDED), without reading
 * anything else of it.
 *
 * Errors   -ENOENT no such entry, no such file, or not an ELF file with a dynamic section
 * Context  [ctl]
 * Spec     System V gABI, "Dynamic Section"
 */
#ifndef INFO_NEEDED_H
#define INFO_NEEDED_H

#include <stddef.h>

/* The first needed library whose name begins with prefix, cut to cap. */
int needed_find(const char *path, const char *prefix, char *out, size_t cap);

#endif
