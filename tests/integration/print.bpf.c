/*
 * print.bpf.c - fsession and .multi programs that tell what they see; for the command line.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

SEC("fsession/fentry_test1")
int BPF_PROG(both, int a, int ret)
{
	__u64 *cookie = bpf_session_cookie(ctx);

	if (bpf_session_is_return(ctx)) {
		bpf_printk("exit %d ret %d kept %llu", a, ret, *cookie);
		return 0;
	}
	*cookie = bpf_get_attach_cookie(ctx);
	bpf_printk("entry %d ret %d", a, ret);
	return 0;
}

SEC("fentry.multi/fentry_test?")
int many(void *ctx)
{
	__u64 a = 0;

	bpf_get_func_arg(ctx, 0, &a);
	bpf_printk("many %d of %d", (int)a, (int)bpf_get_func_arg_cnt(ctx));
	return 0;
}

SEC("fexit.multi")
int bare(void *ctx)
{
	__u64 ret = 0;

	bpf_get_func_ret(ctx, &ret);
	bpf_printk("bare ret %d", (int)ret);
	return 0;
}
