/*
 * info/maps.h - what is mapped in a process, and the modules that make it up.
 *
 * Knows files and anonymous memory; the vDSO is a region ("[vdso]"), not a module.
 *
 * Errors   -ESRCH no such process (or it has no memory: a zombie), -EACCES not ours to read,
 *          -EBADMSG text that is not /proc/PID/maps
 * Memory   lists are the caller's to free with the function named.
 * Context  [ctl]
 * Spec     proc_pid_maps(5)
 */
#ifndef INFO_MAPS_H
#define INFO_MAPS_H

#include "base/diag.h"
#include "base/types.h"
#include "base/vec.h"

#include <sys/types.h>

struct map_region {
	taddr_t lo, hi;
	uint64_t offset, inode;
	bool r, w, x, shared;
	const char *path; /* "" for anonymous memory; " (deleted)" removed, see deleted */
	bool deleted;
};

struct map_list {
	VEC(struct map_region);
	char *text; /* holds the paths */
};

int maps_read(pid_t pid, struct map_list *out, struct diag *d);
int maps_parse(char *text, struct map_list *out); /* takes text (malloc'ed) over, always */
void maps_free(struct map_list *m);

const struct map_region *maps_at(const struct map_list *m, taddr_t addr);

/* An ELF file in the process: one entry per file, in order of address. */
struct module {
	const char *path; /* in the target's mount namespace */
	taddr_t bias;     /* run-time address = file address + bias */
	taddr_t lo, hi;   /* mapped range */
	uint64_t inode;
	bool deleted;
};

struct module_list {
	VEC(struct module);
	struct map_list maps;
};

/* The bias is found by the file offset of the lowest mapping and the file's PT_LOADs. */
int modules_read(pid_t pid, struct module_list *out, struct diag *d);
void modules_free(struct module_list *m);
const struct module *modules_at(const struct module_list *m, taddr_t addr);

/*
 * A path by which we can open what the target has mapped, whatever its mount namespace and
 * whatever became of the name: /proc/PID/map_files, /proc/PID/root + path, or the path.
 * -ENOENT: none of them leads to that file.
 */
int module_path(pid_t pid, const struct module_list *list, const struct module *m, char *out,
		size_t cap);

/* The lowest gap of n bytes (a multiple of the page size) that lies wholly within
 * reach bytes of every byte of near; 0: none.  Room for the stack to grow is left, and for
 * the heap if that can be had. */
taddr_t maps_gap(const struct map_list *m, struct taddr_range near, uint64_t reach, uint64_t n);

#endif
