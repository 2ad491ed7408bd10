/*
 * callers.bpf.c - who allocates: the callers of malloc(), the most frequent first.
 *
 *	utramp run callers.bpf.o -- sort /etc/passwd
 *
 * The first address of bpf_get_stack() is where the call returns to, always; those behind it
 * come from frame pointers, and are there as far as the program was built with them
 * (-fno-omit-frame-pointer).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

#define DEPTH 4

struct stack {
	void *caller[DEPTH];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct stack);
	__type(value, __u64);
} callers SEC(".maps");

__u64 no_room;

SEC("fentry/libc:malloc")
int who_allocates(void *ctx)
{
	struct stack s = { 0 };
	__u64 *calls, one = 1;

	if (bpf_get_stack(ctx, &s, sizeof(s), BPF_F_USER_STACK) < 0)
		return 0;
	calls = bpf_map_lookup_elem(&callers, &s);
	if (calls)
		__sync_fetch_and_add(calls, 1);
	else if (bpf_map_update_elem(&callers, &s, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&no_room, 1);
	return 0;
}
