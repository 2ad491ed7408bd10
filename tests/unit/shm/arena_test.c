/* arena_test.c - the control side's arena: allocation, regions, checked references. */
#include "shm/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void layout_is_fixed(void **state)
{
	assert_int_equal(sizeof(struct shm_thread), 64);
	assert_int_equal(offsetof(struct shm_arena, thread), 112);
	assert_int_equal(sizeof(struct shm_map), 104);
	assert_int_equal(offsetof(struct shm_ring, data), 2 * SHM_RING_PAGE);
	assert_true(sizeof(struct rt_thread) <= RT_THREAD_SIZE);
	assert_int_equal(offsetof(struct rt_thread, inside), 24);
}

static void created_empty(void **state)
{
	struct arena *a;

	assert_int_equal(arena_create(&a), 0);
	assert_int_equal(a->hdr->magic, SHM_MAGIC);
	assert_int_equal(a->hdr->version, SHM_VERSION);
	assert_int_equal(a->hdr->control_pid, getpid());
	assert_int_equal(a->hdr->size, ARENA_SIZE);
	assert_true(a->fd >= 100);
	assert_true(fcntl(a->fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ftruncate(a->fd, 4096), -1);
	arena_destroy(a);
	arena_destroy(NULL);
}

static void allocates_aligned(void **state)
{
	struct arena *a;
	shm_ref r, s;

	assert_int_equal(arena_create(&a), 0);
	r = arena_alloc(a, 10, 1);
	s = arena_alloc(a, 10, 64);
	assert_true(r >= sizeof(struct shm_arena));
	assert_true(s >= r + 10);
	assert_int_equal(s % 64, 0);
	memset(shm_ptr(a, s, 10), 1, 10);
	assert_int_equal(arena_alloc(a, 0, 8), 0);
	assert_int_equal(arena_alloc(a, 8, 3), 0);
	assert_int_equal(arena_alloc(a, 8, 0), 0);
	assert_int_equal(arena_alloc(a, 8, 8192), 0);
	assert_int_equal(arena_alloc(a, UINT64_MAX - 4, 8), 0);
	assert_int_equal(arena_alloc(a, ARENA_SIZE, 8), 0);
	r = arena_alloc(a, ARENA_SIZE - a->next, 1);
	assert_true(r != 0);
	assert_int_equal(arena_alloc(a, 1, 1), 0);
	assert_int_equal(arena_add_region(a, 1, false, "x", &s, NULL), -ENOSPC);
	arena_destroy(a);
}

static void regions_have_their_own_bytes(void **state)
{
	struct arena *a;
	shm_ref before, at, after;
	char *own;
	int fd;

	assert_int_equal(arena_create(&a), 0);
	before = arena_alloc(a, 8, 8);
	memset(shm_ptr(a, before, 8), 'b', 8);
	assert_int_equal(arena_add_region(a, 5000, true, "utramp-map", &at, &fd), 0);
	after = arena_alloc(a, 8, 8);
	memset(shm_ptr(a, after, 8), 'a', 8);
	assert_int_equal(at % 4096, 0);
	assert_true(after >= at + 8192);
	assert_memory_equal(shm_ptr(a, before, 8), "bbbbbbbb", 8);
	assert_int_equal(a->nregions, 1);
	assert_int_equal(a->generation, 1);
	assert_int_equal(a->region[0].len, 8192);
	assert_true(a->region[0].read_only);
	assert_true(fd >= 100);
	own = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(own, MAP_FAILED);
	strcpy(shm_ptr(a, at + 4990, 6), "hello");
	assert_string_equal(own + 4990, "hello");
	munmap(own, 8192);
	for (int i = 0; i < 20; i++)
		assert_int_equal(arena_add_region(a, 1, false, "many", &at, NULL), 0);
	assert_int_equal(a->nregions, 21);
	assert_int_equal(arena_add_region(a, 0, false, "x", &at, NULL), -EINVAL);
	assert_int_equal(arena_add_region(a, UINT64_MAX, false, "x", &at, NULL), -ENOSPC);
	arena_destroy(a);
}

static void references_are_checked(void **state)
{
	struct arena *a;

	assert_int_equal(arena_create(&a), 0);
	assert_null(shm_ptr(a, 0, 1));
	assert_null(shm_ptr(a, ARENA_SIZE, 1));
	assert_null(shm_ptr(a, ARENA_SIZE - 4, 5));
	assert_null(shm_ptr(a, 8, UINT64_MAX));
	assert_null(shm_ptr(a, UINT64_MAX, 8));
	assert_ptr_equal(shm_ptr(a, ARENA_SIZE - 4, 4), (char *)a->hdr + ARENA_SIZE - 4);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_fixed),
		cmocka_unit_test(created_empty),
		cmocka_unit_test(allocates_aligned),
		cmocka_unit_test(regions_have_their_own_bytes),
		cmocka_unit_test(references_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
