/* wide.bpf.c - 128 bits in two words of the context, put together, shifted, compared, kept in a hash. */
#include "../programs.h"

typedef unsigned __int128 u128;

struct pair {
	__u64 lo, hi;
};

MAP(seen, HASH, 64, struct pair, __u64);
__u64 high, low, shifted, large;

SEC("fexit/wide")
int wide_result(unsigned long long *ctx)
{
	u128 x = (u128)ctx[1] << 64 | ctx[0], r = (u128)ctx[4] << 64 | ctx[3];
	struct pair key = { .lo = (__u64)r, .hi = (__u64)(r >> 64) };
	__u64 by = ctx[2];

	high += (__u64)(x >> 64);
	low += (__u64)x;
	shifted += (__u64)(r >> 66);
	large += r > ((u128)1 << 72);
	bpf_map_update_elem(&seen, &key, &by, BPF_ANY);
	return 0;
}
