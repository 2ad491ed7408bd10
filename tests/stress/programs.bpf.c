/*
 * programs.bpf.c - programs of every kind that look at what they are given and count.
 *
 * Nobody reads the ring in most tests: it fills and drops.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, __u64);
} by_value SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} ring SEC(".maps");

__u32 told;

static void count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &which);

	if (n)
		*n += 1;
}

/* One line, so that a test knows that programs ran. */
static void tell(void)
{
	if (!told) {
		told = 1;
		bpf_printk("hit");
	}
}

static void record(__u64 kind, __u64 value)
{
	__u64 *r = bpf_ringbuf_reserve(&ring, 24, 0);

	if (!r)
		return;
	r[0] = kind;
	r[1] = bpf_get_current_pid_tgid();
	r[2] = value;
	bpf_ringbuf_submit(r, 0);
}

SEC("fentry")
int entry(__u64 *ctx)
{
	__u64 arg = 0, key, one = 1;

	bpf_get_func_arg(ctx, 0, &arg);
	key = arg & 1023;
	bpf_map_update_elem(&by_value, &key, &one, BPF_ANY);
	record(0, arg);
	count(0);
	tell();
	return 0;
}

SEC("fexit")
int leave(__u64 *ctx)
{
	__u64 ret = 0, key;

	bpf_get_func_ret(ctx, &ret);
	key = ret & 1023;
	bpf_map_delete_elem(&by_value, &key);
	record(1, ret);
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
int light(__u64 *ctx)
{
	count(3);
	return 0;
}
