/*
 * whole.bpf.c - two pairs of programs for every function of a program: whole.py attaches one pair
 * a run.
 *
 * count_in, count_out: one instruction each, put in line.  work_in, work_out: helpers, a hash map
 * that grows and shrinks, a ring that fills and drops, target memory read at addresses that are
 * often none: all that a program may do to the registers and the stack beneath a call.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, __u64);
} _by_value SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} _ring SEC(".maps");

__u64 entries, exits;
__u32 records;

SEC("?fentry.multi")
int count_in(__u64 *ctx)
{
	__sync_fetch_and_add(&entries, 1);
	return 0;
}

SEC("?fexit.multi")
int count_out(__u64 *ctx)
{
	__sync_fetch_and_add(&exits, 1);
	return 0;
}

static void record(__u64 kind, __u64 value)
{
	__u64 *r = bpf_ringbuf_reserve(&_ring, 48, 0);

	if (!r)
		return;
	r[0] = kind;
	r[1] = bpf_get_current_pid_tgid();
	r[2] = value;
	r[3] = bpf_ktime_get_ns();
	if (bpf_probe_read_user(&r[4], 8, (void *)value))
		r[4] = 0;
	if (records++ & 255) /* the reader prints what is submitted */
		bpf_ringbuf_discard(r, 0);
	else
		bpf_ringbuf_submit(r, 0);
}

SEC("?fentry.multi")
int work_in(__u64 *ctx)
{
	__u64 arg = 0, key, one = 1;

	bpf_get_func_arg(ctx, 0, &arg);
	key = arg & 1023;
	bpf_map_update_elem(&_by_value, &key, &one, BPF_ANY);
	record(0, arg);
	__sync_fetch_and_add(&entries, 1);
	return 0;
}

SEC("?fexit.multi")
int work_out(__u64 *ctx)
{
	__u64 ret = 0, key;

	bpf_get_func_ret(ctx, &ret);
	key = ret & 1023;
	bpf_map_delete_elem(&_by_value, &key);
	record(1, ret);
	__sync_fetch_and_add(&exits, 1);
	return 0;
}
