/*
 * bpf/helper.c - see helper.h.  Numbers of arguments: bpf-helpers(7).
 */
#include "bpf/helper.h"

#include "base/types.h"
#include "rt/rt.h"

#include <linux/bpf.h>
#include <stdio.h>

/* clang-format off */
#define ENTRY(name_, rt_, nargs_, flags_) \
	{ .id = BPF_FUNC_##name_, .name = #name_, .symbol = #rt_, \
	  .native = (uint64_t)(uintptr_t)rt_, .nargs = (nargs_), .needs = (nargs_), .flags = (flags_) }

static const struct helper table[] = {
	ENTRY(map_lookup_elem,        rt_map_lookup_elem,        2, HELPER_ALL | HELPER_MEMORY),
	ENTRY(map_update_elem,        rt_map_update_elem,        4, HELPER_ALL),
	ENTRY(map_delete_elem,        rt_map_delete_elem,        2, HELPER_ALL),
	ENTRY(probe_read,             rt_probe_read,             3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(ktime_get_ns,           rt_ktime_get_ns,           0, HELPER_ALL),
	{ .id = BPF_FUNC_trace_printk, .name = "trace_printk", .symbol = "rt_trace_printk",
	  .native = (uint64_t)(uintptr_t)rt_trace_printk, .nargs = 5, .needs = 2,
	  .flags = HELPER_ALL },
	/* the engines do it themselves */
	{ .id = BPF_FUNC_tail_call, .name = "tail_call", .symbol = NULL, .nargs = 3, .needs = 3,
	  .flags = HELPER_ALL | HELPER_TAKES_CTX },
	ENTRY(get_prandom_u32,        rt_get_prandom_u32,        0, HELPER_ALL),
	ENTRY(get_smp_processor_id,   rt_get_smp_processor_id,   0, HELPER_ALL),
	ENTRY(get_current_pid_tgid,   rt_get_current_pid_tgid,   0, HELPER_ALL),
	ENTRY(get_current_uid_gid,    rt_get_current_uid_gid,    0, HELPER_ALL),
	ENTRY(get_current_comm,       rt_get_current_comm,       2, HELPER_ALL),
	ENTRY(probe_read_str,         rt_probe_read_str,         3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(override_return,        rt_override_return,        2,
	      HELPER_FMOD_RET | HELPER_TAKES_CTX | HELPER_OVERRIDES),
	ENTRY(probe_read_user,        rt_probe_read,             3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(probe_read_kernel,      rt_probe_read,             3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(probe_read_user_str,    rt_probe_read_str,         3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(probe_read_kernel_str,  rt_probe_read_str,         3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(get_stack,              rt_get_stack,              4,
	      HELPER_TRACING | HELPER_TAKES_CTX | HELPER_READS_MEM | HELPER_WALKS),
	ENTRY(ringbuf_output,         rt_ringbuf_output,         4, HELPER_ALL),
	ENTRY(ringbuf_reserve,        rt_ringbuf_reserve,        3, HELPER_ALL | HELPER_MEMORY),
	ENTRY(ringbuf_submit,         rt_ringbuf_submit,         2, HELPER_ALL),
	ENTRY(ringbuf_discard,        rt_ringbuf_discard,        2, HELPER_ALL),
	ENTRY(ringbuf_query,          rt_ringbuf_query,          2, HELPER_ALL),
	ENTRY(get_func_ip,            rt_get_func_ip,            1, HELPER_TRACING | HELPER_TAKES_CTX),
	/* the value is the attachment's: the engines put it in, the address is not called */
	{ .id = BPF_FUNC_get_attach_cookie, .name = "get_attach_cookie", .symbol = NULL,
	  .nargs = 1, .needs = 1, .flags = HELPER_TRACING | HELPER_TAKES_CTX },
	ENTRY(trace_vprintk,          rt_trace_vprintk,          4, HELPER_ALL),
	ENTRY(strncmp,                rt_strncmp,                3, HELPER_ALL),
	ENTRY(get_func_arg,           rt_get_func_arg,           3, HELPER_TRACING | HELPER_TAKES_CTX),
	/* in fentry it loads and says -EOPNOTSUPP at run time, as in the kernel */
	ENTRY(get_func_ret,           rt_get_func_ret,           2, HELPER_TRACING | HELPER_TAKES_CTX),
	ENTRY(get_func_arg_cnt,       rt_get_func_arg_cnt,       1, HELPER_TRACING | HELPER_TAKES_CTX),
	ENTRY(map_lookup_percpu_elem, rt_map_lookup_percpu_elem, 3, HELPER_ALL | HELPER_MEMORY),
	ENTRY(for_each_map_elem,      rt_for_each_map_elem,      4, HELPER_ALL),
	ENTRY(loop,                   rt_loop,                   4, HELPER_ALL),
	ENTRY(perf_event_output,      rt_perf_event_output,      5, HELPER_TRACING | HELPER_TAKES_CTX),
	ENTRY(get_stackid,            rt_get_stackid,            3,
	      HELPER_TRACING | HELPER_TAKES_CTX | HELPER_READS_MEM | HELPER_WALKS),
	ENTRY(get_numa_node_id,       rt_get_numa_node_id,       0, HELPER_ALL),
	ENTRY(ktime_get_boot_ns,      rt_ktime_get_boot_ns,      0, HELPER_ALL),
	ENTRY(ktime_get_coarse_ns,    rt_ktime_get_coarse_ns,    0, HELPER_ALL),
	ENTRY(ktime_get_tai_ns,       rt_ktime_get_tai_ns,       0, HELPER_ALL),
	ENTRY(copy_from_user,         rt_probe_read,             3, HELPER_ALL | HELPER_READS_MEM),
	ENTRY(probe_write_user,       rt_probe_write_user,       3,
	      HELPER_TRACING | HELPER_READS_MEM | HELPER_WRITES),
	ENTRY(snprintf,               rt_snprintf,               5, HELPER_ALL),
};
/* clang-format on */

static const struct helper format_args = {
	.id = HELPER_FORMAT_ARGS,
	.name = "format_args",
	.symbol = "rt_format_args",
	.native = (uint64_t)(uintptr_t)rt_format_args,
	.nargs = 5,
	.needs = 5,
	.flags = HELPER_FENTRY | HELPER_FSESSION | HELPER_READS_MEM | HELPER_OWN,
};

#define NAME(name_) #name_
static const char *const kernel_name[] = { __BPF_FUNC_MAPPER(NAME) };

const struct helper *helper_table(unsigned *n)
{
	*n = ARRAY_LEN(table);
	return table;
}

const struct helper *helper_by_id(uint32_t id)
{
	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].id == id)
			return &table[i];
	return id == format_args.id ? &format_args : NULL;
}

bool helper_returns_memory(uint32_t id)
{
	const struct helper *h = helper_by_id(id);

	return h && h->flags & HELPER_MEMORY;
}

bool helper_in_kernel(uint32_t id)
{
	return id && id < ARRAY_LEN(kernel_name);
}

const char *helper_name(uint32_t id)
{
	static _Thread_local char unknown[24];

	if (id < ARRAY_LEN(kernel_name))
		return kernel_name[id];
	snprintf(unknown, sizeof(unknown), "unknown#%u", id);
	return unknown;
}
