/* refused.bpf.c - three programs; the verifier refuses the one in the middle. */
#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, int);
	__type(value, long);
} calls SEC(".maps");

SEC("fentry/work")
int BPF_PROG(before, int a)
{
	bpf_printk("before %d", a);
	return 0;
}

SEC("fentry/work")
int BPF_PROG(unchecked, int a)
{
	long *n = bpf_map_lookup_elem(&calls, &a);

	*n += 1; /* it may be NULL */
	return 0;
}

SEC("fexit/work")
int BPF_PROG(after, int a, int b, int ret)
{
	bpf_printk("after %d", ret);
	return 0;
}
