/* nine.bpf.c - entries and an exit of victim's nine(), with maps; one program is about work(). */
#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u64);
} results SEC(".maps");

__u64 total;

/* a subprogram */
static __attribute__((noinline)) __u64 mixed(__u64 *ctx, __u32 i)
{
	return i > 8 ? 0 : ctx[0] * 3 + total + i;
}

SEC("fentry/nine")
int nine_with_a_long_name_indeed(__u64 *ctx)
{
	__u32 key = 1;
	__u64 *hit = bpf_map_lookup_elem(&hits, &key);

	if (hit)
		*hit += ctx[0] + ctx[8];
	return 0;
}

SEC("fentry/nine")
int nine_second(__u64 *ctx)
{
	total += bpf_get_attach_cookie(ctx) + bpf_get_func_arg_cnt(ctx);
	return 0;
}

SEC("fexit/nine")
int nine_exit(__u64 *ctx)
{
	__u64 key = ctx[0], sum = ctx[1] + ctx[2] + ctx[3] + ctx[4] + ctx[5] + ctx[6] + ctx[7];

	sum += ctx[8] + ctx[9] + mixed(ctx, ctx[2] & 7);
	bpf_map_update_elem(&results, &key, &sum, BPF_ANY);
	return 0;
}

SEC("fentry/work")
int about_work(__u64 *ctx)
{
	total += ctx[0];
	return 0;
}

SEC("fentry/no_such_module.so:nothing")
int about_nothing(__u64 *ctx)
{
	return 0;
}
