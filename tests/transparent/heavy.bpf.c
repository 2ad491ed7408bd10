/*
 * heavy.bpf.c - programs that change what programs may: helpers of every kind, and so every
 * caller-saved register, the stack below, and errno if any did.  With -DLIGHT two that only
 * count, for which a trampoline saves next to nothing.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entries, leaves;

#ifdef LIGHT

SEC("fentry")
int enter(__u64 *ctx)
{
	entries++;
	return 0;
}

SEC("fexit")
int leave(__u64 *ctx)
{
	leaves++;
	return 0;
}

#else

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, __u64);
} _seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} _ring SEC(".maps");

static void work(__u64 *ctx, __u64 value)
{
	char comm[16], text[24] = "abc";
	__u64 stack[4], key = value & 255, one = 1, *r;

	bpf_get_current_comm(comm, sizeof(comm));
	bpf_get_stack(ctx, stack, sizeof(stack), 0);
	bpf_probe_read_user(text, sizeof(text), (void *)stack[0]);
	bpf_probe_read_user(text, sizeof(text), (void *)8); /* fails: a system call's errno */
	one += bpf_ktime_get_ns() + bpf_get_prandom_u32() + bpf_get_current_pid_tgid();
	one += bpf_get_smp_processor_id() + bpf_get_current_uid_gid() + bpf_get_func_ip(ctx);
	one += bpf_strncmp(text, sizeof(text), "abc");
	bpf_map_update_elem(&_seen, &key, &one, BPF_ANY);
	r = bpf_map_lookup_elem(&_seen, &key);
	if (r)
		one += *r;
	bpf_map_delete_elem(&_seen, &key);
	bpf_ringbuf_output(&_ring, &one, sizeof(one), 0);
}

SEC("fentry")
int enter(__u64 *ctx)
{
	__u64 arg = 0;

	bpf_get_func_arg(ctx, 0, &arg);
	work(ctx, arg);
	entries++;
	return 0;
}

SEC("fexit")
int leave(__u64 *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	work(ctx, ret);
	leaves++;
	return 0;
}

#endif
