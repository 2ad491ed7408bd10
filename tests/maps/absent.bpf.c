/* absent.bpf.c - a call of a helper that is not there: -DCALL=... */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

__u64 value;

SEC("fentry/work")
int BPF_PROG(entry, int a)
{
	value = (__u64)CALL;
	return 0;
}
