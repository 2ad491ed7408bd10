/* opens.bpf.c - calls joined at entry and exit by thread, filtered by constants, told by perf events. */
#include "../programs.h"

struct opening {
	const char *path;
	__u64 began;
	int flags;
};

struct events_event {
	__u32 tgid, user;
	__u64 took;
	int ret, flags;
	__u64 from[2];
	char comm[16];
	char path[200];
};

const volatile __u32 only_thread = 0, only_process = 0, only_user = 0xffffffff;
const volatile bool failures_only = false, with_callers = true;

MAP(_open_now, HASH, 4096, __u32, struct opening);
PERF(events);
const struct events_event *_events_event;
__u64 sent, failed;

/* All of these are constants once the program is loaded: most of it is dead then. */
static bool is_asked_for(__u64 id)
{
	return (!only_thread || only_thread == (__u32)id) &&
	       (!only_process || only_process == id >> 32) &&
	       (only_user == 0xffffffff || only_user == (__u32)bpf_get_current_uid_gid());
}

SEC("fentry/open_file")
int BPF_PROG(opening, const char *path, int flags, unsigned mode)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct opening o = { .path = path, .began = bpf_ktime_get_ns(), .flags = flags };
	__u32 thread = id;

	if (is_asked_for(id))
		bpf_map_update_elem(&_open_now, &thread, &o, BPF_ANY);
	return 0;
}

static void tell(void *ctx, const struct opening *o, __u64 id, int ret)
{
	struct events_event e = { .tgid = id >> 32, .ret = ret, .flags = o->flags };
	__u64 frames[4] = { 0 };

	e.user = bpf_get_current_uid_gid();
	e.took = bpf_ktime_get_ns() - o->began;
	bpf_probe_read_user_str(e.path, sizeof(e.path), o->path);
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	if (with_callers && bpf_get_stack(ctx, frames, sizeof(frames), BPF_F_USER_STACK) > 8) {
		e.from[0] = frames[0];
		e.from[1] = frames[1];
	}
	if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e)) == 0)
		sent++;
}

SEC("fexit/open_file")
int BPF_PROG(opened, const char *path, int flags, unsigned mode, int ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 thread = id;
	struct opening *o = bpf_map_lookup_elem(&_open_now, &thread);

	if (!o)
		return 0;
	if (ret < 0)
		failed++;
	if (ret < 0 || !failures_only)
		tell(ctx, o, id, ret);
	bpf_map_delete_elem(&_open_now, &thread);
	return 0;
}
