/*
 * latency.bpf.c - how long a function takes, thread by thread.
 *
 *	utramp run latency.bpf.o -- workers
 *
 * One program runs at entry and at return; its session cookie is a word of this one call, so
 * neither recursion nor other threads get in the way.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

struct times {
	__u64 calls, total_ns, longest_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* thread id */
	__type(value, struct times);
} threads SEC(".maps");

SEC("fsession/workers:work")
int time_work(void *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	__u64 *start = bpf_session_cookie(ctx), took;
	struct times *t, first = { 0 };

	if (!bpf_session_is_return(ctx)) {
		*start = bpf_ktime_get_ns();
		return 0;
	}
	took = bpf_ktime_get_ns() - *start;
	t = bpf_map_lookup_elem(&threads, &tid);
	if (!t) {
		bpf_map_update_elem(&threads, &tid, &first, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&threads, &tid);
	}
	if (!t) /* the map is full */
		return 0;
	t->calls++;
	t->total_ns += took;
	if (took > t->longest_ns)
		t->longest_ns = took;
	return 0;
}
