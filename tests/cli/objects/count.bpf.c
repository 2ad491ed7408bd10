/* count.bpf.c - one entry program that reads nothing, bound by --attach. */
#include "probe.h"

SEC("fentry")
int count(__u64 *ctx)
{
	bpf_printk("hit");
	return 0;
}
