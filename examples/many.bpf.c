/*
 * many.bpf.c - entry and exit of examples/many.c's functions, all arguments.
 *
 * Structs by value take a slot per eightbyte, as with the kernel's BPF_PROG2; doubles are
 * their bits.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

__u64 calls;

SEC("fentry/many:seven")
int BPF_PROG(seven_entry, int a, char b, short c, long d, unsigned int e, long f, int g)
{
	calls++;
	bpf_printk("> seven(%d, %d, %d, %ld, %u, %ld, %d)", a, b, c, d, e, f, g);
	return 0;
}

SEC("fexit/many:seven")
int BPF_PROG(seven_exit, int a, char b, short c, long d, unsigned int e, long f, int g, long ret)
{
	bpf_printk("< seven(..., g=%d) = %ld, call %llu", g, ret, calls);
	return 0;
}

/* Slots: a, p.x, p.y, b, c, d, e, f, q.x, q.y, weight; then the result. */
SEC("fexit/many:blend")
int blend_exit(__u64 *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	bpf_printk("< blend(a=0x%llx, p={%ld, %ld}, b=0x%llx, %d, %d, %d, %d, q={%ld, %ld}, "
		   "weight=0x%llx) = 0x%llx",
		   ctx[0], ctx[1], ctx[2], ctx[3], (int)ctx[4], (int)ctx[5], (int)ctx[6],
		   (int)ctx[7], ctx[8], ctx[9], ctx[10], ret);
	return 0;
}

SEC("fexit/many:sixteen")
int sixteen_exit(__u64 *ctx)
{
	char text[16] = "";
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	bpf_probe_read_user_str(text, sizeof(text), (void *)ctx[15]);
	bpf_printk("< sixteen(%ld, %ld, ..., %d, %d, %d, %u, m=0x%llx, n=0x%llx, o=0x%llx, \"%s\") "
		   "= %ld, %llu slots",
		   ctx[0], ctx[1], (int)ctx[8], (short)ctx[9], (signed char)ctx[10], (int)ctx[11],
		   ctx[12], ctx[13], ctx[14], text, ret, bpf_get_func_arg_cnt(ctx));
	return 0;
}
