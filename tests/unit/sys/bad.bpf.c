/* Refused: bpf_redirect() is not for programs that trace. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("fentry/f")
int bad(void *ctx)
{
	return (int)bpf_redirect(1, 0);
}
