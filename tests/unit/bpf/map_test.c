/* bpf/map.h: attribute checks as Linux 6.18 answers them (probed), places, elements. */
#include "bpf/map.h"

#include "base/types.h"
#include "rt/rt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct arena *a;

	assert_int_equal(arena_create(&a), 0);
	*state = a;
	rt_state.arena = (uintptr_t)a->hdr;
	return 0;
}

static int teardown(void **state)
{
	arena_destroy(*state);
	rt_state.arena = 0;
	return 0;
}

static int create(void **state, uint32_t type, uint32_t key, uint32_t value, uint32_t n,
		  uint32_t flags, struct map **m)
{
	struct map_attr at = { .type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = n,
			       .flags = flags,
			       .name = "events" };
	struct diag d = { "" };
	int err;

	*m = NULL;
	err = map_create(*state, &at, m, &d);
	if (err < 0) {
		assert_null(*m);
		assert_non_null(strstr(d.text, "events")); /* every refusal names the map */
	}
	return err;
}

static struct map *make(void **state, uint32_t type, uint32_t key, uint32_t value, uint32_t n,
			uint32_t flags)
{
	struct map *m;

	assert_int_equal(create(state, type, key, value, n, flags, &m), 0);
	return m;
}

enum {
	A = BPF_MAP_TYPE_ARRAY,
	PA = BPF_MAP_TYPE_PERCPU_ARRAY,
	H = BPF_MAP_TYPE_HASH,
	PH = BPF_MAP_TYPE_PERCPU_HASH,
	PE = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	ST = BPF_MAP_TYPE_STACK_TRACE,
	R = BPF_MAP_TYPE_RINGBUF
};
static const struct {
	uint32_t type, key, value, n, flags;
	int err;
} attr_cases[] = {
	{ A, 4, 8, 1, 0, 0 },
	{ A, 8, 8, 1, 0, -EINVAL },
	{ A, 0, 8, 1, 0, -EINVAL },
	{ A, 4, 0, 1, 0, -EINVAL },
	{ A, 4, 8, 0, 0, -EINVAL },
	{ A, 4, 8, 1, BPF_F_NO_PREALLOC, -EINVAL },
	{ A, 4, 8, 1, 1u << 30, -EINVAL },
	{ A, 4, 8, 1, BPF_F_RDONLY | BPF_F_WRONLY, -EINVAL },
	{ A, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG, -EINVAL },
	{ A, 4, 8, 1, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE, 0 },
	{ A, 4, 8, 1, BPF_F_NUMA_NODE, 0 },
	{ A, 4, 0x80000000u, 1, 0, -E2BIG },
	{ A, 4, 0x7fffffffu, 2, 0, -ENOMEM },
	{ A, 4, 8, UINT32_MAX, 0, -ENOMEM },
	{ A, 4, 8, UINT32_MAX, BPF_F_MMAPABLE, -ENOMEM },
	{ PA, 4, 8, 1, 0, 0 },
	{ PA, 4, 8, 1, BPF_F_MMAPABLE, -EINVAL },
	{ PA, 4, 8, 1, BPF_F_NUMA_NODE, -EINVAL },
	{ PA, 4, 32768, 1, 0, 0 },
	{ PA, 4, 32769, 1, 0, -E2BIG },
	{ H, 4, 8, 1, 0, 0 },
	{ H, 4, 8, 1, BPF_F_NO_PREALLOC, 0 },
	{ H, 4, 8, 1, BPF_F_ZERO_SEED, 0 },
	{ H, 4, 8, 1, BPF_F_MMAPABLE, -EINVAL },
	{ H, 0, 8, 1, 0, -EINVAL },
	{ H, 4, 0, 1, 0, -EINVAL },
	{ H, 4, 8, 0, 0, -EINVAL },
	{ H, 4, 5u << 20, 1, 0, -E2BIG },
	{ H, 4, 8, 0x80000001u, 0, -E2BIG },
	{ H, 4, 8, 0x80000000u, 0, -ENOMEM },
	{ PH, 4, 8, 1, 0, 0 },
	{ PH, 4, 32769, 1, 0, -E2BIG },
	{ PH, 4, 8, 1, BPF_F_NUMA_NODE, -EINVAL },
	{ R, 0, 0, 4096, 0, 0 },
	{ R, 4, 0, 4096, 0, -EINVAL },
	{ R, 0, 4, 4096, 0, -EINVAL },
	{ R, 0, 0, 0, 0, -EINVAL },
	{ R, 0, 0, 2048, 0, -EINVAL },
	{ R, 0, 0, 12288, 0, -EINVAL },
	{ R, 0, 0, 4096, BPF_F_MMAPABLE, -EINVAL },
	{ BPF_MAP_TYPE_UNSPEC, 4, 4, 1, 0, -EINVAL },
	{ 77, 4, 4, 1, 0, -EINVAL },
	{ BPF_MAP_TYPE_LRU_HASH, 4, 4, 1, 0, -ENOTSUP },
	{ PE, 4, 4, 1, 0, 0 },
	{ PE, 4, 4, 1, BPF_F_PRESERVE_ELEMS, 0 },
	{ PE, 4, 4, 1, BPF_F_RDONLY_PROG, -EINVAL },
	{ PE, 4, 8, 1, 0, -EINVAL },
	{ PE, 8, 4, 1, 0, -EINVAL },
	{ PE, 4, 4, 0, 0, -EINVAL },
	{ ST, 4, 8, 1, 0, 0 },
	{ ST, 4, 127 * 8, 1000, BPF_F_NUMA_NODE, 0 },
	{ ST, 4, 128 * 8, 1000, 0, -EINVAL },
	{ ST, 4, 12, 1, 0, -EINVAL },
	{ ST, 4, 0, 1, 0, -EINVAL },
	{ ST, 8, 8, 1, 0, -EINVAL },
	{ ST, 4, 8, 0, 0, -EINVAL },
	{ ST, 4, 8, 1, BPF_F_MMAPABLE, -EINVAL },
	{ ST, 4, 32, 1, BPF_F_STACK_BUILD_ID, -ENOTSUP },
	{ ST, 4, 8, 0x80000001u, 0, -E2BIG },
	{ ST, 4, 8, 0x80000000u, 0, -ENOMEM },
	{ BPF_MAP_TYPE_BLOOM_FILTER + 3, 4, 4, 1, 0, -ENOTSUP },
};

static void attributes(void **state)
{
	struct map *m;

	for (size_t i = 0; i < ARRAY_LEN(attr_cases); i++) {
		int err = create(state, attr_cases[i].type, attr_cases[i].key, attr_cases[i].value,
				 attr_cases[i].n, attr_cases[i].flags, &m);

		if (err != attr_cases[i].err)
			fail_msg("case %zu: %d, expected %d", i, err, attr_cases[i].err);
		map_put(m);
	}
}

static void names_of_types(void **state)
{
	struct map_attr at = { .type = BPF_MAP_TYPE_LRU_HASH, .name = "old" };
	struct map *m;
	struct diag d;

	assert_string_equal(map_type_name(BPF_MAP_TYPE_RINGBUF), "ringbuf");
	assert_string_equal(map_type_name(BPF_MAP_TYPE_PERCPU_HASH), "percpu_hash");
	assert_string_equal(map_type_name(0), "unknown");
	assert_string_equal(map_type_name(12345), "unknown");
	assert_int_equal(map_create(*state, &at, &m, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "lru_hash"));
	assert_non_null(strstr(d.text, "use a hash"));
}

static void set_stack(struct map *m, uint32_t id, uint32_t n)
{
	struct shm_stack *s =
		(struct shm_stack *)(void *)((char *)m->values + (size_t)id * m->shm->value_stride);

	for (uint32_t i = 0; i < n; i++)
		s->pc[i] = 0x1000 * id + i;
	s->nr = n;
	s->version += 2;
}

static void stack_elements(void **state)
{
	uint64_t got[3];
	uint32_t id = 5, next;
	struct map *m;

	assert_int_equal(create(state, ST, 4, 24, 5, 0, &m), 0); /* ids 0 to 7 */
	assert_int_equal(map_next_key(m, NULL, &next), -ENOENT);
	assert_int_equal(map_lookup(m, &id, got, 1), -ENOENT);
	set_stack(m, 5, 2);
	set_stack(m, 7, 3);
	set_stack(m, 0, 1);
	assert_int_equal(map_lookup(m, &id, got, 1), 0);
	assert_true(got[0] == 0x5000 && got[1] == 0x5001 && !got[2]);
	assert_int_equal(map_update(m, &id, got, 0, 1), -EINVAL);
	assert_int_equal(map_next_key(m, NULL, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(map_next_key(m, &next, &next), 0);
	assert_int_equal(next, 5);
	assert_int_equal(map_next_key(m, &next, &next), 0);
	assert_int_equal(next, 7);
	assert_int_equal(map_next_key(m, &next, &next), -ENOENT);
	id = 8;
	assert_int_equal(map_lookup(m, &id, got, 1), -ENOENT);
	assert_int_equal(map_delete(m, &id), -E2BIG);
	id = 4;
	assert_int_equal(map_delete(m, &id), -ENOENT);
	assert_int_equal(map_next_key(m, &id, &next), 0); /* none there: anew */
	assert_int_equal(next, 0);
	id = 5;
	assert_int_equal(map_delete(m, &id), 0);
	assert_int_equal(map_lookup(m, &id, got, 1), -ENOENT);
	/* a traced process may write anything there: no more than there is room for is read */
	set_stack(m, 7, 3);
	m->shm->value_stride = 1u << 30;
	((struct shm_stack *)(void *)((char *)m->values + 7 * 40))->nr = 1u << 30;
	id = 7;
	assert_int_equal(map_lookup(m, &id, got, 1), 0);
	map_put(m);
}

/* bpf(2) sees no element in it: there are no perf events. */
static void perf_elements(void **state)
{
	uint32_t key = 0, value = 3;
	struct map *m;

	assert_int_equal(create(state, PE, 4, 4, 2, 0, &m), 0);
	assert_int_equal(((struct shm_ring *)m->values)->producer.size, 512u << 10);
	assert_int_equal(map_lookup(m, &key, &value, 1), -ENOTSUP);
	assert_int_equal(map_update(m, &key, &value, 0, 1), -ENOTSUP);
	assert_int_equal(map_delete(m, &key), -ENOENT);
	key = 2;
	assert_int_equal(map_delete(m, &key), -E2BIG);
	assert_int_equal(map_next_key(m, NULL, &key), 0);
	assert_int_equal(key, 0);
	map_put(m);
	assert_int_equal(create(state, PE, 4, 4, 1000, 0, &m), 0);
	assert_int_equal(((struct shm_ring *)m->values)->producer.size, 8u << 20);
	map_put(m);
}

static void array_elements(void **state)
{
	struct map *m = make(state, BPF_MAP_TYPE_ARRAY, 4, 12, 3, 0);
	char in[12] = "hello world", out[12];
	uint32_t key = 2, next;

	assert_int_equal(m->fd, -1);
	assert_int_equal(m->shm->self, m->ref);
	assert_int_equal(m->shm->value_stride, 16);
	assert_int_equal(map_update(m, &key, in, BPF_ANY, 1), 0);
	assert_int_equal(map_lookup(m, &key, out, 1), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_memory_equal(rt_map_lookup_elem(m->shm, &key), in, sizeof(in));
	assert_int_equal(map_update(m, &key, in, BPF_EXIST, 1), 0);
	assert_int_equal(map_update(m, &key, in, BPF_NOEXIST, 1), -EEXIST);
	assert_int_equal(map_update(m, &key, in, 3, 1), -EINVAL);
	assert_int_equal(map_update(m, &key, in, BPF_F_LOCK, 1), -EINVAL);
	assert_int_equal(map_delete(m, &key), -EINVAL);
	key = 3;
	assert_int_equal(map_lookup(m, &key, out, 1), -ENOENT);
	assert_int_equal(map_update(m, &key, in, BPF_ANY, 1), -E2BIG);
	assert_int_equal(map_lookup_slot(m, &key, 0, out), -EINVAL);

	assert_int_equal(map_next_key(m, NULL, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(map_next_key(m, &key, &next), 0); /* outside: from the start */
	assert_int_equal(next, 0);
	key = 1;
	assert_int_equal(map_next_key(m, &key, &next), 0);
	assert_int_equal(next, 2);
	assert_int_equal(map_next_key(m, &next, &next), -ENOENT);
	map_put(m);
}

static void array_of_its_own(void **state)
{
	struct map *m = make(state, BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_MMAPABLE);
	uint32_t key = 3;
	uint64_t value = 42, *user;

	assert_true(m->fd >= 0);
	user = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	assert_true(user != MAP_FAILED);
	assert_int_equal(map_update(m, &key, &value, 0, 1), 0);
	assert_int_equal(user[3], 42);
	user[1] = 7;
	key = 1;
	assert_int_equal(map_lookup(m, &key, &value, 1), 0);
	assert_int_equal(value, 7);
	munmap(user, 4096);
	map_put(m);

	m = make(state, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	assert_true(m->arena->region[m->arena->nregions - 1].read_only);
	map_put(m);
}

static void hash_elements(void **state)
{
	struct map *m = make(state, BPF_MAP_TYPE_HASH, 5, 6, 4, 0);
	unsigned seen = 0, n = 0;
	char key[5] = "key0", next[5], value[6] = "val0", out[6];

	assert_int_equal(map_next_key(m, NULL, next), -ENOENT);
	assert_int_equal(map_lookup(m, key, out, 1), -ENOENT);
	assert_int_equal(map_delete(m, key), -ENOENT);
	assert_int_equal(map_update(m, key, value, BPF_EXIST, 1), -ENOENT);
	for (n = 0; n < 4; n++) {
		key[3] = value[3] = (char)('0' + n);
		assert_int_equal(map_update(m, key, value, BPF_NOEXIST, 1), 0);
	}
	assert_int_equal(map_update(m, key, value, BPF_NOEXIST, 1), -EEXIST);
	assert_int_equal(map_update(m, key, value, 8, 1), -EINVAL);
	assert_int_equal(map_update(m, "new!", value, BPF_ANY, 1), -E2BIG);
	assert_int_equal(map_lookup(m, "key2", out, 1), 0);
	assert_string_equal(out, "val2");
	for (n = 0; map_next_key(m, n ? next : NULL, next) == 0; n++)
		seen |= 1u << (next[3] - '0');
	assert_int_equal(n, 4);
	assert_int_equal(seen, 15);
	assert_int_equal(map_delete(m, "key1"), 0);
	assert_int_equal(map_update(m, "new!", value, BPF_ANY, 1), 0);
	map_put(m);
}

/* Slots that threads used are folded into cpus; an update is read back as given. */
static void percpu(void **state, uint32_t type)
{
	struct map *m = make(state, type, 4, 12, 2, 0);
	struct arena *a = *state;
	uint64_t in[2][2] = { { 100, 7 }, { 200, 9 } }, out[2][2], one[2] = { 0 };
	uint32_t key = 1;
	char *at;

	assert_int_equal(map_update(m, &key, in, BPF_ANY, 2), 0);
	memset(out, 0xff, sizeof(out));
	assert_int_equal(map_lookup(m, &key, out, 2), 0);
	assert_memory_equal(in, out, sizeof(in));

	for (unsigned slot = 5; slot < SHM_MAX_THREADS; slot += 1018) { /* 5 and 1023 */
		if (type == BPF_MAP_TYPE_PERCPU_HASH)
			at = rt_hash_value(m->shm, &key, slot);
		else
			at = (char *)m->values + (slot * 2 + 1) * 16;
		*(uint64_t *)at = slot;
		*(uint32_t *)(at + 8) = 1;
		a->hdr->thread[slot].touched = 1;
	}
	assert_int_equal(map_lookup(m, &key, out, 2), 0);
	assert_int_equal(out[0][0], 100);
	assert_int_equal(out[1][0], 200 + 5 + 1023);
	assert_int_equal(out[1][1], 9 + 2);
	assert_int_equal(map_lookup_slot(m, &key, 1023, one), 0);
	assert_int_equal(one[0], 1023);
	assert_int_equal(map_lookup_slot(m, &key, SHM_MAX_THREADS, one), -EINVAL);
	assert_int_equal(map_lookup(m, &key, out, 0), -EINVAL);
	assert_int_equal(map_update(m, &key, in, 0, SHM_MAX_THREADS + 1), -EINVAL);

	assert_int_equal(map_update(m, &key, in, BPF_EXIST, 2), 0);
	assert_int_equal(map_lookup(m, &key, out, 2), 0);
	assert_memory_equal(in, out, sizeof(in));
	key = 77;
	assert_int_equal(map_lookup(m, &key, out, 2), -ENOENT);
	assert_int_equal(map_lookup_slot(m, &key, 0, one), -ENOENT);
	map_put(m);
}

static void percpu_array(void **state)
{
	percpu(state, BPF_MAP_TYPE_PERCPU_ARRAY);
}

static void percpu_hash(void **state)
{
	percpu(state, BPF_MAP_TYPE_PERCPU_HASH);
}

static void ring(void **state)
{
	struct map_attr at = {
		.type = BPF_MAP_TYPE_RINGBUF, .max_entries = 8192, .name = "r", .lossless = true
	};
	const struct shm_ring *r;
	uint32_t key = 0;
	struct map *m;

	assert_int_equal(map_create(*state, &at, &m, NULL), 0);
	assert_true(m->fd >= 0);
	r = mmap(NULL, sizeof(*r) + 8192, PROT_READ, MAP_SHARED, m->fd, 0);
	assert_true(r != MAP_FAILED);
	assert_int_equal(r->producer.size, 8192);
	assert_int_equal(r->producer.lossless, 1);
	assert_int_equal(rt_ringbuf_output(m->shm, "abcdefgh", 8, 0), 0);
	assert_int_equal(r->producer.pos, 16);
	assert_memory_equal(r->data + SHM_RING_HDR, "abcdefgh", 8);
	munmap((void *)(uintptr_t)r, sizeof(*r) + 8192);
	assert_int_equal(map_lookup(m, &key, &key, 1), -ENOTSUP);
	assert_int_equal(map_update(m, &key, &key, 0, 1), -ENOTSUP);
	assert_int_equal(map_delete(m, &key), -ENOTSUP);
	assert_int_equal(map_next_key(m, NULL, &key), -ENOTSUP);
	map_put(m);
}

static void access_rules(void **state)
{
	struct map *m = make(state, BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	uint32_t v = 1;

	assert_int_equal(map_update(m, &v, &v, 0, 1), 0);
	assert_int_equal(map_freeze(m), 0);
	assert_int_equal(m->shm->frozen, 1);
	assert_int_equal(map_freeze(m), -EPERM);
	assert_int_equal(map_update(m, &v, &v, 0, 1), -EPERM);
	assert_int_equal(map_delete(m, &v), -EPERM);
	assert_int_equal(map_lookup(m, &v, &v, 1), 0);
	map_put(m);

	m = make(state, BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_RDONLY);
	assert_int_equal(map_update(m, &v, &v, 0, 1), -EPERM);
	assert_int_equal(map_freeze(m), -EPERM);
	assert_int_equal(map_lookup(m, &v, &v, 1), 0);
	map_put(m);

	m = make(state, BPF_MAP_TYPE_ARRAY, 4, 4, 2, BPF_F_WRONLY);
	assert_int_equal(map_lookup(m, &v, &v, 1), -EPERM);
	assert_int_equal(map_next_key(m, NULL, &v), -EPERM);
	assert_int_equal(map_update(m, &v, &v, 0, 1), 0);
	map_put(m);
}

static void references(void **state)
{
	struct map *m = make(state, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), *n;
	uint32_t id = m->id;

	assert_ptr_equal(map_get(m), m);
	map_put(m);
	assert_string_equal(m->name, "events"); /* still there */
	assert_ptr_equal(m->attr.name, m->name);
	map_put(m);
	map_put(NULL);
	n = make(state, BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	assert_true(n->id > id);
	map_put(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(names_of_types, setup, teardown),
		cmocka_unit_test_setup_teardown(stack_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(perf_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(array_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(array_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(hash_elements, setup, teardown),
		cmocka_unit_test_setup_teardown(percpu_array, setup, teardown),
		cmocka_unit_test_setup_teardown(percpu_hash, setup, teardown),
		cmocka_unit_test_setup_teardown(ring, setup, teardown),
		cmocka_unit_test_setup_teardown(access_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(references, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
