/*
 * cookie.bpf.c - what bpf_get_attach_cookie() gives, as text; for the command line.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("fentry/fentry_test1")
int BPF_PROG(entry, int a)
{
	bpf_printk("entry %d cookie %llu", a, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("fexit/fentry_test1")
int BPF_PROG(leave, int a, int ret)
{
	bpf_printk("exit %d ret %d cookie %llu", a, ret, bpf_get_attach_cookie(ctx));
	return 0;
}
