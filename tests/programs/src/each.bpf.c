/* each.bpf.c - bpf_for_each_map_elem(): what a map has is summed up, its largest kept, the small deleted. */
#include "../programs.h"

struct bpf_map;

struct best {
	int key;
	__u64 value, n, sum;
};

MAP(bytes, HASH, 64, int, __u64);
MAP(_sized, ARRAY, 8, __u32, __u64);
struct best best;
long visited, deleted, arrays;

static long look(struct bpf_map *map, int *key, __u64 *value, struct best *b)
{
	b->n++;
	b->sum += *value;
	if (*value > b->value) {
		b->value = *value;
		b->key = *key;
	}
	return 0;
}

static long drop_small(struct bpf_map *map, int *key, __u64 *value, __u64 *limit)
{
	if (*value >= *limit)
		return 0;
	bpf_map_delete_elem(map, key);
	__sync_fetch_and_add(&deleted, 1);
	return 0;
}

static long add_all(struct bpf_map *map, __u32 *key, __u64 *value, void *sum)
{
	*(__u64 *)sum += *value * (*key + 1);
	return *key == 6; /* the last one is left out */
}

SEC("fexit/transfer")
int BPF_PROG(collect, int conn, const void *buf, size_t len)
{
	__u64 *v, n = len;
	__u32 size = len >> 10 & 7;

	v = bpf_map_lookup_elem(&bytes, &conn);
	if (v)
		__sync_fetch_and_add(v, n);
	else
		bpf_map_update_elem(&bytes, &conn, &n, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&_sized, &size);
	if (v)
		*v += 1;
	return 0;
}

SEC("fentry/depth")
int BPF_PROG(total, int n)
{
	struct best b = {};
	__u64 limit, sum = 0;

	if (n)
		return 0;
	visited = bpf_for_each_map_elem(&bytes, look, &b, 0);
	limit = b.value;
	best = b;
	bpf_for_each_map_elem(&bytes, drop_small, &limit, 0);
	bpf_for_each_map_elem(&_sized, add_all, &sum, 0);
	arrays = sum;
	return 0;
}
