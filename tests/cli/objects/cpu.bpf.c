/* cpu.bpf.c - the number of the processor at each call of victim's work(). */
#include "probe.h"

__u64 calls, sum;

SEC("fentry/work")
int where(__u64 *ctx)
{
	sum += bpf_get_smp_processor_id();
	calls++;
	return 0;
}
