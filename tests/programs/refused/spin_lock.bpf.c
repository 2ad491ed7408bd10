/* spin_lock.bpf.c - refused: a thread that holds one may be stopped, or be its own signal handler. */
#include "../programs.h"

struct element {
	struct bpf_spin_lock lock;
	__u64 calls, bytes;
};

MAP(elements, HASH, 16, int, struct element);

SEC("fentry/transfer")
int BPF_PROG(account, int conn, const void *buf, size_t len)
{
	struct element *e = bpf_map_lookup_elem(&elements, &conn);

	if (!e)
		return 0;
	bpf_spin_lock(&e->lock);
	e->calls++;
	e->bytes += len;
	bpf_spin_unlock(&e->lock);
	return 0;
}
