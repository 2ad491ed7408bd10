/* sizes.bpf.c - sizes in histograms, one for each key of two members: by powers of two, and even steps. */
#include "../programs.h"

#define MAX_SLOTS 14

struct which {
	int conn;
	bool failed;
};

struct hist {
	__u64 total;
	__u32 slots[MAX_SLOTS];
};

const volatile __u32 step = 500;

MAP(by_conn, HASH, 64, struct which, struct hist);
MAP(steps_hist, ARRAY, 16, __u32, __u64);
static struct hist _initial;

SEC("fexit/transfer")
int BPF_PROG(size, int conn, const void *buf, size_t len, long ret)
{
	struct which key = {};
	__u32 at = len / step;
	struct hist *h;
	__u64 slot, *n;

	if (at > 15)
		at = 15;
	n = bpf_map_lookup_elem(&steps_hist, &at);
	if (n)
		__sync_fetch_and_add(n, 1);
	key.conn = conn;
	key.failed = ret < 0;
	h = bpf_map_lookup_elem(&by_conn, &key);
	if (!h) {
		bpf_map_update_elem(&by_conn, &key, &_initial, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&by_conn, &key);
		if (!h)
			return 0;
	}
	__sync_fetch_and_add(&h->total, len);
	slot = log2_of(len);
	if (slot >= MAX_SLOTS)
		slot = MAX_SLOTS - 1;
	__sync_fetch_and_add(&h->slots[slot], 1);
	return 0;
}
