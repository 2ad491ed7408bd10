/* leaks.bpf.c - what is taken and never given back, by address, and by the stack that took it. */
#include "../programs.h"

struct block {
	size_t size;
	__s64 stack;
	__u64 since;
};

/* Changed by one instruction: both numbers at once. */
union sum {
	__u64 both;
	struct {
		__u64 bytes : 48, blocks : 16;
	};
};

const volatile size_t least = 0, most = ~0ull;
const volatile unsigned int one_in = 1;
const volatile bool chatty = false;

MAP(_asked, PERCPU_HASH, 256, __u64, size_t);
MAP(_blocks, HASH, 4096, void *, struct block);
MAP(_by_stack, HASH, 512, __s64, union sum);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 512);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 12 * sizeof(__u64));
} _stacks SEC(".maps");

__u64 open_allocs, open_bytes, biggest, stacks_differ;
__s64 last_stack = -1;

static __noinline void add(__s64 stack, __s64 bytes, int blocks)
{
	union sum none = { 0 }, one = { .bytes = 0, .blocks = 1 }, *s;

	s = bpf_map_lookup_elem(&_by_stack, &stack);
	if (!s && blocks > 0) {
		bpf_map_update_elem(&_by_stack, &stack, &none, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&_by_stack, &stack);
	}
	if (!s)
		return;
	__sync_fetch_and_add(&s->both, blocks > 0 ? one.both + bytes : -(one.both + bytes));
	open_bytes = s->bytes;
	open_allocs = s->blocks;
}

SEC("fentry/take")
int BPF_PROG(asked, size_t size)
{
	__u64 id = bpf_get_current_pid_tgid();

	if (size < least || size > most || (one_in > 1 && bpf_get_prandom_u32() % one_in))
		return 0;
	if (chatty)
		bpf_printk("take(%lu)", size);
	bpf_map_update_elem(&_asked, &id, &size, BPF_ANY);
	return 0;
}

SEC("fexit/take")
int BPF_PROG(taken, size_t unused, void *p)
{
	__u64 id = bpf_get_current_pid_tgid();
	size_t *size = bpf_map_lookup_elem(&_asked, &id);
	struct block b = { .since = bpf_ktime_get_ns() };

	if (!size)
		return 0;
	b.size = *size;
	bpf_map_delete_elem(&_asked, &id);
	if (!p)
		return 0;
	b.stack = bpf_get_stackid(ctx, &_stacks, BPF_F_USER_STACK);
	stacks_differ += last_stack >= 0 && b.stack != last_stack;
	last_stack = b.stack;
	biggest = b.size > biggest ? b.size : biggest;
	if (!bpf_map_update_elem(&_blocks, &p, &b, BPF_ANY))
		add(b.stack, b.size, 1);
	if (chatty)
		bpf_printk("take() = %lx", (long)p);
	return 0;
}

SEC("fentry/give")
int BPF_PROG(given, void *p)
{
	struct block *found = bpf_map_lookup_elem(&_blocks, &p), b;

	if (!found)
		return 0;
	b = *found;
	bpf_map_delete_elem(&_blocks, &p);
	add(b.stack, b.size, -1);
	return 0;
}
