/* self.bpf.c - follows a pointer argument of a function of the process that loads it;
 * counts calls. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct self_box {
	long value;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("fentry/self_value")
int BPF_PROG(look, struct self_box *box)
{
	long value = 0;
	__u32 key;
	__u64 *n;

	bpf_probe_read_user(&value, sizeof(value), &box->value);
	key = value == 7;
	n = bpf_map_lookup_elem(&counts, &key);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} calls SEC(".maps");

static void add_one(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&calls, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("fentry")
int count(void *ctx)
{
	add_one(0);
	return 0;
}

SEC("fexit")
int leave(void *ctx)
{
	add_one(1);
	return 0;
}

SEC("fentry")
int enter(void *ctx)
{
	add_one(2);
	return 0;
}
