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
 * Memory   the texts of a slab's names, and what is new until names_write(); names_fini()
 * Context  [ctl]
 */
#ifndef ATTACH_NAMES_H
#define ATTACH_NAMES_H

#include "base/types.h"
#include "base/vec.h"

#include <elf.h>
#include <stdbool.h>

/* Where an id's text is, in names.text. */
struct name_place {
	uint32_t at, room;
};

#define NAMES_NONE UINT32_MAX

struct names {
	struct {
		VEC(Elf64_Sym);
	} sym; /* not in the file yet, and of which id each is: */
	struct {
		VEC(uint32_t);
	} id;
	struct {
		VEC(char);
	} text; /* of all; from stale on it is not in the file */
	uint64_t stale;
	struct {
		VEC(struct name_place);
	} place; /* by id */
	struct {
		VEC(uint32_t);
	} left;                       /* ids that nobody has */
	uint64_t nsym, ntext;         /* the template's; 0: the file has its first tables still */
	uint64_t sym_head, text_head; /* where their section headers are */
	uint16_t section;             /* of slab_text, and where the file says that it is: */
	uint64_t room;
	bool failed;
	char *func, *shown; /* the last name that was asked for, and what it is shown as; or NULL */
};

/* Code at `at` in the slab that n was made for.  Its id, for names_drop(); NAMES_NONE: it has none. */
uint32_t names_add(struct names *n, taddr_t at, uint64_t size, const char *func, const char *what);

/* The code is no more; symbol and text serve another name. */
void names_drop(struct names *n, uint32_t id);

/* Write what is new into the file's tables; room: where the target has slab_text. */
void names_write(struct names *n, int fd, taddr_t room, uint64_t file_size);
void names_fini(struct names *n);

#endif
