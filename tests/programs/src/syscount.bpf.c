/* syscount.bpf.c - a hash of struct keys, made where it is missing, counted without a lock. */
#include "../programs.h"

struct key {
	__u32 mode;
	short flags;
	bool absolute;
};

struct totals {
	__u64 calls, failed;
	__s64 sum;
};

MAP(counts, HASH, 256, struct key, struct totals);
MAP(by_ret, PERCPU_HASH, 64, int, __u64);
static struct totals _zero;

/* What is there, or what was put there, by whomever. */
static __always_inline void *value_of(void *map, const void *key, const void *initial)
{
	void *v = bpf_map_lookup_elem(map, key);

	if (v)
		return v;
	switch (bpf_map_update_elem(map, key, initial, BPF_NOEXIST)) {
	case 0:
	case -17: /* EEXIST */
		return bpf_map_lookup_elem(map, key);
	default:
		return NULL;
	}
}

SEC("fexit/open_file")
int BPF_PROG(count, const char *path, int flags, unsigned mode, int ret)
{
	struct key key = { .mode = mode % 8, .flags = flags };
	__u64 *n, one = 1;
	struct totals *t;
	char first = 0;

	bpf_probe_read_user(&first, 1, path);
	key.absolute = first == '/';
	t = value_of(&counts, &key, &_zero);
	if (!t)
		return 0;
	__sync_fetch_and_add(&t->calls, 1);
	if (ret < 0)
		__sync_fetch_and_add(&t->failed, 1);
	__sync_fetch_and_add(&t->sum, ret);
	ret = ret < 0 ? ret : 0;
	n = bpf_map_lookup_elem(&by_ret, &ret);
	if (n)
		*n += 1;
	else
		bpf_map_update_elem(&by_ret, &ret, &one, BPF_ANY);
	return 0;
}
