// SPDX-License-Identifier: MIT
/* scale.bpf.c - counts calls: the program that bench/scale.c attaches to every function. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

__u64 entries;

SEC("fentry")
int at_entry(__u64 *ctx)
{
	entries++;
	return 0;
}
