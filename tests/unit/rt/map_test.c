/* map_test.c - array, hash and per-CPU maps: results and errors of bpf-helpers(7). */
#include "rt_util.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

static uint64_t *lookup(struct shm_map *m, uint64_t key)
{
	return (uint64_t *)rt_map_lookup_elem(m, &key);
}

static int update(struct shm_map *m, uint64_t key, uint64_t value, uint64_t flags)
{
	return (int)rt_map_update_elem(m, &key, &value, flags);
}

static int remove_key(struct shm_map *m, uint64_t key)
{
	return (int)rt_map_delete_elem(m, &key);
}

static void array_reads_and_writes(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_ARRAY, 4, 8, 3);

	assert_int_equal(*lookup(m, 2), 0);
	assert_null(lookup(m, 3));
	assert_null(lookup(m, 0xffffffff));
	assert_int_equal(update(m, 2, 77, BPF_ANY), 0);
	assert_int_equal(update(m, 1, 66, BPF_EXIST), 0);
	assert_int_equal(*lookup(m, 2), 77);
	assert_int_equal(*lookup(m, 1), 66);
	assert_int_equal(update(m, 2, 1, BPF_NOEXIST), -EEXIST);
	assert_int_equal(update(m, 2, 1, 3), -EINVAL);
	assert_int_equal(update(m, 3, 1, BPF_ANY), -E2BIG);
	assert_int_equal(remove_key(m, 2), -EINVAL);
	assert_ptr_equal((void *)rt_map_lookup_percpu_elem(m, "\2\0\0", 0), NULL);
	m->map_flags = BPF_F_RDONLY_PROG;
	assert_int_equal(update(m, 2, 1, BPF_ANY), -EPERM);
	assert_int_equal(remove_key(m, 2), -EPERM);
	rt_util_destroy(a);
}

static void percpu_array_is_per_slot(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3);
	uint32_t slot = rt_thread_self()->slot, key = 1;

	assert_true(slot > 0);
	assert_int_equal(update(m, 1, 5, BPF_ANY), 0);
	assert_int_equal(*lookup(m, 1), 5);
	assert_int_equal(*(uint64_t *)rt_map_lookup_percpu_elem(m, &key, slot), 5);
	assert_int_equal(*(uint64_t *)rt_map_lookup_percpu_elem(m, &key, slot + 1), 0);
	assert_int_equal(rt_map_lookup_percpu_elem(m, &key, SHM_MAX_THREADS), 0);
	assert_int_equal(update(m, 3, 1, BPF_ANY), -E2BIG);
	rt_util_destroy(a);
}

static void hash_flags_and_limits(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 4);

	assert_null(lookup(m, 1));
	assert_int_equal(update(m, 1, 10, BPF_EXIST), -ENOENT);
	assert_int_equal(update(m, 1, 10, BPF_NOEXIST), 0);
	assert_int_equal(update(m, 1, 11, BPF_NOEXIST), -EEXIST);
	assert_int_equal(update(m, 1, 12, BPF_EXIST), 0);
	assert_int_equal(*lookup(m, 1), 12);
	assert_int_equal(update(m, 1, 12, 3), -EINVAL);
	for (uint64_t k = 2; k <= 4; k++)
		assert_int_equal(update(m, k, k * 10, BPF_ANY), 0);
	assert_int_equal(update(m, 5, 50, BPF_ANY), -E2BIG);
	assert_int_equal(update(m, 4, 44, BPF_ANY), 0);
	assert_int_equal(remove_key(m, 3), 0);
	assert_int_equal(remove_key(m, 3), -ENOENT);
	assert_int_equal(update(m, 5, 50, BPF_ANY), 0);
	assert_int_equal(*lookup(m, 5), 50);
	assert_int_equal(*lookup(m, 4), 44);
	assert_null(lookup(m, 3));
	rt_util_destroy(a);
}

/* Odd sizes; an update of an existing key replaces it, in place when the map is full. */
static void hash_large_values(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 5, 21, 2);
	char v[21], *first, *second;

	memset(v, 'a', sizeof(v));
	assert_int_equal(rt_map_update_elem(m, "key1", v, BPF_ANY), 0);
	first = (char *)rt_map_lookup_elem(m, "key1");
	memset(v, 'b', sizeof(v));
	assert_int_equal(rt_map_update_elem(m, "key1", v, BPF_ANY), 0);
	second = (char *)rt_map_lookup_elem(m, "key1");
	assert_ptr_not_equal(first, second);
	assert_memory_equal(second, v, sizeof(v));
	assert_int_equal(rt_map_update_elem(m, "key2", v, BPF_ANY), 0);
	memset(v, 'c', sizeof(v));
	assert_int_equal(rt_map_update_elem(m, "key1", v, BPF_EXIST), 0);
	assert_ptr_equal((void *)rt_map_lookup_elem(m, "key1"), second);
	assert_memory_equal(second, v, sizeof(v));
	assert_int_equal(rt_map_delete_elem(m, "key1"), 0);
	assert_int_equal(rt_map_delete_elem(m, "key2"), 0);
	assert_int_equal(rt_map_lookup_elem(m, "key1"), 0);
	rt_util_destroy(a);
}

/* Keys and values of odd sizes are copied forwards in a function of assembly that has DF set. */
static void hash_keeps_direction(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 5, 7, 2);
	const char *key = "key-1", *value = "value-1";
	uint64_t ret, flags = BPF_ANY;
	struct shm_map *to = m;
	char *v;

	__asm__ volatile("std\n\tcall *%5\n\tcld"
			 : "=&a"(ret), "+D"(to), "+S"(key), "+d"(value), "+c"(flags)
			 : "r"(rt_map_update_elem)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	assert_int_equal(ret, 0);
	v = (char *)rt_map_lookup_elem(m, "key-1");
	assert_non_null(v);
	assert_memory_equal(v, "value-1", 7);
	rt_util_destroy(a);
}

static void hash_iterates(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 100);
	uint64_t key, next, seen = 0, sum = 0;

	assert_int_equal(rt_hash_get_next(m, NULL, &next), -ENOENT);
	for (key = 1; key <= 100; key++)
		assert_int_equal(rt_hash_update(m, &key, &key, BPF_ANY, 0), 0);
	assert_int_equal(rt_hash_get_next(m, NULL, &next), 0);
	do {
		key = next;
		seen++;
		sum += key;
	} while (rt_hash_get_next(m, &key, &next) == 0 && seen <= 100);
	assert_int_equal(seen, 100);
	assert_int_equal(sum, 5050);
	key = 1000; /* not there: from the start */
	assert_int_equal(rt_hash_get_next(m, &key, &next), 0);
	key = 7;
	assert_int_equal(*(uint64_t *)rt_hash_value(m, &key, 0), 7);
	assert_int_equal(rt_hash_delete(m, &key), 0);
	assert_null(rt_hash_value(m, &key, 0));
	assert_int_equal(rt_hash_delete(m, &key), -ENOENT);
	assert_null(rt_hash_value(m, &key, SHM_MAX_THREADS));
	assert_int_equal(rt_hash_update(m, &key, &key, BPF_ANY, SHM_MAX_THREADS), -EINVAL);
	rt_util_destroy(a);
}

static void *other_thread(void *arg)
{
	assert_int_equal(update(arg, 1, 2, BPF_ANY), 0);
	return NULL;
}

static void percpu_hash_clears_other_slots(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_PERCPU_HASH, 8, 8, 2);
	uint64_t key = 1, v = 9, sum = 0;
	pthread_t t;

	assert_int_equal(update(m, 1, 1, BPF_ANY), 0);
	assert_int_equal(pthread_create(&t, NULL, other_thread, m), 0);
	pthread_join(t, NULL);
	assert_int_equal(rt_hash_update(m, &key, &v, BPF_ANY, 700), 0);
	for (uint32_t s = 0; s < SHM_MAX_THREADS; s++)
		sum += *(uint64_t *)rt_map_lookup_percpu_elem(m, &key, s);
	assert_int_equal(sum, 1 + 2 + 9);
	assert_int_equal(remove_key(m, 1), 0);
	assert_int_equal(update(m, 1, 4, BPF_ANY), 0); /* the same element again */
	for (uint32_t s = 0; s < SHM_MAX_THREADS; s++)
		sum -= *(uint64_t *)rt_map_lookup_percpu_elem(m, &key, s);
	assert_int_equal(sum, 8);
	rt_util_destroy(a);
}

/* Our own lock (a handler inside a writer): -EBUSY at once, lookups go on. */
static void hash_lock_own_other_dead(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 1);
	struct shm_hash *h = rt_util_ptr(a, m->hash);
	struct shm_bucket *b = rt_util_ptr(a, h->buckets);
	struct rt_thread *t = rt_thread_self();

	assert_int_equal(update(m, 1, 1, BPF_ANY), 0);
	b->lock = SHM_OWNER(t->slot, t->claims) + 1;
	assert_int_equal(update(m, 1, 2, BPF_ANY), -EBUSY);
	assert_int_equal(remove_key(m, 1), -EBUSY);
	assert_int_equal(*lookup(m, 1), 1);
	b->lock = SHM_OWNER(0, 0) + 1; /* the control process, alive */
	assert_int_equal(update(m, 1, 2, BPF_ANY), -EBUSY);
	assert_int_equal(m->busy, 3);
	b->lock = SHM_OWNER(t->slot, t->claims - 1) + 1; /* our slot's former owner */
	assert_int_equal(update(m, 1, 3, BPF_ANY), 0);
	assert_int_equal(b->lock, 0);
	b->lock = SHM_OWNER(900, 0) + 1; /* a free slot */
	assert_int_equal(update(m, 1, 4, BPF_ANY), 0);
	assert_int_equal(*lookup(m, 1), 4);
	rt_util_destroy(a);
}

static uint64_t shown(struct shm_map *m, const void *key, const void *value, uint64_t *n)
{
	(*n)++;
	return 0;
}

static struct shm_elem *elem_of(struct arena *a, struct shm_map *m, uint32_t n)
{
	struct shm_hash *h = rt_util_ptr(a, m->hash);

	return rt_util_ptr(a, h->elems + (n - 1) * h->elem_stride);
}

static void is_gone(struct shm_map *m, uint64_t key)
{
	uint64_t next, n = 0;

	assert_null(lookup(m, key));
	assert_null(rt_hash_value(m, &key, 0));
	assert_int_equal(rt_hash_get_next(m, NULL, &next), -ENOENT);
	rt_for_each_map_elem(m, (rt_callback)(uintptr_t)shown, (uint64_t)(uintptr_t)&n, 0);
	assert_int_equal(n, 0);
	for (uint32_t b = 0; b < m->max_entries; b++)
		assert_int_equal(rt_hash_bucket(m, b, &next, 1), 0);
	assert_int_equal(rt_hash_take(m, &key, NULL, NULL), -ENOENT);
	assert_int_equal(update(m, key, 1, BPF_EXIST), -ENOENT);
	assert_int_equal(remove_key(m, key), -ENOENT);
}

/* A key that was deleted rests, of words and of others: it is gone, comes back, and is free. */
static void hash_rests(void **state)
{
	static const uint32_t sizes[][2] = { { 8, 8 }, { 4, 8 }, { 8, 24 } };
	struct arena *a = rt_util_arena();

	for (unsigned i = 0; i < 3; i++) {
		struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, sizes[i][0], 24, 2);
		struct shm_hash *h = rt_util_ptr(a, m->hash);
		struct shm_rest *r = rt_util_ptr(a, h->rest);
		uint64_t value[3] = { 5, 6, 7 }, key = 1, *first, *at;
		uint32_t n;

		m->value_size = sizes[i][1];
		r += rt_thread_self()->slot;
		assert_int_equal(rt_map_update_elem(m, &key, value, BPF_ANY), 0);
		first = lookup(m, 1);
		for (int again = 0; again < 3; again++) {
			assert_int_equal(remove_key(m, 1), 0);
			n = r->elem;
			assert_true(n && elem_of(a, m, n)->hash & SHM_ELEM_RESTS);
			is_gone(m, 1);
			value[0]++;
			assert_int_equal(rt_map_update_elem(m, &key, value,
							    again ? BPF_ANY : BPF_NOEXIST),
					 0);
			at = lookup(m, 1);
			assert_ptr_equal(at, first); /* the same element */
			assert_memory_equal(at, value, m->value_size);
			assert_int_equal(rt_map_update_elem(m, &key, value, BPF_NOEXIST), -EEXIST);
		}
		assert_int_equal(remove_key(m, 1), 0);
		for (key = 2; key <= 3; key++) /* one from the list, one that rests */
			assert_int_equal(rt_map_update_elem(m, &key, value, BPF_ANY), 0);
		assert_int_equal(r->elem, 0);
		key = 1;
		assert_int_equal(rt_map_update_elem(m, &key, value, BPF_ANY), -E2BIG);
		assert_null(lookup(m, 1));
		assert_true(lookup(m, 2) && lookup(m, 3));
	}
	rt_util_destroy(a);
}

/* Who rests: the key that comes again, not each that passes. */
static void hash_rest_is_earned(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 4);
	struct shm_hash *h = rt_util_ptr(a, m->hash);
	struct shm_rest *r = rt_util_ptr(a, h->rest);
	uint32_t n;

	r += rt_thread_self()->slot;
	assert_int_equal(update(m, 1, 1, BPF_ANY), 0);
	assert_int_equal(remove_key(m, 1), 0);
	n = r->elem;
	for (uint64_t key = 2; key < 9; key++) {
		assert_int_equal(update(m, key, 1, BPF_ANY), 0);
		assert_int_equal(remove_key(m, key), 0);
		assert_int_equal(r->elem, n);
	}
	assert_int_equal(update(m, 8, 1, BPF_ANY), 0);
	assert_int_equal(remove_key(m, 8), 0);
	assert_true(r->elem && r->elem != n);
	is_gone(m, 8);
	for (uint64_t key = 11; key <= 14; key++)
		assert_int_equal(update(m, key, 1, BPF_ANY), 0);
	assert_int_equal(update(m, 15, 1, BPF_ANY), -E2BIG);
	rt_util_destroy(a);
}

/* A note that is being changed: by us (a handler inside), by a living thread, by a dead one. */
static void hash_rest_changing(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 2);
	struct shm_hash *h = rt_util_ptr(a, m->hash);
	struct shm_rest *r = rt_util_ptr(a, h->rest);
	struct rt_thread *t = rt_thread_self();
	uint32_t mine = SHM_REST_CHANGING | (t->claims & 0xffff);

	r += t->slot;
	r->elem = mine;
	assert_int_equal(update(m, 1, 1, BPF_ANY), 0);
	assert_int_equal(remove_key(m, 1), 0);
	assert_int_equal(r->elem, mine);
	is_gone(m, 1);
	assert_int_equal(update(m, 2, 1, BPF_ANY), 0);
	assert_int_equal(update(m, 3, 1, BPF_ANY), 0);
	assert_int_equal(update(m, 4, 1, BPF_ANY), -EBUSY);
	assert_int_equal(m->busy, 1);
	r->elem = SHM_REST_CHANGING | ((t->claims - 1) & 0xffff); /* our slot's former owner */
	assert_int_equal(update(m, 4, 1, BPF_ANY), -E2BIG);
	assert_int_equal(m->busy, 1);
	assert_int_equal(remove_key(m, 3), 0);
	assert_true(r->elem && !(r->elem & SHM_REST_CHANGING));
	assert_int_equal(update(m, 4, 1, BPF_ANY), 0);
	rt_util_destroy(a);
}

/* -- taking elements while others come -------------------------------------------------------- */

#define KEYS    20000
#define WRITERS 2

static struct shm_map *busy_map;
static int writing;

static void *add_keys(void *arg)
{
	for (uint32_t k = (uint32_t)(uintptr_t)arg; k < KEYS; k += WRITERS) {
		uint64_t v = k + 1ull;

		/* full, or its bucket is being looked at: again */
		while (rt_map_update_elem(busy_map, &k, &v, BPF_NOEXIST))
			sched_yield();
	}
	__atomic_fetch_sub(&writing, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void see_value(void *arg, const void *value, uint32_t slot)
{
	memcpy(arg, value, 8);
}

static uint32_t take_all(uint8_t *taken)
{
	uint32_t keys[64], total = 0;
	uint64_t v;
	int n;

	for (uint32_t b = 0; (n = rt_hash_bucket(busy_map, b, keys, 64)) != -ENOENT; b++) {
		for (int i = 0; i < n && i < 64; i++) {
			if (rt_hash_take(busy_map, &keys[i], see_value, &v))
				continue;
			assert_true(keys[i] < KEYS && v == keys[i] + 1ull);
			assert_int_equal(taken[keys[i]]++, 0);
			total++;
		}
	}
	return total;
}

/* Each key that went in comes out once. */
static void taken_while_added(void **state)
{
	struct arena *a = rt_util_arena();
	uint8_t *taken = calloc(KEYS, 1);
	pthread_t t[WRITERS];
	uint32_t total = 0;

	busy_map = rt_util_map(a, BPF_MAP_TYPE_HASH, 4, 8, 100);
	writing = WRITERS;
	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&t[i], NULL, add_keys, (void *)i);
	while (__atomic_load_n(&writing, __ATOMIC_SEQ_CST))
		total += take_all(taken);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
	total += take_all(taken);
	assert_int_equal(total, KEYS);
	assert_int_equal(take_all(taken), 0);
	free(taken);
	rt_util_destroy(a);
}

static void buckets(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_map(a, BPF_MAP_TYPE_HASH, 4, 8, 1); /* one bucket */
	uint32_t key = 5, got[2] = { 77, 77 };
	uint64_t v = 1;

	assert_int_equal(rt_hash_bucket(m, 0, got, 2), 0);
	assert_int_equal(rt_hash_bucket(m, 1, got, 2), -ENOENT);
	assert_int_equal(rt_map_update_elem(m, &key, &v, 0), 0);
	assert_int_equal(rt_hash_bucket(m, 0, got, 0), 1); /* no room, nothing written */
	assert_int_equal(got[0], 77);
	assert_int_equal(rt_hash_bucket(m, 0, got, 2), 1);
	assert_true(got[0] == 5 && got[1] == 77);
	key = 6;
	assert_int_equal(rt_hash_take(m, &key, see_value, &v), -ENOENT);
	rt_util_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_reads_and_writes),
		cmocka_unit_test(percpu_array_is_per_slot),
		cmocka_unit_test(hash_flags_and_limits),
		cmocka_unit_test(hash_large_values),
		cmocka_unit_test(hash_keeps_direction),
		cmocka_unit_test(hash_iterates),
		cmocka_unit_test(percpu_hash_clears_other_slots),
		cmocka_unit_test(hash_lock_own_other_dead),
		cmocka_unit_test(hash_rests),
		cmocka_unit_test(hash_rest_is_earned),
		cmocka_unit_test(hash_rest_changing),
		cmocka_unit_test(taken_while_added),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
