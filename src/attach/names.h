/*
 * attach/names.h - names of slots and images in the slab's file, for debuggers and profilers.
 *
 * "utramp:FUNC" is FUNC's image, "utramp:FUNC slot" its slot; C++ names are shown demangled,
 * which keeps them apart from FUNC when gdb looks for it.
 *
 * Who reads the file: gdb -p, perf and eu-stack, while the target lives; afterwards those that
 * were told by UTRAMP_KEEP_SLABS that it stays (ctl/slab.c).
 *
 * Errors   none: without names everything works, so what cannot be written is left out
 * Memory   a slab's new names, until names_write(); names_fini()
 * Context  [ctl]
 */
#ifndef ATTACH_NAMES_H
#define ATTACH_NAMES_H

#include "base/types.h"
#include "base/vec.h"

#include <elf.h>
#include <stdbool.h>

struct names {
	struct {
		VEC(Elf64_Sym);
	} sym; /* not in the file yet */
	struct {
		VEC(char);
	} text;
	uint64_t nsym, ntext;         /* in the file; 0: it has its first tables still */
	uint64_t sym_head, text_head; /* where their section headers are */
	uint16_t section;             /* of slab_text, and where the file says that it is: */
	uint64_t room;
	bool failed;
};

/* Code at `at` in the slab that n was made for. */
void names_add(struct names *n, taddr_t at, uint64_t size, const char *func, const char *what);

/* Append what is new to the file's tables; room: where the target has slab_text. */
void names_write(struct names *n, int fd, taddr_t room, uint64_t file_size);
void names_fini(struct names *n);

#endif
