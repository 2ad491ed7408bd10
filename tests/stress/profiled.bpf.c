/*
 * profiled.bpf.c - what profiled.py has besides programs.bpf.c: programs that walk stacks, take a
 * function's place, run at entry and exit alike.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

extern bool bpf_session_is_return(void *ctx) __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64[32]);
} _stacks SEC(".maps");

__u64 skipped, walked, sessions;

static void walk(void *ctx, __u32 which)
{
	__u64 *pc = bpf_map_lookup_elem(&_stacks, &which);

	if (pc && bpf_get_stack(ctx, pc, 256, BPF_F_USER_STACK) > 0)
		walked++;
}

SEC("fentry")
int stack(__u64 *ctx)
{
	walk(ctx, 0);
	return 0;
}

SEC("fexit")
int stack_exit(__u64 *ctx)
{
	walk(ctx, 1);
	return 0;
}

SEC("fmod_ret")
int skip(__u64 *ctx)
{
	skipped++;
	return 1;
}

SEC("fsession")
int session(__u64 *ctx)
{
	if (bpf_session_is_return(ctx))
		sessions++;
	return 0;
}
