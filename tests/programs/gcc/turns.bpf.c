/*
 * turns.bpf.c - what gcc 12 for eBPF, as Debian 12 has it, makes of a program without global data.
 *
 * Its assembler counts a global's place twice, which libbpf cannot know, here as in the kernel; it has
 * no CO-RE by attribute, and libbpf's helpers are called indirectly in many a program: docs/compilers.md.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} turns SEC(".maps");

static __attribute__((noinline)) __u64 *cell(__u32 at)
{
	return bpf_map_lookup_elem(&turns, &at);
}

SEC("fexit/spend")
int BPF_PROG(spent, int n, long ret)
{
	__u64 *v = cell(n / 100u);

	if (v)
		*v += ret + 1;
	return 0;
}
