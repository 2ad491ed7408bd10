/*
 * clobber.bpf.c - programs that use all that a program may, and change nothing.
 *
 * Attached to every function of a generated program (run.py): an entry program, one that could
 * skip the function and does not, a session, and an exit program.  They keep all of r0-r9 in
 * use, divide and shift (rax, rdx, rcx), call helpers that take maps, read every argument.  Two
 * more read none: all that can be attached where vectors of 32 and 64 bytes are passed.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 6);
	__type(key, __u32);
	__type(value, __u64);
} ran SEC(".maps");

__u64 sink;

static __always_inline void busy(void *ctx, __u32 which)
{
	const int reads = which < 4;
	__u64 n = reads ? bpf_get_func_arg_cnt(ctx) : which, a = n, b = 3, c = 5, d = 7, key,
	      first = 1, *v;

	for (__u32 i = 0; i < 8; i++) {
		__u64 x = 0;

		if (reads)
			bpf_get_func_arg(ctx, i, &x);
		a = (a ^ x) * 0x9e3779b97f4a7c15ull;
		b += a / ((c & 1023) + 1) + (x >> (a & 31));
		c ^= b % ((d | 1) & 4095) + (a << (b & 15));
		d += c * b;
	}
	if (reads)
		bpf_get_func_ret(ctx, &key);
	key = a & 31;
	v = bpf_map_lookup_elem(&seen, &key);
	if (v)
		__sync_fetch_and_add(v, b ^ c ^ d);
	else
		bpf_map_update_elem(&seen, &key, &first, BPF_ANY);
	v = bpf_map_lookup_elem(&ran, &which);
	if (v)
		__sync_fetch_and_add(v, 1);
	sink += a + b + c + d + bpf_ktime_get_ns() + bpf_get_current_pid_tgid();
}

SEC("fentry")
int on_entry(__u64 *ctx)
{
	busy(ctx, 0);
	return 0;
}

SEC("fmod_ret")
int on_mod(__u64 *ctx)
{
	busy(ctx, 1);
	return 0;
}

SEC("fsession")
int on_both(__u64 *ctx)
{
	busy(ctx, 2);
	return 0;
}

SEC("fexit")
int on_exit(__u64 *ctx)
{
	busy(ctx, 3);
	return 0;
}

SEC("fentry")
int on_entry_blind(__u64 *ctx)
{
	busy(ctx, 4);
	return 0;
}

SEC("fexit")
int on_exit_blind(__u64 *ctx)
{
	busy(ctx, 5);
	return 0;
}
