/* ring.bpf.c - a ring buffer record for each call of work(). */
#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("fentry/work")
int BPF_PROG(work_record, int a, int b)
{
	int rec[2] = { a, b };

	bpf_ringbuf_output(&events, rec, sizeof(rec), 0);
	return 0;
}
