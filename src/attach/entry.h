/*
 * attach/entry.h - where an executable's main() is, with or without symbols.
 *
 * Errors   -ENOENT it has none that can be found (d says so)
 * Context  [ctl]
 */
#ifndef ATTACH_ENTRY_H
#define ATTACH_ENTRY_H

#include "base/diag.h"
#include "info/objfile.h"

/* The address in the file. */
int entry_find_main(const struct objfile *o, taddr_t *out, struct diag *d);

#endif
