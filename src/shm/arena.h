/*
 * shm/arena.h - the control side's handle of the shared arena.
 *
 * The arena is one range of address space, ARENA_SIZE bytes, backed by a sparse memfd.
 * Parts of it may be laid over by memfds of their own (maps that a user mmap()s, rings):
 * regions.  A traced process maps the same list, so offsets are equal on both sides.
 *
 * Errors   -ENOMEM, -ENOSPC (arena full), errno of memfd_create and mmap
 * Memory   arena_destroy() unmaps and closes everything; pointers die with it
 * Context  [ctl] allocation is not thread-safe; shm_ptr is
 */
#ifndef SHM_ARENA_H
#define SHM_ARENA_H

#include "base/types.h"
#include "shm/layout.h"

#define ARENA_SIZE (4ull << 30)

struct arena_region {
	shm_ref at; /* page-aligned */
	uint64_t len;
	int fd;         /* its bytes from offset 0 */
	bool read_only; /* a target maps it PROT_READ */
};

struct arena {
	struct shm_arena *hdr; /* base of our mapping */
	uint64_t size, next;
	int fd;
	struct arena_region *region; /* the overlays; the main memfd is not among them */
	unsigned nregions, cap_regions;
	uint32_t tails;      /* numbers given to programs in arrays: bpf/progarray.h */
	unsigned generation; /* counts regions added: who mapped fewer must map again */
};

int arena_create(struct arena **out);
void arena_destroy(struct arena *a); /* NULL is fine */

/* Zeroed memory in the main memfd; align is a power of two, at most 4096.  0: full. */
shm_ref arena_alloc(struct arena *a, uint64_t len, uint64_t align);

/* A region with a memfd of its own, name for /proc/PID/maps; *out_fd is borrowed. */
int arena_add_region(struct arena *a, uint64_t len, bool read_only, const char *name, shm_ref *out,
		     int *out_fd);

/* Our address of [ref, ref + len), or NULL if that is not inside the arena. */
void *shm_ptr(const struct arena *a, shm_ref ref, uint64_t len);

#endif
