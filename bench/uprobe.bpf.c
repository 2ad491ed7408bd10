/*
 * uprobe.bpf.c - the programs of the KERNEL rows: the same counting, run by the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entries, exits;

SEC("uprobe")
int at_entry(void *ctx)
{
	entries++;
	return 0;
}

SEC("uretprobe")
int at_exit(void *ctx)
{
	exits++;
	return 0;
}
