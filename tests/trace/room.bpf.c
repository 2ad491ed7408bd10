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
	char name[16 + 48]; /* zeroed behind the name */

	if (!bpf_ktime_get_ns() || bpf_get_current_comm(name, sizeof(name)) || name[63])
		return 0;
#endif
	__sync_fetch_and_add(&entered, 1);
	return 0;
}
