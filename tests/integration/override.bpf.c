/*
 * override.bpf.c - malloc(4242) fails; every other size is the function's own affair.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

__u64 failed, last_result;

SEC("fmod_ret/libc:malloc")
int BPF_PROG(fail_malloc, __u64 size)
{
	if (size == 4242) {
		failed++;
		bpf_override_return((void *)ctx, 0);
	}
	return 0;
}

SEC("fexit/libc:malloc")
int BPF_PROG(see_malloc, __u64 size, __u64 ret)
{
	if (size == 4242)
		last_result = ret;
	return 0;
}
