/*
 * info/objfile_priv.h - what the parts of objfile share; for src/info/objfile*.c only.
 *
 * Memory   arrays of the public struct are malloc'ed by the part that fills them, and
 *          freed by objfile_close(); strings of our own are in the pool, all others are
 *          libelf's (they live as long as elf).
 * Context  [ctl]
 */
#ifndef INFO_OBJFILE_PRIV_H
#define INFO_OBJFILE_PRIV_H

#include "info/objfile.h"
#include "info/type.h"

#include <gelf.h>

/* What the dynamic section says; addresses are file addresses, 0: absent. */
struct objfile_dynamic {
	taddr_t strtab, rela, jmprel, relr, symtab, init, fini;
	uint64_t strsz, relasz, pltrelsz, relrsz, soname, flags, flags_1;
	bool has_soname, textrel;
};

struct objfile_priv {
	struct objfile pub;
	Elf *elf;
	int fd;               /* -1: from memory */
	const uint8_t *bytes; /* the borrowed file, if from memory */
	uint64_t size;
	struct ty_pool *pool;

	/* symbols by name: built at the first lookup; 1 + index, 0 ends a chain */
	uint32_t *bucket, *chain;
	uint32_t mask;

	struct objfile_dynamic dynamic;

	/* the separate debug file, whose strings symbols are called by; fd 0: none */
	Elf *debug_elf;
	int debug_fd;
};

/* Bytes at a file offset; returns how many there were. */
size_t objfile_raw(const struct objfile_priv *p, uint64_t offset, void *out, size_t n);

/* Next section of this name behind scn (NULL: from the first); NULL: none. */
Elf_Scn *objfile_next_scn(const struct objfile_priv *p, Elf_Scn *scn, const char *name,
			  GElf_Shdr *shdr);

const struct objseg *objfile_seg_at(const struct objfile *o, taddr_t addr);

int objfile_read_syms(struct objfile_priv *p, struct diag *d);
int objfile_read_fdes(struct objfile_priv *p, struct diag *d);
int objfile_read_patchable(struct objfile_priv *p, const struct objfile_dynamic *dyn,
			   struct diag *d);

#endif
