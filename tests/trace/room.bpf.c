/* room.bpf.c - count entries and exits of deep(); at entry alone; with a helper at each. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entered, left;

#ifndef ENTRY_ONLY
SEC("fexit/deep")
int leave(__u64 *ctx)
{
	__sync_fetch_and_add(&left, 1);
	return 0;
}
#endif

SEC("fentry/deep")
int enter(__u64 *ctx)
{
#ifdef HELPER
	if (!bpf_ktime_get_ns())
		return 0;
#endif
	__sync_fetch_and_add(&entered, 1);
	return 0;
}
