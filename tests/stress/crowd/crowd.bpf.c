/*
 * crowd.bpf.c - programs that count: two for each function by its cookie, and visitors of all kinds.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct counts {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts entries SEC(".maps"), exits SEC(".maps"), visits SEC(".maps");

static void count(void *map, __u32 which)
{
	__u64 *n = bpf_map_lookup_elem(map, &which);

	if (n)
		*n += 1;
}

SEC("fentry")
int steady_entry(__u64 *ctx)
{
	count(&entries, (__u32)bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("fexit")
int steady_exit(__u64 *ctx)
{
	count(&exits, (__u32)bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("fentry")
int light(__u64 *ctx)
{
	count(&visits, 0);
	return 0;
}

SEC("fentry")
int entry(__u64 *ctx)
{
	__u64 arg = 0;

	bpf_get_func_arg(ctx, 0, &arg);
	count(&visits, 1 + (arg & 1));
	return 0;
}

SEC("fexit")
int leave(__u64 *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	count(&visits, 3 + (ret & 1));
	return 0;
}

SEC("fmod_ret")
int pass(__u64 *ctx)
{
	count(&visits, 5);
	return 0;
}
