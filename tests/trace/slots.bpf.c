/*
 * slots.bpf.c - every context slot of a call, at its entry and at its exit, as ring records.
 *
 * random_test.py attaches both programs to all functions of a generated program.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

#define SLOTS 128

struct record {
	__u32 is_exit, slots;
	__s64 arg_past_last, ret_error; /* what the helpers say */
	__u64 ret;
	__u64 slot[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 22);
} calls SEC(".maps");

static __always_inline int report(void *ctx, __u32 is_exit)
{
	struct record *r = bpf_ringbuf_reserve(&calls, sizeof(*r), 0);
	__u64 n = bpf_get_func_arg_cnt(ctx), past;

	if (!r)
		return 0;
	r->is_exit = is_exit;
	r->slots = n;
	r->arg_past_last = bpf_get_func_arg(ctx, n, &past);
	r->ret = 0;
	r->ret_error = bpf_get_func_ret(ctx, &r->ret);
	for (__u32 i = 0; i < SLOTS; i++) {
		__u64 value = 0;

		if (i < n)
			bpf_get_func_arg(ctx, i, &value);
		r->slot[i] = value;
	}
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("fentry")
int on_entry(__u64 *ctx)
{
	return report(ctx, 0);
}

SEC("fexit")
int on_exit(__u64 *ctx)
{
	return report(ctx, 1);
}
