/*
 * hit.bpf.c - the programs of the UTRAMP rows.  Counters are plain, as native.c has them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entry_hits[16], exit_hits[16], two_hits[16], record[64 * 16], records, ninth;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} each SEC(".maps");

#define COUNT(n) \
	SEC("fentry/hit:ut_empty_f" #n) \
	int empty_##n(void *ctx) \
	{ \
		return 0; \
	} \
	SEC("fentry/hit:ut_entry_f" #n) \
	int entry_##n(void *ctx) \
	{ \
		entry_hits[0]++; \
		return 0; \
	} \
	SEC("fexit/hit:ut_exit_f" #n) \
	int exit_##n(void *ctx) \
	{ \
		exit_hits[0]++; \
		return 0; \
	} \
	SEC("fentry/hit:ut_both_f" #n) \
	int both_entry_##n(void *ctx) \
	{ \
		entry_hits[8]++; \
		return 0; \
	} \
	SEC("fexit/hit:ut_both_f" #n) \
	int both_exit_##n(void *ctx) \
	{ \
		exit_hits[8]++; \
		return 0; \
	} \
	SEC("fentry/hit:ut_two_f" #n) \
	int two_##n(void *ctx) \
	{ \
		two_hits[0]++; \
		two_hits[8]++; \
		return 0; \
	} \
	SEC("fentry/hit:ut_percpu_f" #n) \
	int percpu_##n(void *ctx) \
	{ \
		__u32 zero = 0; \
		__u64 *v = bpf_map_lookup_elem(&each, &zero); \
\
		if (v) \
			(*v)++; \
		return 0; \
	}

COUNT(0)
COUNT(2)
COUNT(6)
COUNT(8)
COUNT(12)

SEC("fentry/hit:ut_ninth_f12")
int ninth_12(__u64 *ctx)
{
	ninth = ctx[8];
	return 0;
}

SEC("fentry/hit:ut_store_f12")
int store_12(__u64 *ctx)
{
	__u64 *to = &record[16 * (records++ & 63)];

#pragma unroll
	for (int i = 0; i < 12; i++)
		to[i] = ctx[i];
	return 0;
}
