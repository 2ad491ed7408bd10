/* stacks.bpf.c - counts by who calls: a key with a stack's number and a name, and a stack read whole. */
#include "../programs.h"

#define FRAMES 20

struct who {
	char comm[16];
	__u64 process;
	long stack;
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__uint(value_size, FRAMES * sizeof(__u64));
} _traces SEC(".maps");

struct trace {
	__u64 n;
	__u64 frame[FRAMES];
};

MAP(_calls, HASH, 1024, struct who, __u64);
MAP(_trace, PERCPU_ARRAY, 1, __u32, struct trace);
__u64 samples, frames, returns_here, same_caller;

SEC("fentry/spend")
int BPF_PROG(sample)
{
	struct who who = { .process = bpf_get_current_pid_tgid() >> 32 };
	__u64 *n, first = 1;

	who.stack = bpf_get_stackid(ctx, &_traces, BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP);
	if (who.stack < 0 || bpf_get_current_comm(who.comm, sizeof(who.comm)))
		return 0;
	n = bpf_map_lookup_elem(&_calls, &who);
	if (n)
		samples = __sync_fetch_and_add(n, 1) + 1;
	else
		bpf_map_update_elem(&_calls, &who, &first, BPF_NOEXIST);
	return 0;
}

SEC("fexit/depth")
int BPF_PROG(whole, int n)
{
	__u64 here = bpf_get_func_ip(ctx);
	__u32 zero = 0;
	struct trace *t = bpf_map_lookup_elem(&_trace, &zero);
	long bytes;

	if (!t || n)
		return 0;
	bytes = bpf_get_stack(ctx, t->frame, sizeof(t->frame), BPF_F_USER_STACK);
	if (bytes <= 0)
		return 0;
	t->n = bytes / sizeof(t->frame[0]);
	for (__u32 i = 0; i < FRAMES && i < t->n; i++) {
		frames++;
		same_caller += t->frame[i] == t->frame[0];
		returns_here += t->frame[i] - here < 64;
	}
	return 0;
}
