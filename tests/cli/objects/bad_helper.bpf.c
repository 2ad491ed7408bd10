/* bad_helper.bpf.c - a helper that exists in the kernel, for network devices. */
#include "probe.h"

SEC("fentry/work")
int BPF_PROG(bad_helper, int a)
{
	return (int)bpf_redirect(1, 0);
}
