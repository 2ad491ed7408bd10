/* longloop.bpf.c - a loop that nobody has proved to end. */
#include "probe.h"

long steps;

SEC("fentry/work")
int BPF_PROG(longloop, unsigned long a)
{
	for (; a != 1; steps++)
		a = a & 1 ? 3 * a + 1 : a / 2;
	return 0;
}
