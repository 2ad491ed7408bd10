/* entry.bpf.c - one program, bound by --attach. */
#include "probe.h"

SEC("fentry")
int entry(__u64 *ctx)
{
	bpf_printk("entry %d cookie %llu", (int)ctx[0], bpf_get_attach_cookie(ctx));
	return 0;
}
