/* untyped.bpf.c - compiled without -g: global data that no BTF tells of. */
#include "probe.h"

__u64 calls;

SEC("fentry/work")
int BPF_PROG(untyped, int a, int b)
{
	calls++;
	return 0;
}
