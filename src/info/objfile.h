/*
 * info/objfile.h - what an ELF file says about functions: symbols, ranges, identity.
 *
 * libelf reads; everything is checked and bounded.  Knows files, not processes: all
 * addresses are the file's own (p_vaddr), a process adds its load bias (info/maps.h).
 *
 * Errors   -ENOENT file missing, -EACCES unreadable, -EBADMSG not an ELF file or damaged,
 *          -ENOTSUP an ELF file of another machine or class (diag names it)
 * Memory   an objfile owns its strings and arrays until objfile_close().
 * Context  [ctl]
 * Spec     ELF gABI; LSB (.eh_frame); gnu hash is not used: tables are read whole.
 */
#ifndef INFO_OBJFILE_H
#define INFO_OBJFILE_H

#include "base/diag.h"
#include "base/types.h"

enum { OBJSYM_FUNC, OBJSYM_IFUNC, OBJSYM_OBJECT, OBJSYM_OTHER };

struct objsym {
	const char *name;    /* mangled */
	const char *version; /* "GLIBC_2.2.5", or NULL */
	taddr_t addr;        /* file address */
	uint64_t size;
	uint8_t type;         /* OBJSYM_* */
	bool global;          /* STB_GLOBAL, WEAK or GNU_UNIQUE */
	bool dynamic;         /* from .dynsym */
	bool default_version; /* sym@@VERSION */
};

struct objseg {
	taddr_t addr;
	uint64_t memsz, filesz, offset;
	bool r, w, x;
};

struct objfile {
	char *path;
	bool is_dyn; /* ET_DYN: shared object or PIE */
	bool is_pie; /* ET_DYN with DF_1_PIE or an interpreter */
	bool has_interp;
	bool textrel;
	char *interp; /* NULL: none */
	char *soname; /* NULL: none */
	taddr_t entry;
	uint8_t build_id[32];
	unsigned build_id_len;
	struct objfile_id {
		uint64_t dev, ino, size;
		int64_t mtime_ns, ctime_ns;
	} file; /* when it was opened; all 0: it is none */

	const struct objseg *seg;
	unsigned nseg;
	const struct objsym *sym; /* sorted by address, defined ones only */
	unsigned nsym;
	const struct taddr_range *fde; /* functions by .eh_frame, sorted; cold parts left out */
	unsigned nfde;
	const taddr_t *patchable; /* __patchable_function_entries, sorted */
	unsigned npatchable;
	void *priv;
};

int objfile_open(const char *path, struct objfile **out, struct diag *d);

/* The same from memory (the vDSO, an embedded template); bytes are borrowed until close. */
int objfile_open_mem(const void *bytes, size_t n, const char *name, struct objfile **out,
		     struct diag *d);
void objfile_close(struct objfile *o); /* NULL is fine */

/*
 * Add the symbols that o's separate debug file has, so far as they lie in o's segments.
 * objsym pointers from before are invalid, their names are not.  -EBADMSG: o is as it was.
 */
int objfile_add_symbols(struct objfile *o, const char *debug_file, struct diag *d);

/* A section's bytes (decompressed), borrowed; *n its size.  NULL: no such section. */
const void *objfile_section(const struct objfile *o, const char *name, size_t *n, taddr_t *addr);

/* Bytes of the file at a file address, at most n; returns how many. */
size_t objfile_bytes(const struct objfile *o, taddr_t addr, void *out, size_t n);

/* First symbol at this exact address that is a function; NULL: none. */
const struct objsym *objfile_sym_at(const struct objfile *o, taddr_t addr);

/* The function that contains addr, by symbol size or FDE; false: none. */
bool objfile_func_range(const struct objfile *o, taddr_t addr, struct taddr_range *out);

/*
 * The same; and of a function's symbol at addr without a size or an FDE, as assembly has them
 * (libGL's stubs), as far as the next symbol or FDE.
 */
bool objfile_func_extent(const struct objfile *o, taddr_t addr, struct taddr_range *out);

/*
 * Addresses in executable segments that the file names, however it means them: symbols of
 * any type and size, the entry point, DT_INIT and DT_FINI, and what relocations put into
 * pointers (R_X86_64_64, RELATIVE, IRELATIVE, DT_RELR).  malloc'ed, in no order, repeated.
 */
int objfile_code_addresses(const struct objfile *o, taddr_t **out, size_t *n);

/* First defined symbol of this name (dynamic and default version preferred); NULL: none. */
const struct objsym *objfile_sym(const struct objfile *o, const char *name);

#endif
