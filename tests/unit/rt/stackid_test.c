/*
 * stackid_test.c - stack trace maps: bpf_get_stackid as the kernel has it, readers, dead writers.
 *
 * One bucket, so that any two stacks meet in it.
 */
#include "rt_util.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER 256ull

static struct arena *arena;
static struct shm_map *map; /* stacks of 3 */
static uint64_t stack[64], rbp;

static int setup(void **state)
{
	shm_ref self;

	arena = rt_util_arena();
	self = arena_alloc(arena, sizeof(*map), 64);
	map = rt_util_ptr(arena, self);
	map->self = self;
	map->type = BPF_MAP_TYPE_STACK_TRACE;
	map->key_size = 4;
	map->value_size = 24;
	map->max_entries = 1;
	map->value_stride = sizeof(struct shm_stack) + 24;
	map->values_size = map->value_stride;
	map->values = arena_alloc(arena, map->values_size, 64);
	memset(stack, 0, sizeof(stack));
	return 0;
}

static int teardown(void **state)
{
	rt_util_destroy(arena);
	return 0;
}

static struct shm_stack *bucket(void)
{
	return rt_util_ptr(arena, map->values);
}

/* The stack pc, pc + 1, ... of n entries. */
static int64_t put(uint64_t pc, unsigned n, uint64_t flags)
{
	stack[0] = pc;
	for (unsigned i = 1; i < n; i++) {
		stack[2 * i] = (uint64_t)&stack[2 * i + 2];
		stack[2 * i + 1] = pc + i;
	}
	stack[2 * n] = 0;
	stack[2 * n + 1] = 0;
	rbp = n > 1 ? (uint64_t)&stack[2] : 0;
	if (n > 1)
		stack[2 * n - 2] = 0;
	return (int64_t)rt_get_stackid(NULL, map, flags, 0, stack, &rbp);
}

static void expect(uint64_t pc, unsigned n)
{
	uint64_t got[3];

	assert_int_equal(rt_stack_read(bucket(), got, 3), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(got[i], pc + i);
}

static void flags(void **state)
{
	assert_int_equal(put(0x1000, 2, USER), 0);
	expect(0x1000, 2);
	assert_int_equal(put(0x1000, 2, USER), 0);
	assert_int_equal(put(0x1000, 2, 0), 0);
	assert_int_equal(put(0x2000, 2, USER), -EEXIST);
	assert_int_equal(put(0x1000, 3, USER), -EEXIST);
	expect(0x1000, 2);
	assert_int_equal(put(0x2000, 3, USER | BPF_F_REUSE_STACKID), 0);
	expect(0x2000, 3);
	assert_int_equal(put(0x2000, 5, USER), 0); /* cut: the same three */
	assert_int_equal(put(0x1fff, 4, USER | 1), 0);
	assert_int_equal(put(0x3000, 3, USER | 3), -EFAULT); /* as the kernel: none left */
	assert_int_equal(put(0x3000, 3, USER | 200), -EFAULT);
	assert_int_equal(put(0x3000, 3, USER | 1 << 11), -EINVAL);
	assert_int_equal(put(0x3000, 3, USER | 1ull << 40), -EINVAL);
	map->type = BPF_MAP_TYPE_ARRAY;
	assert_int_equal(put(0x3000, 3, USER), -EINVAL);
	map->type = BPF_MAP_TYPE_STACK_TRACE;
	assert_int_equal(rt_get_stackid(NULL, map, USER, 0, NULL, NULL), R0(EINVAL));
	expect(0x2000, 3);
}

/* By its hash alone: another stack with the same is taken for it. */
static void fast_compare(void **state)
{
	assert_int_equal(put(0x1000, 2, USER), 0);
	bucket()->pc[1] = 77;
	assert_int_equal(put(0x1000, 2, USER), -EEXIST);
	assert_int_equal(put(0x1000, 2, USER | BPF_F_FAST_STACK_CMP), 0);
	assert_int_equal(bucket()->pc[1], 77);
	assert_int_equal(put(0x2000, 2, USER | BPF_F_FAST_STACK_CMP), -EEXIST);
}

static void deleted(void **state)
{
	uint64_t got[3];

	assert_int_equal(rt_stack_delete(map, bucket()), -ENOENT);
	assert_int_equal(put(0x1000, 3, USER), 0);
	assert_int_equal(rt_stack_delete(map, bucket()), 0);
	assert_int_equal(rt_stack_read(bucket(), got, 3), 0);
	assert_int_equal(put(0x2000, 1, USER), 0);
	expect(0x2000, 1);
}

/* The writer that a handler interrupted, and one that died in the middle. */
static void locked(void **state)
{
	struct rt_thread *t = rt_thread_self();
	uint64_t got[3];

	assert_int_equal(put(0x1000, 3, USER), 0);
	bucket()->lock = SHM_OWNER(t->slot, t->claims) + 1;
	assert_int_equal(put(0x1000, 3, USER), 0); /* reading needs no lock */
	assert_int_equal(put(0x2000, 3, USER | BPF_F_REUSE_STACKID), -EBUSY);
	assert_int_equal(map->busy, 1);
	bucket()->version |= 1;
	assert_int_equal(put(0x1000, 3, USER), -EBUSY);
	assert_int_equal(rt_stack_read(bucket(), got, 3), 0);

	bucket()->lock = SHM_OWNER(900, 1) + 1;    /* nobody has slot 900 */
	assert_int_equal(put(0x3000, 2, USER), 0); /* half a stack is none */
	expect(0x3000, 2);
	assert_int_equal(bucket()->lock, 0);
	bucket()->lock = SHM_OWNER(900, 1) + 1;
	bucket()->version |= 1;
	assert_int_equal(rt_stack_delete(map, bucket()), -ENOENT);
	assert_int_equal(put(0x1000, 1, USER), 0);
}

static int writing;

static void *writer(void *arg)
{
	uint64_t mine[8], fp = (uint64_t)&mine[2], base = (uint64_t)arg;

	for (uint64_t i = 0; i < 200000; i++) {
		mine[0] = base + i;
		mine[2] = (uint64_t)&mine[4];
		mine[3] = base + i + 1;
		mine[4] = 0;
		mine[5] = base + i + 2;
		rt_get_stackid(NULL, map, USER | BPF_F_REUSE_STACKID, 0, mine, &fp);
	}
	__atomic_fetch_sub(&writing, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Whatever is read is one stack, never parts of two. */
static void never_torn(void **state)
{
	pthread_t t[2];
	uint64_t got[3];

	writing = 2;
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, writer, (void *)((i + 1ull) << 40));
	while (__atomic_load_n(&writing, __ATOMIC_SEQ_CST)) {
		int n = rt_stack_read(bucket(), got, 3);

		if (!n)
			continue;
		assert_int_equal(n, 3);
		assert_true(got[1] == got[0] + 1 && got[2] == got[0] + 2);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(rt_stack_read(bucket(), got, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(flags, setup, teardown),
		cmocka_unit_test_setup_teardown(fast_compare, setup, teardown),
		cmocka_unit_test_setup_teardown(deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(locked, setup, teardown),
		cmocka_unit_test_setup_teardown(never_torn, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
