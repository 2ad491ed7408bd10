/*
 * attach/modset.h - the modules functions are looked for in: those of a process, or files.
 *
 * A module is opened once and keeps what is expensive: its symbols, its branch sweep, its
 * debug information.  All of it is read on first need.
 *
 * Errors   those of info/;  a module whose file is gone or replaced is refused (-ENOENT)
 * Memory   modset_free() frees modules and all that functions borrow from them
 * Context  [ctl]
 */
#ifndef ATTACH_MODSET_H
#define ATTACH_MODSET_H

#include "base/vec.h"
#include "info/btf.h"
#include "info/dwarf.h"
#include "info/maps.h"
#include "info/objfile.h"
#include "info/type.h"
#include "text/site.h"
#include "text/sweep.h"

/* What is mapped, as far as can be told: that a path names another file now, for one. */
struct module_id {
	uint64_t inode, size, head; /* head: a hash of ELF header, program headers and notes */
	int64_t mtime_ns;           /* of the file, with its size; 0: it cannot be found */
};

struct amodule {
	char *path;        /* as the target sees it */
	const char *shown; /* SONAME, or the file's name */
	struct objfile *obj;
	taddr_t bias, lo;    /* lo: of its first mapping, if late */
	bool main;           /* the executable */
	bool live;           /* mapped in a process: bias is true */
	bool late;           /* it came at run time, so it may go again */
	bool gone;           /* it was unloaded: nothing at its addresses is its own */
	bool told;           /* that it came, or another of its path */
	struct module_id id; /* late ones: attach/modlife.h */
	unsigned served;     /* how many of the specs that wait for modules it was held against */

	struct sweep *sweep;         /* lazily: module_sweep() */
	struct dwarf_reader *dwarf;  /* lazily, NULL: none */
	struct btf_reader *btf;      /* its own .BTF, or NULL */
	struct btf_reader *btf_file; /* given by the user, or NULL */
	struct btf_reader *pack;     /* lazily: module_pack() */
	char *pack_path, *pack_why;  /* its file, NULL: none; why that cannot be used */
	bool tried_dwarf, tried_btf, tried_pack, pack_told;
	struct {
		char *path;  /* its separate debug file; NULL: none */
		char *why;   /* one that is there is of no use: which and why; NULL */
		bool tried;  /* it was looked for, or given */
		bool given;  /* by the user */
		bool in_use; /* dwarf is its, not the module's own */
	} debug;
	struct {
		bool known;
		struct taddr_range code;
	} go;                /* where goroutines' code lies: attach/prepare.c */
	struct block *block; /* bytes of the file that were read last: module_bytes() */
	struct {
		VEC(struct taddr_range);
	} taken; /* windows and hops of its sites, run-time addresses, disjoint and in order */
};

struct modset {
	VEC(struct amodule *); /* the executable first, then in the order of loading */
	struct ty_pool *pool;  /* prototypes of every function live here */
	struct {
		VEC(struct amodule *);
	} gone; /* were unloaded: functions borrow from them, and they may come back */
};

int modset_new(struct modset **out);
void modset_free(struct modset *s); /* NULL is fine */

/* The modules of a process: pid's executable first.  Slabs (paths in skip) are left out. */
int modset_add_process(struct modset *s, pid_t pid, const struct module_list *list,
		       const char *const *skip, unsigned nskip, struct diag *d);

/* One more that is mapped now, the last.  -ENOENT, -EBADMSG: it cannot be opened, or is no ELF file. */
int modset_add_late(struct modset *s, pid_t pid, const struct module_list *list,
		    const struct module *mod, struct amodule **out, struct diag *d);

/* One file, not in a process. */
int modset_add_file(struct modset *s, const char *path, struct diag *d);

/* The branch sweep of the module's code, made on first use. */
int module_sweep(struct amodule *m, const struct sweep **out, struct diag *d);

/* As objfile_bytes(), for who asks for one place after the other. */
size_t module_bytes(struct amodule *m, taddr_t addr, void *out, size_t n);

/* Keep other sites from the bytes of this one. */
int module_take(struct amodule *m, const struct site *site);
/* Those that reach into [lo, hi). */
const struct taddr_range *module_taken(const struct amodule *m, taddr_t lo, taddr_t hi, size_t *n);
void module_give_back(struct amodule *m, const struct site *site);

/*
 * The module's separate debug file, where systems have it: looked for once.  Its symbols count
 * from then on, its DWARF where the module has none.
 */
void module_find_debug(struct amodule *m);

/* The user's, which comes before the module's own DWARF; it belongs, that was checked. */
int module_give_debug(struct amodule *m, const char *path, struct diag *d);
void module_debug_fini(struct amodule *m);

struct dwarf_reader *module_dwarf(struct amodule *m);
struct btf_reader *module_btf(struct amodule *m);

#endif
