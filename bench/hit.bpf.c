/* hit.bpf.c - the programs on hit.c's traced twins. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

__u64 hits, returns, last[12];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} each SEC(".maps");

SEC("fentry/hit:empty_traced")
int empty_entry(void *ctx)
{
	return 0;
}

SEC("fentry/hit:entry_traced")
int entry_entry(void *ctx)
{
	hits++;
	return 0;
}

SEC("fexit/hit:exit_traced")
int exit_exit(void *ctx)
{
	returns++;
	return 0;
}

SEC("fentry/hit:both_traced")
int both_entry(void *ctx)
{
	hits++;
	return 0;
}

SEC("fexit/hit:both_traced")
int both_exit(void *ctx)
{
	returns++;
	return 0;
}

SEC("fentry/hit:percpu_traced")
int percpu_entry(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&each, &zero);

	if (n)
		(*n)++;
	return 0;
}

SEC("fentry/hit:late_traced")
int late_entry(__u64 *ctx)
{
	last[8] = ctx[8];
	return 0;
}

SEC("fentry/hit:store_traced")
int BPF_PROG(store_entry, long a, long b, long c, long d, long e, long f, long g, long h, long i,
	     long j, long k, long l)
{
	last[0] = a;
	last[1] = b;
	last[2] = c;
	last[3] = d;
	last[4] = e;
	last[5] = f;
	last[6] = g;
	last[7] = h;
	last[8] = i;
	last[9] = j;
	last[10] = k;
	last[11] = l;
	return 0;
}
