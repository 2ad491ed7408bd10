/* prog.bpf.c - programs that count how often they ran, for tests of attach/. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} ring SEC(".maps");

static void count(__u32 i)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &i);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("fentry/alpha")
int on_entry(__u64 *ctx)
{
	count(0);
	return 0;
}

SEC("fexit/alpha")
int on_exit(__u64 *ctx)
{
	count(1);
	return 0;
}

SEC("fentry")
int bare(__u64 *ctx)
{
	count(2);
	return 0;
}

SEC("fexit")
int bare_exit(__u64 *ctx)
{
	count(3);
	return 0;
}

SEC("fmod_ret")
int bare_mod(__u64 *ctx)
{
	count(6);
	return 0;
}

SEC("fentry")
int third_arg(__u64 *ctx)
{
	count(4 + (ctx[2] & 1));
	return 0;
}

SEC("fentry")
int record(__u64 *ctx)
{
	__u64 one = 1;

	bpf_ringbuf_output(&ring, &one, sizeof(one), 0);
	bpf_printk("hello %d", 7);
	return 0;
}

SEC("fentry")
int reads(__u64 *ctx)
{
	__u64 word;

	if (!bpf_probe_read_user(&word, sizeof(word), (void *)ctx[0]))
		count(7);
	return 0;
}
