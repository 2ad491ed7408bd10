/*
 * maps.bpf.c - calls of fx_f12 by every way out: ring buffer, hash, per-CPU array, text.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} by_result SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

SEC("fexit/fx_f12")
int f12_exit(__u64 *ctx)
{
	struct f12_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	__u64 ret = 0, one = 1, *n;
	__u32 slot = 1;

	bpf_get_func_ret(ctx, &ret);
	if (e) {
		for (int i = 0; i < 12; i++)
			e->arg[i] = ctx[i];
		e->ret = ret;
		e->tgid = bpf_get_current_pid_tgid() >> 32;
		bpf_ringbuf_submit(e, 0);
	}
	n = bpf_map_lookup_elem(&by_result, &ret);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&by_result, &ret, &one, BPF_ANY);
	n = bpf_map_lookup_elem(&calls, &slot);
	if (n)
		*n += 1;
	bpf_printk("f12 %d %ld", (int)ctx[11], ret);
	return 0;
}
