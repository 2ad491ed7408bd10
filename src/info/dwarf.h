/*
 * info/dwarf.h - prototypes and types from DWARF, over libdw.
 *
 * Errors   -ENOENT no DWARF in the file, or no such function in it
 *          -ENODATA it is in a .dwo file that is not there, or packed (diag: which)
 *          -EBADMSG damaged DWARF (diag: where)
 * Memory   prototypes live in the caller's pool, not in the reader.  Types are built so far as
 *          a few steps through pointers lead; what lies beyond is TY_UNKNOWN by its name.
 *          Names in C++ are qualified: "ns::C::f".
 * Context  [ctl]; a reader (and the pool given to it) belongs to one thread at a time
 * Spec     DWARF 5, chapters 3.3 (subroutines), 4.1 (objects), 5 (types); version 4 as well
 */
#ifndef INFO_DWARF_H
#define INFO_DWARF_H

#include "info/objfile.h"
#include "info/type.h"

struct dwarf_reader;

/*
 * A module, or its separate debug file; module NULL: path has the code, else module does (the
 * debug file of a module has its own symbols, but no unwind tables).  Opens lazily: no unit is
 * read yet.
 */
int dwr_open(const char *path, struct dwarf_reader **out, struct diag *d);
int dwr_open_separate(const char *path, const char *module, struct dwarf_reader **out,
		      struct diag *d);
void dwr_close(struct dwarf_reader *r);

/*
 * The prototype of the function whose code begins at file address addr (an out-of-line
 * instance: abstract origins and specifications are followed).  -ENOENT: none there.
 */
int dwr_proto_at(struct dwarf_reader *r, taddr_t addr, struct ty_pool *pool, struct proto *out,
		 struct diag *d);

/* How many inlined instances of a function by this (unqualified) name there are. */
int dwr_inlined_count(struct dwarf_reader *r, const char *name);

/* Every out-of-line function: fn(proto name, file address, argument); stops when fn is not 0,
 * and returns that. */
int dwr_each_func(struct dwarf_reader *r,
		  int (*fn)(const char *name, const char *linkage, taddr_t addr, void *arg),
		  void *arg);

/* Arguments of every subprogram with code, for the `args` table: see info/args.h. */
struct args_table;
int dwr_args(struct dwarf_reader *r, struct args_table *t, struct diag *d);

#endif
