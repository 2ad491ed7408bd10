/*
 * count.bpf.c - how often a program allocates memory, and how much at a time.
 *
 *	utramp run count.bpf.o -- sort /etc/passwd
 *
 * Counters are plain and per thread or global: no atomic instruction, no lock.  The histogram
 * is an array whose name ends in _hist: element n counts sizes from 2^n on.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} sizes_hist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

static __always_inline __u32 log2(__u64 n)
{
	__u32 log = 0;

#pragma unroll
	for (int bits = 32; bits; bits /= 2) {
		if (n >> bits) {
			n >>= bits;
			log += bits;
		}
	}
	return log;
}

SEC("fentry/libc:malloc")
int UT_PROG(count_malloc, __u64, size)
{
	__u32 zero = 0, slot = log2(size);
	__u64 *n = bpf_map_lookup_elem(&calls, &zero);

	if (n)
		++*n;
	n = bpf_map_lookup_elem(&sizes_hist, &slot);
	if (n)
		++*n;
	return 0;
}
