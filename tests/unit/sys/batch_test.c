/*
 * batch_test.c - BPF_MAP_*_BATCH through libbpf's own functions, and their errors.
 */
#include "fixture.h"

#include <bpf/bpf.h>

#define N 50

static void fill(int map, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		uint64_t v = k * 3;

		assert_int_equal(bpf_map_update_elem(map, &k, &v, 0), 0);
	}
}

/* Keys 0 .. n - 1 with values key * factor, each once. */
static void expect(const uint32_t *key, const uint64_t *value, uint32_t n, uint64_t factor)
{
	bool seen[N] = { false };

	for (uint32_t i = 0; i < n; i++) {
		assert_true(key[i] < n && !seen[key[i]]);
		seen[key[i]] = true;
		assert_int_equal(value[i], key[i] * factor);
	}
}

/* All of it by steps of `step`: -ENOENT after the last. */
static void hash_by_steps(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, N, BPF_F_ZERO_SEED);
	uint32_t key[N], batch = 0, count, got = 0;
	uint64_t value[N];
	bool first = true;
	int err;

	(void)state;
	fill(map, N);
	for (;;) {
		count = N - got < 20 ? N - got : 20;
		if (!count)
			count = 1;
		err = bpf_map_lookup_batch(map, first ? NULL : &batch, &batch, key + got,
					   value + got, &count, NULL);
		assert_true(err == 0 || err == -ENOENT);
		got += count;
		first = false;
		if (err)
			break;
		assert_true(got <= N);
	}
	assert_int_equal(got, N);
	expect(key, value, N, 3);
	count = N; /* from bucket 64 on, there is none */
	assert_int_equal(bpf_map_lookup_batch(map, &(uint32_t){ 64 }, &batch, key, value, &count,
					      NULL),
			 -ENOENT);
	assert_int_equal(count, 0);
}

static void hash_no_room(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, N, BPF_F_ZERO_SEED);
	uint32_t key[N], batch = 0, count, most = 0;
	uint64_t value[N];

	(void)state;
	fill(map, N);
	/* the largest bucket has `most` keys; one that has more than the room is -ENOSPC */
	for (uint32_t b = 0; b < 64; b++) {
		for (count = 1; count < N; count++) {
			uint32_t n = count, in = b;
			int err = bpf_map_lookup_batch(map, &in, &batch, key, value, &n, NULL);

			if (err != -ENOSPC)
				break;
			assert_int_equal(n, 0);
			assert_in_range(batch, b, 63); /* ask it again, with more room */
		}
		most = count > most ? count : most;
	}
	assert_true(most > 1); /* 50 keys in 64 buckets: some share one */
}

static void hash_taken(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, N, 0);
	uint32_t key[N], batch = 0, count = N;
	uint64_t value[N];

	(void)state;
	fill(map, N);
	assert_int_equal(bpf_map_lookup_and_delete_batch(map, NULL, &batch, key, value, &count,
							 NULL),
			 -ENOENT);
	assert_int_equal(count, N);
	expect(key, value, N, 3);
	count = N;
	assert_int_equal(bpf_map_lookup_batch(map, NULL, &batch, key, value, &count, NULL),
			 -ENOENT);
	assert_int_equal(count, 0);
	fill(map, N); /* every element is free again */
}

static void update_and_delete(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, 8, 0);
	uint32_t key[10], batch = 0, count = 10;
	uint64_t value[10];

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		key[i] = i;
		value[i] = i * 5;
	}
	assert_int_equal(bpf_map_update_batch(map, key, value, &count, NULL), -E2BIG);
	assert_int_equal(count, 8); /* those before the error */
	assert_int_equal(bpf_map_lookup_batch(map, NULL, &batch, key, value, &count, NULL),
			 -ENOENT);
	assert_int_equal(count, 8);
	expect(key, value, 8, 5);
	key[3] = 77;
	count = 8;
	assert_int_equal(bpf_map_delete_batch(map, key, &count, NULL), -ENOENT);
	assert_int_equal(count, 3);
	count = 4;
	assert_int_equal(bpf_map_delete_batch(map, key + 4, &count, NULL), 0);
	assert_int_equal(count, 4);
	count = 8;
	assert_int_equal(bpf_map_lookup_batch(map, NULL, &batch, key, value, &count, NULL),
			 -ENOENT);
	assert_int_equal(count, 1);
}

static void arrays(void **state)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
	uint32_t key[10], batch, count = 4;
	uint64_t value[10];

	(void)state;
	fill(map, 10);
	assert_int_equal(bpf_map_lookup_batch(map, NULL, &batch, key, value, &count, NULL), 0);
	assert_int_equal(count, 4);
	assert_int_equal(batch, 3);
	count = 10;
	assert_int_equal(bpf_map_lookup_batch(map, &batch, &batch, key + 4, value + 4, &count,
					      NULL),
			 -ENOENT);
	assert_int_equal(count, 6);
	expect(key, value, 10, 3);
	key[1] = 10;
	count = 3;
	assert_int_equal(bpf_map_update_batch(map, key, value + 5, &count, NULL), -E2BIG);
	assert_int_equal(count, 1);
	assert_int_equal(bpf_map_lookup_elem(map, &(uint32_t){ 0 }, value), 0);
	assert_int_equal(value[0], 15);
	count = 1;
	assert_int_equal(bpf_map_delete_batch(map, key, &count, NULL), -ENOTSUP);
	assert_int_equal(bpf_map_lookup_and_delete_batch(map, NULL, &batch, key, value, &count,
							 NULL),
			 -ENOTSUP);
}

static void percpu(void **state)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY };
	size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	uint64_t *value = calloc(3 * cpus, 8);

	(void)state;
	for (unsigned t = 0; t < 2; t++) {
		int map = make_map(types[t], 4, 4, 3, 0);
		uint32_t key[3] = { 0, 1, 2 }, batch = 0, count = 3;

		for (size_t i = 0; i < 3 * cpus; i++)
			value[i] = i + 1;
		assert_int_equal(bpf_map_update_batch(map, key, value, &count, NULL), 0);
		assert_int_equal(count, 3);
		memset(value, 0xff, 3 * cpus * 8);
		memset(key, 0xff, sizeof(key));
		count = 3;
		assert_int_equal(bpf_map_lookup_batch(map, NULL, &batch, key, value, &count, NULL),
				 t ? 0 : -ENOENT);
		assert_int_equal(count, 3);
		for (size_t i = 0; i < 3 * cpus; i++)
			assert_int_equal(value[i], key[i / cpus] * cpus + i % cpus + 1);
		if (t)
			continue;
		memset(value, 0xff, 3 * cpus * 8);
		count = 3;
		assert_int_equal(bpf_map_lookup_and_delete_batch(map, NULL, &batch, key, value,
								 &count, NULL),
				 -ENOENT);
		assert_int_equal(count, 3);
		for (size_t i = 0; i < 3 * cpus; i++)
			assert_int_equal(value[i], key[i / cpus] * cpus + i % cpus + 1);
	}
	free(value);
}

static const int all[] = { BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH,
			   BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH };

/* Each array in turn is at an address that no process has. */
static void bad_memory(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, 4, 0);
	uint32_t key[4], out = 0;
	uint64_t value[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		union bpf_attr b = { .batch = { .map_fd = (uint32_t)map,
						.out_batch = PTR(&out),
						.values = PTR(value) } };

		b.batch.count = 2;
		b.batch.keys = 8;
		assert_int_equal(call(all[i], &b, sizeof(b)), -EFAULT);
		assert_int_equal(b.batch.count, 0);
		b.batch.count = 2;
		b.batch.keys = PTR(key);
		b.batch.values = 8;
		if (i < 3)
			assert_int_equal(call(all[i], &b, sizeof(b)), -EFAULT);
		b.batch.values = PTR(value);
		b.batch.count = 1;
		b.batch.out_batch = 8;
		if (i < 2)
			assert_int_equal(call(all[i], &b, sizeof(b)), -EFAULT);
		b.batch.out_batch = PTR(&out);
		b.batch.in_batch = 8;
		b.batch.count = 1;
		if (i < 2)
			assert_int_equal(call(all[i], &b, sizeof(b)), -EFAULT);
	}
}

static void errors(void **state)
{
	int map = make_map(BPF_MAP_TYPE_HASH, 4, 8, 4, 0), ring = make_map(27, 0, 0, 4096, 0);
	int unreadable = make_map(BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_WRONLY);
	int unwritable = make_map(BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_RDONLY);
	uint32_t key[4], out = 0;
	uint64_t value[4];
	struct fixture *f = *state;

	for (unsigned i = 0; i < 4; i++) {
		union bpf_attr b = { .batch = { .map_fd = (uint32_t)map,
						.out_batch = PTR(&out),
						.keys = PTR(key),
						.values = PTR(value) } };

		assert_int_equal(call(all[i], &b, sizeof(b)), 0); /* of none */
		b.batch.count = 2;
		b.batch.elem_flags = BPF_NOEXIST;
		assert_int_equal(call(all[i], &b, sizeof(b)), -EINVAL);
		assert_int_equal(b.batch.count, 2);
		b.batch.elem_flags = 0;
		b.batch.flags = 1;
		assert_int_equal(call(all[i], &b, sizeof(b)), -EINVAL);
		b.batch.flags = 0;
		b.batch.map_fd = (uint32_t)ring;
		assert_int_equal(call(all[i], &b, sizeof(b)), -ENOTSUP);
		assert_non_null(strstr(sys_last_error(f->s), "ringbuf"));
		b.batch.map_fd = (uint32_t)unreadable;
		if (i < 2)
			assert_int_equal(call(all[i], &b, sizeof(b)), -EPERM);
		b.batch.map_fd = (uint32_t)unwritable;
		if (i > 0)
			assert_int_equal(call(all[i], &b, sizeof(b)), -EPERM);
		b.batch.map_fd = 999;
		assert_int_equal(call(all[i], &b, sizeof(b)), -EBADF);
		((char *)&b)[sizeof(b.batch)] = 1;
		assert_int_equal(call(all[i], &b, sizeof(b)), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hash_by_steps),
		TEST(hash_no_room),
		TEST(hash_taken),
		TEST(update_and_delete),
		TEST(arrays),
		TEST(percpu),
		TEST(bad_memory),
		TEST(errors),
	};

	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
