/*
 * maps.bpf.c - perf event arrays, stack trace maps and the helpers beside them, on victim.c.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct events_event {
	int a;
	char text[8];
};

struct events_event *_events_event;

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1000);
	__type(key, __u32);
	__uint(value_size, 16 * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100);
	__type(key, int);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 100);
	__type(key, int);
	__type(value, __u64);
} percpu SEC(".maps");

/* what the calls at work(0) gave */
struct {
	long out, out_index, out_far, out_flags;
	long id, id_skip, id_flags, id_deep;
	long text_n, text_cut_n, text_bad;
	char text[40], text_cut[8];
	long user, user_bad;
	__s64 copied, not_copied;
	long clocks, node;
} got;

static const char wrong[] = "%q";

static __always_inline void count(int id)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&counts, &id);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &id, &one, BPF_NOEXIST);
	n = bpf_map_lookup_elem(&percpu, &id);
	if (n)
		*n += 1;
	else
		bpf_map_update_elem(&percpu, &id, &one, BPF_NOEXIST);
}

SEC("fentry/work")
int BPF_PROG(on_work, int a, const char *text)
{
	struct events_event e = { .a = a };

	bpf_probe_read_user_str(e.text, sizeof(e.text), text);
	got.out = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	got.id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	if (got.id >= 0)
		count(got.id);
	return 0;
}

SEC("fentry/idle")
int BPF_PROG(on_idle, int a)
{
	__u64 args[3] = { a, (__u64) "text", (__u64)-5 }, before, after;
	struct events_event e = { .a = -1, .text = "index" };

	if (a)
		return 0;
	got.out_index = bpf_perf_event_output(ctx, &events, 0, &e, sizeof(e));
	got.out_far = bpf_perf_event_output(ctx, &events, 100000, &e, sizeof(e));
	got.out_flags = bpf_perf_event_output(ctx, &events, 1ull << 40, &e, sizeof(e));
	got.id_skip = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | 1);
	got.id_flags = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
	got.id_deep = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | 255);
	got.text_n = BPF_SNPRINTF(got.text, sizeof(got.text), "%d %-6s| %lx %05i", 42, "text",
				  0xabcul, -5);
	got.text_cut_n =
		BPF_SNPRINTF(got.text_cut, sizeof(got.text_cut), "%s and %s", "one", "two");
	got.text_bad = bpf_snprintf(got.text, sizeof(got.text), wrong, args, sizeof(args));
	got.not_copied = 1;
	got.user = bpf_copy_from_user(&got.copied, sizeof(got.copied), &args[2]);
	got.user_bad = bpf_copy_from_user(&got.not_copied, sizeof(got.not_copied), (void *)16);
	before = bpf_ktime_get_ns();
	after = bpf_ktime_get_coarse_ns(); /* ticks behind, a tenth of a second at most */
	got.clocks = bpf_ktime_get_boot_ns() >= before && after + 100000000 > before &&
		     bpf_ktime_get_tai_ns() > before;
	got.node = bpf_get_numa_node_id();
	return 0;
}
