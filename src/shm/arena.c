/*
 * shm/arena.c - see arena.h.
 *
 * The memfds are sealed against shrinking: a target that truncated one could kill the
 * control process by SIGBUS.
 */
#include "shm/arena.h"

#include "base/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE          4096ull
#define ARENA_FD_BASE 100 /* a target that inherits or counts descriptors sees low ones free */

/* A sealed memfd of len bytes, its number above ARENA_FD_BASE where RLIMIT_NOFILE has room. */
static int memfd_open(const char *name, uint64_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), high, err;

	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, ARENA_FD_BASE);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	err = limit_truncate(fd, (off_t)len);
	if (!err && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int arena_create(struct arena **out)
{
	struct arena *a;
	void *base;
	int err;

	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->fd = memfd_open("utramp-arena", ARENA_SIZE);
	if (a->fd < 0) {
		err = a->fd;
		free(a);
		return err;
	}
	base = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, a->fd, 0);
	if (base == MAP_FAILED) {
		err = -errno;
		close(a->fd);
		free(a);
		return err;
	}
	a->hdr = base;
	a->size = ARENA_SIZE;
	a->next = ALIGN_UP((uint64_t)sizeof(struct shm_arena), PAGE);
	a->hdr->version = SHM_VERSION;
	a->hdr->header_size = sizeof(struct shm_arena);
	a->hdr->size = ARENA_SIZE;
	a->hdr->control_pid = (uint32_t)getpid();
	a->hdr->thread[0].tid = a->hdr->thread[0].pid = a->hdr->control_pid;
	a->hdr->thread[0].touched = 1;
	a->hdr->slots_used = 1;
	__atomic_store_n(&a->hdr->magic, SHM_MAGIC, __ATOMIC_RELEASE);
	*out = a;
	return 0;
}

void arena_destroy(struct arena *a)
{
	if (!a)
		return;
	munmap(a->hdr, a->size);
	for (unsigned i = 0; i < a->nregions; i++)
		close(a->region[i].fd);
	free(a->region);
	close(a->fd);
	free(a);
}

/* Advance next; 0 when [ref, ref + len) does not fit. */
static shm_ref arena_take(struct arena *a, uint64_t len, uint64_t align)
{
	uint64_t at = ALIGN_UP(a->next, align);

	if (len > a->size || at > a->size - len)
		return 0;
	a->next = at + len;
	return at;
}

shm_ref arena_alloc(struct arena *a, uint64_t len, uint64_t align)
{
	if (!len || !align || align & (align - 1) || align > PAGE)
		return 0;
	return arena_take(a, len, align);
}

int arena_add_region(struct arena *a, uint64_t len, bool read_only, const char *name, shm_ref *out,
		     int *out_fd)
{
	uint64_t before = a->next, whole;
	struct arena_region *grown;
	shm_ref at;
	void *p;
	int fd;

	if (!len || len > a->size)
		return len ? -ENOSPC : -EINVAL;
	whole = ALIGN_UP(len, PAGE);
	if (a->nregions == a->cap_regions) {
		grown = reallocarray(a->region, a->cap_regions * 2 + 8, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		a->region = grown;
		a->cap_regions = a->cap_regions * 2 + 8;
	}
	at = arena_take(a, whole, PAGE);
	if (!at)
		return -ENOSPC;
	fd = memfd_open(name, whole);
	if (fd < 0) {
		a->next = before;
		return fd;
	}
	p = mmap((char *)a->hdr + at, whole, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED) {
		int err = -errno;

		close(fd);
		a->next = before;
		return err;
	}
	a->region[a->nregions++] = (struct arena_region){ at, whole, fd, read_only };
	a->generation++;
	*out = at;
	if (out_fd)
		*out_fd = fd;
	return 0;
}

void *shm_ptr(const struct arena *a, shm_ref ref, uint64_t len)
{
	if (!ref || ref > a->size || len > a->size - ref)
		return NULL;
	return (char *)a->hdr + ref;
}
