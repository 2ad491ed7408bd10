/*
 * die.bpf.c - programs at entry, exit and instead; `look` reads memory, so it brings a handler of
 * SIGSEGV with it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &which);

	if (n)
		*n += 1;
}

SEC("fentry")
int entry(__u64 *ctx)
{
	count(0);
	return 0;
}

SEC("fexit")
int leave(__u64 *ctx)
{
	count(1);
	return 0;
}

SEC("fmod_ret")
int pass(__u64 *ctx)
{
	count(2);
	return 0;
}

SEC("fentry")
int look(__u64 *ctx)
{
	__u64 arg = 0, there = 0;

	bpf_get_func_arg(ctx, 0, &arg);
	bpf_probe_read_user(&there, sizeof(there), (void *)arg);
	count(there == 1 ? 0 : 3);
	return 0;
}
