/* exceptions.bpf.c - a count at entry and one at exit: see exceptions.py. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entries, exits;

SEC("fentry")
int at_entry(__u64 *ctx)
{
	entries++;
	return 0;
}

SEC("fexit")
int at_exit(__u64 *ctx)
{
	exits++;
	return 0;
}
