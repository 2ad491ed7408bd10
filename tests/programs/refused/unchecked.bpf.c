/* unchecked.bpf.c - refused: a value of a map that may not be there, and a place that may be outside. */
#include "../programs.h"

MAP(sums, ARRAY, 4, __u32, __u64);

SEC("fentry/transfer")
int BPF_PROG(count, int conn, const void *buf, size_t len)
{
	__u32 key = conn;
	__u64 *v = bpf_map_lookup_elem(&sums, &key);

	*v += len;
	return 0;
}
