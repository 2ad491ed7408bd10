/* asks.bpf.c - a program that calls a helper which asks the kernel, and counts. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

unsigned long calls;
char comm[16];

SEC("fentry/work")
int asks(void *ctx)
{
	bpf_get_current_comm(comm, sizeof(comm));
	__sync_fetch_and_add(&calls, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
