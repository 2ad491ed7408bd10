/* queue.bpf.c - refused: no queues and stacks. */
#include "../programs.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, __u64);
} waiting SEC(".maps");

SEC("fentry/spend")
int BPF_PROG(push, int turns)
{
	__u64 v = turns;

	bpf_map_push_elem(&waiting, &v, BPF_ANY);
	return 0;
}
