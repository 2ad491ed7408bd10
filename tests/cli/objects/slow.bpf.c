/* slow.bpf.c - a program that runs long enough for a signal to meet it. */
#include "probe.h"

__u64 runs, spins;

SEC("fentry/work")
int BPF_PROG(slow, int a, int b)
{
	for (int i = 0; i < 100000; i++)
		__sync_fetch_and_add(&spins, 1);
	runs++;
	return 0;
}
