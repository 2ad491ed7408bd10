/* slots.bpf.c - reads an argument that work() does not have. */
#include "probe.h"

SEC("fentry/work")
int beyond(__u64 *ctx)
{
	bpf_printk("%llu", ctx[7]);
	return 0;
}
