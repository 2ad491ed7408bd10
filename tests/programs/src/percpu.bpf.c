/* percpu.bpf.c - numbers of each CPU's own, and all of them summed up by the program. */
#include "../programs.h"

struct stat {
	__u64 calls, bytes;
};

MAP(stats, PERCPU_ARRAY, 4, __u32, struct stat);
MAP(names, PERCPU_HASH, 16, __u32, struct stat);
const volatile __u32 ncpus = 1024;
__u64 all_calls, all_bytes, hash_bytes;

SEC("fentry/transfer")
int BPF_PROG(one, int conn, const void *buf, size_t len)
{
	struct stat *s, first = { 1, len };
	__u32 k = conn & 3;

	s = bpf_map_lookup_elem(&stats, &k);
	if (s) {
		s->calls++;
		s->bytes += len;
	}
	k += 100;
	s = bpf_map_lookup_elem(&names, &k);
	if (s)
		s->bytes += len;
	else
		bpf_map_update_elem(&names, &k, &first, BPF_NOEXIST);
	return 0;
}

struct sum {
	struct stat total;
	__u32 key;
};

static long add_cpu(__u32 cpu, void *arg)
{
	struct sum *sum = arg;
	struct stat *s = bpf_map_lookup_percpu_elem(&stats, &sum->key, cpu);

	if (!s)
		return 1;
	sum->total.calls += s->calls;
	sum->total.bytes += s->bytes;
	return 0;
}

SEC("fexit/depth")
int BPF_PROG(total, int n)
{
	struct sum sum = {};
	__u32 k;

	if (n)
		return 0;
	for (k = 0; k < 4; k++) {
		sum.key = k;
		bpf_loop(ncpus, add_cpu, &sum, 0);
	}
	all_calls = sum.total.calls;
	all_bytes = sum.total.bytes;
	for (k = 100; k < 104; k++) {
		__u32 key = k; /* the loop's own stays in a register */
		struct stat *s = bpf_map_lookup_elem(&names, &key);

		if (s)
			hash_bytes += s->bytes;
	}
	return 0;
}
