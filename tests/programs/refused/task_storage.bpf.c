/* task_storage.bpf.c - refused: a traced process has no task_struct. */
#include "../programs.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} starts SEC(".maps");

SEC("fentry/spend")
int BPF_PROG(start)
{
	__u64 *v = bpf_task_storage_get(&starts, bpf_get_current_task_btf(), NULL,
					BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (v)
		*v = bpf_ktime_get_ns();
	return 0;
}
