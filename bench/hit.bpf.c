/*
 * hit.bpf.c - the programs of the UTRAMP rows.  Counters are plain, as native.c has them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

#include "progs.h"

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

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

struct event {
	__u64 arg[12], result;
};

SEC("fexit/hit:ut_ring_f12")
int ring_12(__u64 *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e)
		return 0;
#pragma unroll
	for (int i = 0; i < 12; i++)
		e->arg[i] = ctx[i];
	e->result = ctx[12];
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* -- latency, as people write it ------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} start_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);
	__type(value, __u64);
} start_hash SEC(".maps");

__u64 latency_own[64], latency_cpu[64], latency_hash[64];

#define LATENCY(n) \
	SEC("fsession/hit:ut_lat_own_f" #n) \
	int lat_own_##n(void *ctx) \
	{ \
		__u64 *start = bpf_session_cookie(ctx), now = bpf_ktime_get_ns(); \
\
		if (bpf_session_is_return(ctx)) \
			__sync_fetch_and_add(&latency_own[log2_of(now - *start) & 63], 1); \
		else \
			*start = now; \
		return 0; \
	} \
	SEC("fentry/hit:ut_lat_cpu_f" #n) \
	int lat_cpu_entry_##n(void *ctx) \
	{ \
		__u32 zero = 0; \
		__u64 *start = bpf_map_lookup_elem(&start_cpu, &zero); \
\
		if (start) \
			*start = bpf_ktime_get_ns(); \
		return 0; \
	} \
	SEC("fexit/hit:ut_lat_cpu_f" #n) \
	int lat_cpu_exit_##n(void *ctx) \
	{ \
		__u64 now = bpf_ktime_get_ns(); \
		__u32 zero = 0; \
		__u64 *start = bpf_map_lookup_elem(&start_cpu, &zero); \
\
		if (start) \
			__sync_fetch_and_add(&latency_cpu[log2_of(now - *start) & 63], 1); \
		return 0; \
	} \
	SEC("fentry/hit:ut_lat_hash_f" #n) \
	int lat_hash_entry_##n(void *ctx) \
	{ \
		__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(); \
\
		bpf_map_update_elem(&start_hash, &id, &now, BPF_ANY); \
		return 0; \
	} \
	SEC("fexit/hit:ut_lat_hash_f" #n) \
	int lat_hash_exit_##n(void *ctx) \
	{ \
		__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns(); \
		__u64 *start = bpf_map_lookup_elem(&start_hash, &id); \
\
		if (!start) \
			return 0; \
		__sync_fetch_and_add(&latency_hash[log2_of(now - *start) & 63], 1); \
		bpf_map_delete_elem(&start_hash, &id); \
		return 0; \
	}

LATENCY(2)
LATENCY(12)

/* -- programs at entry ------------------------------------------------------------------ */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} hash4 SEC(".maps");

unsigned char text[64];
__u64 randoms, sums, turns, founds, founds4, pids, cpus;

#define PROG(n) \
	SEC("fentry/hit:ut_helpers_f" #n) \
	int helpers_##n(__u64 *ctx) \
	{ \
		__u64 sum = 0; \
\
		for (int i = 0; i < 100; i++) \
			sum += bpf_get_prandom_u32(); \
		randoms = sum; \
		return 0; \
	} \
	SEC("fentry/hit:ut_fnv_f" #n) \
	int fnv_##n(__u64 *ctx) \
	{ \
		sums = fnv(text, sizeof(text)); \
		return 0; \
	} \
	SEC("fentry/hit:ut_loop_f" #n) \
	int loop_##n(__u64 *ctx) \
	{ \
		turns = loop(ctx[1], 10000); \
		return 0; \
	} \
	SEC("fentry/hit:ut_lea_f" #n) \
	int lea_##n(__u64 *ctx) \
	{ \
		turns = sums_of(ctx[1], 10000); \
		return 0; \
	} \
	SEC("fentry/hit:ut_array_f" #n) \
	int array_##n(__u64 *ctx) \
	{ \
		__u32 key = ctx[1]; \
		__u64 *v = bpf_map_lookup_elem(&array, &key); \
\
		if (v) \
			(*v)++; \
		return 0; \
	} \
	SEC("fentry/hit:ut_hash_f" #n) \
	int hash_##n(__u64 *ctx) \
	{ \
		__u64 key = ctx[1], one = 1; \
		__u64 *v = bpf_map_lookup_elem(&hash, &key); \
\
		if (v) \
			founds = ++*v; \
		else \
			bpf_map_update_elem(&hash, &key, &one, BPF_ANY); \
		return 0; \
	} \
	SEC("fentry/hit:ut_hash4_f" #n) \
	int hash4_##n(__u64 *ctx) \
	{ \
		__u64 one = 1; \
		__u32 key = ctx[1]; \
		__u64 *v = bpf_map_lookup_elem(&hash4, &key); \
\
		if (v) \
			founds4 = ++*v; \
		else \
			bpf_map_update_elem(&hash4, &key, &one, BPF_ANY); \
		return 0; \
	} \
	SEC("fentry/hit:ut_pid_f" #n) \
	int pid_##n(__u64 *ctx) \
	{ \
		pids = bpf_get_current_pid_tgid(); \
		return 0; \
	} \
	SEC("fentry/hit:ut_cpu_f" #n) \
	int cpu_##n(__u64 *ctx) \
	{ \
		cpus = bpf_get_smp_processor_id() + 1; \
		return 0; \
	}

PROG(2)
PROG(12)
