/*
 * bpf/helper_absent.c - why a program is refused that calls a helper which is not there.
 *
 * What the kernel has and user space cannot have, with what to do instead; of all others the
 * message only says which there are.
 *
 * Context  [ctl]
 * Spec     bpf-helpers(7)
 */
#include "bpf/helper.h"

#include "base/types.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

static const char no_task[] = "a traced process has no task_struct: bpf_get_current_pid_tgid(), "
			      "bpf_get_current_uid_gid() and bpf_get_current_comm() tell who calls";
static const char no_cgroup[] =
	"cgroups are looked up in the kernel: filter by bpf_get_current_pid_tgid()";
static const char no_packet[] = "there are no packets in user space";
static const char no_timer[] =
	"nothing of ours runs in the target but in its calls: compare bpf_ktime_get_ns()";
static const char no_signal[] = "a program never changes what the target does but by fmod_ret";
static const char no_counter[] =
	"there are no hardware counters here: measure with bpf_ktime_get_ns()";

static const struct {
	uint32_t id;
	const char *why;
} absent[] = {
	{ BPF_FUNC_get_current_task, no_task },
	{ BPF_FUNC_get_current_task_btf, no_task },
	{ BPF_FUNC_task_pt_regs, no_task },
	{ BPF_FUNC_task_storage_get, "use a hash keyed by the thread id" },
	{ BPF_FUNC_task_storage_delete, "use a hash keyed by the thread id" },
	{ BPF_FUNC_get_task_stack, "only the calling thread's stack is known: bpf_get_stack()" },
	{ BPF_FUNC_copy_from_user_task, "only the target's own memory is read: "
					"bpf_copy_from_user()" },
	{ BPF_FUNC_current_task_under_cgroup, no_cgroup },
	{ BPF_FUNC_get_current_cgroup_id, no_cgroup },
	{ BPF_FUNC_get_current_ancestor_cgroup_id, no_cgroup },
	{ BPF_FUNC_get_cgroup_classid, no_cgroup },
	{ BPF_FUNC_get_ns_current_pid_tgid, "bpf_get_current_pid_tgid() has the ids as the "
					    "target's own getpid() and gettid() give them" },
	{ BPF_FUNC_jiffies64, "the kernel's tick is not visible: bpf_ktime_get_coarse_ns()" },
	{ BPF_FUNC_send_signal, no_signal },
	{ BPF_FUNC_send_signal_thread, no_signal },
	{ BPF_FUNC_perf_event_read, no_counter },
	{ BPF_FUNC_perf_event_read_value, no_counter },
	{ BPF_FUNC_perf_prog_read_value, no_counter },
	{ BPF_FUNC_read_branch_records, no_counter },
	{ BPF_FUNC_get_branch_snapshot, no_counter },
	{ BPF_FUNC_timer_init, no_timer },
	{ BPF_FUNC_timer_set_callback, no_timer },
	{ BPF_FUNC_timer_start, no_timer },
	{ BPF_FUNC_timer_cancel, no_timer },
	{ BPF_FUNC_skb_load_bytes, no_packet },
	{ BPF_FUNC_redirect, no_packet },
	{ BPF_FUNC_xdp_adjust_head, no_packet },
	{ BPF_FUNC_xdp_output, no_packet },
	{ BPF_FUNC_skb_output, no_packet },
	{ BPF_FUNC_d_path, "read the path where the target has it, by bpf_probe_read_user_str()" },
	{ BPF_FUNC_snprintf_btf, "there are no kernel types here: print members by "
				 "bpf_snprintf()" },
	{ BPF_FUNC_seq_printf, "there are no iterators: bpf_trace_printk() and rings" },
	{ BPF_FUNC_seq_write, "there are no iterators: bpf_trace_printk() and rings" },
	{ BPF_FUNC_sys_bpf, "programs make no system calls" },
	{ BPF_FUNC_sys_close, "programs make no system calls" },
	{ BPF_FUNC_kallsyms_lookup_name, "addresses of the kernel mean nothing in user space" },
	{ BPF_FUNC_per_cpu_ptr, "the kernel's variables are not visible" },
	{ BPF_FUNC_this_cpu_ptr, "the kernel's variables are not visible" },
	{ BPF_FUNC_spin_lock, "use atomic operations" },
	{ BPF_FUNC_spin_unlock, "use atomic operations" },
	{ BPF_FUNC_map_push_elem, "use a ringbuf, or an array and an index" },
	{ BPF_FUNC_map_pop_elem, "use a ringbuf, or an array and an index" },
	{ BPF_FUNC_map_peek_elem, "use a ringbuf, or an array and an index" },
	{ BPF_FUNC_ringbuf_reserve_dynptr, "bpf_ringbuf_reserve() and bpf_ringbuf_output()" },
};

static size_t append(char *text, size_t cap, size_t at, const char *more)
{
	size_t n = strlen(more);

	if (at + n >= cap)
		return at;
	memcpy(text + at, more, n + 1);
	return at + n;
}

/* "map_lookup_elem, ...": those that a program of this kind may call. */
static void list(char *text, size_t cap, uint32_t kinds)
{
	unsigned n;
	const struct helper *h = helper_table(&n);
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		if (!(h[i].flags & kinds))
			continue;
		at = append(text, cap, at, at ? ", " : "");
		at = append(text, cap, at, h[i].name);
	}
}

int helper_refuse(uint32_t at, uint32_t id, uint32_t kinds, struct diag *d)
{
	char names[1400];

	for (size_t i = 0; i < ARRAY_LEN(absent); i++)
		if (absent[i].id == id)
			return diag_set(d, -ENOTSUP, "insn %u: unknown helper bpf_%s#%u: %s", at,
					helper_name(id), id, absent[i].why);
	list(names, sizeof(names), kinds);
	return diag_set(d, -ENOTSUP,
			"insn %u: unknown helper bpf_%s#%u: we do not have it; there are: %s", at,
			helper_name(id), id, names);
}
