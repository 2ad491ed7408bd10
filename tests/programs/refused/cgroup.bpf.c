/* cgroup.bpf.c - refused: cgroups are looked up in the kernel. */
#include "../programs.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} groups SEC(".maps");

__u64 calls;

SEC("fentry/spend")
int BPF_PROG(filter)
{
	if (bpf_current_task_under_cgroup(&groups, 0))
		calls++;
	return 0;
}
