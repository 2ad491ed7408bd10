/* Every form of section, map, data and relocation that tracing objects bring. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

const volatile int limit = 17;
int counter = 5;
long zeroed[4];
static const char word[] = "rodata";

extern int LINUX_KERNEL_VERSION __kconfig;
extern const int missing_variable __ksym __weak;

/* The object's own idea of struct request: the user's BTF has pad before id. */
struct request {
	int id;
	short kind;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100);
	__type(key, __u32);
	__type(value, __u64);
} by_id SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8192);
} events SEC(".maps");

static __noinline int twice(int x)
{
	__sync_fetch_and_add(&counter, x);
	return x * 2;
}

__noinline int shared(int x)
{
	zeroed[1] += x;
	return x + 1;
}

static void put(__u32 key, __u64 value)
{
	bpf_map_update_elem(&by_id, &key, &value, BPF_ANY);
	bpf_map_update_elem(&slots, &key, &value, BPF_ANY);
}

SEC("fentry/handle")
int BPF_PROG(on_entry, struct request *r, int n)
{
	int id = 0;

	bpf_core_read(&id, sizeof(id), &r->id);
	put((__u32)id, (__u64)twice(n) + (__u64)limit);
	return 0;
}

SEC("fexit/libfoo.so.1:handle")
int BPF_PROG(on_exit, struct request *r, int n, int ret)
{
	__u64 *rec = bpf_ringbuf_reserve(&events, 8, 0);
	__u32 key = 1;
	__u64 *v = bpf_map_lookup_elem(&per_cpu, &key);

	if (v)
		*v += (__u64)shared(n);
	if (!rec)
		return 0;
	*rec = LINUX_KERNEL_VERSION > 0 ? (__u64)ret : 0;
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

SEC("fmod_ret/handle")
int BPF_PROG(on_return, struct request *r)
{
	/* A weak extern that nobody defines: libbpf turns its address into 0. */
	return &missing_variable ? 1 : shared(2);
}

SEC("fentry.s/handle")
int BPF_PROG(on_entry_s)
{
	return 0;
}

SEC("fexit.s/handle")
int BPF_PROG(on_exit_s)
{
	return 0;
}

SEC("fmod_ret.s/handle")
int BPF_PROG(on_return_s)
{
	return 0;
}

SEC("fentry")
int BPF_PROG(bare)
{
	char text[sizeof(word)];

	__builtin_memcpy(text, word, sizeof(word));
	return text[0] == 'x';
}
