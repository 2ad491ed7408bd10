/* optional.bpf.c - a program that is off by its section, and one that is not. */
#include "probe.h"

SEC("?fentry/nowhere")
int optional(__u64 *ctx)
{
	bpf_printk("optional %d", (int)ctx[0]);
	return 0;
}

SEC("fentry/work")
int always(__u64 *ctx)
{
	bpf_printk("always %d", (int)ctx[0]);
	return 0;
}
