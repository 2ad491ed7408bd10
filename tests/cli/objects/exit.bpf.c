/* exit.bpf.c - one exit program, bound by --attach; reads nothing. */
#include "probe.h"

SEC("fexit")
int leave(__u64 *ctx)
{
	bpf_printk("exit");
	return 0;
}
