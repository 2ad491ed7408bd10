/*
 * bpf/helper.c - see helper.h and proto.h.
 */
#include "bpf/helper.h"

#include "base/types.h"
#include "rt/rt.h"

#include <linux/bpf.h>
#include <stdio.h>

/* clang-format off */
#define ROW(name_, flags_, ret_, differs_, ...) \
	.id = BPF_FUNC_##name_, .name = #name_, .flags = (flags_), .differs = (differs_), \
	.nargs = COUNT(flags_, __VA_ARGS__), .needs = NARGS(__VA_ARGS__), \
	.proto = { BPF_FUNC_##name_, { __VA_ARGS__ }, RET_##ret_ }
#define NARGS(...) (sizeof((const uint8_t[]){ 0, __VA_ARGS__ }) - 1)
#define COUNT(flags_, ...) ((flags_) & HELPER_MORE ? PROTO_ARGS : NARGS(__VA_ARGS__))
#define ENTRY(name_, rt_, ...) \
	{ ROW(name_, __VA_ARGS__), .symbol = #rt_, .native = (uint64_t)(uintptr_t)rt_ }
#define INLINE(...) { ROW(__VA_ARGS__) }

/*
 * Name, function in rt/, flags, result, what differs from the kernel (docs/helpers.md, which is
 * made of this: `make docs`), and what each argument is.
 */
static const struct helper table[] = {
	ENTRY(map_lookup_elem, rt_map_lookup_elem, HELPER_ALL | HELPER_MEMORY, VALUE,
	      "", ARG_MAP, ARG_KEY),
	ENTRY(map_update_elem, rt_map_update_elem, HELPER_ALL, NUMBER,
	      "", ARG_MAP, ARG_KEY, ARG_VALUE, ARG_ANY),
	ENTRY(map_delete_elem, rt_map_delete_elem, HELPER_ALL, NUMBER, "", ARG_MAP, ARG_KEY),
	ENTRY(map_lookup_percpu_elem, rt_map_lookup_percpu_elem, HELPER_ALL | HELPER_MEMORY, VALUE,
	      "a \"CPU\" is a thread's slot, up to 1023", ARG_MAP, ARG_KEY, ARG_ANY),
	ENTRY(for_each_map_elem, rt_for_each_map_elem, HELPER_ALL, NUMBER,
	      "arrays, hashes, per-CPU ones of both; other types: `-EOPNOTSUPP` at run time",
	      ARG_MAP, ARG_FUNC, ARG_FRAME, ARG_ANY),
	ENTRY(loop, rt_loop, HELPER_ALL, NUMBER, "", ARG_ANY, ARG_FUNC, ARG_FRAME, ARG_ANY),
	/* the engines do it themselves */
	INLINE(tail_call, HELPER_ALL | HELPER_TAKES_CTX, NONE,
	      "33 in one hit, as in the kernel; those made by functions end sooner when 8 KiB of "
	      "their callers are on the stack", ARG_CTX, ARG_MAP, ARG_ANY),
	ENTRY(probe_read, rt_probe_read, HELPER_ALL | HELPER_READS_MEM, NUMBER,
	      "the three forms are one: there is only the target's memory",
	      ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(probe_read_user, rt_probe_read, HELPER_ALL | HELPER_READS_MEM, NUMBER,
	      "the same", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(probe_read_kernel, rt_probe_read, HELPER_ALL | HELPER_READS_MEM, NUMBER,
	      "the same", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(probe_read_str, rt_probe_read_str, HELPER_ALL | HELPER_READS_MEM, LENGTH,
	      "the same", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(probe_read_user_str, rt_probe_read_str, HELPER_ALL | HELPER_READS_MEM, LENGTH,
	      "the same", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(probe_read_kernel_str, rt_probe_read_str, HELPER_ALL | HELPER_READS_MEM, LENGTH,
	      "the same", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(ktime_get_ns, rt_ktime_get_ns, HELPER_ALL, NUMBER, "",),
	ENTRY(ktime_get_boot_ns, rt_ktime_get_boot_ns, HELPER_ALL, NUMBER, "",),
	ENTRY(ktime_get_coarse_ns, rt_ktime_get_coarse_ns, HELPER_ALL, NUMBER, "",),
	ENTRY(ktime_get_tai_ns, rt_ktime_get_tai_ns, HELPER_ALL, NUMBER, "",),
	ENTRY(copy_from_user, rt_probe_read, HELPER_ALL | HELPER_READS_MEM, NUMBER,
	      "the same as `bpf_probe_read_user`, in every program", ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(trace_printk, rt_trace_printk, HELPER_ALL | HELPER_MORE, NUMBER,
	      "the text goes to the control process", ARG_IN, ARG_SIZE),
	ENTRY(trace_vprintk, rt_trace_vprintk, HELPER_ALL, NUMBER,
	      "the same", ARG_IN, ARG_SIZE, ARG_IN0, ARG_SIZE),
	ENTRY(snprintf, rt_snprintf, HELPER_ALL, NUMBER,
	      "strings are cut at 512 bytes; after `-EINVAL` the buffer holds what came before the "
	      "fault", ARG_OUT0, ARG_SIZE, ARG_STRING, ARG_IN0, ARG_SIZE),
	ENTRY(get_prandom_u32, rt_get_prandom_u32, HELPER_ALL, NUMBER, "",),
	ENTRY(get_smp_processor_id, rt_get_smp_processor_id, HELPER_ALL, NUMBER,
	      "the CPU at that moment: the thread may be moved between two calls; a child of "
	      "vfork() gets its parent's",),
	ENTRY(get_numa_node_id, rt_get_numa_node_id, HELPER_ALL, NUMBER,
	      "the node of that CPU",),
	ENTRY(get_current_pid_tgid, rt_get_current_pid_tgid, HELPER_ALL, NUMBER,
	      "as the target's own getpid() and gettid() have them",),
	ENTRY(get_current_uid_gid, rt_get_current_uid_gid, HELPER_ALL, NUMBER,
	      "as getuid() and getgid(), by two system calls: setuid() is seen",),
	ENTRY(get_current_comm, rt_get_current_comm, HELPER_ALL, NUMBER,
	      "by a system call: prctl(PR_SET_NAME) is seen", ARG_OUT, ARG_SIZE),
	ENTRY(ringbuf_output, rt_ringbuf_output, HELPER_ALL, NUMBER,
	      "", ARG_RING, ARG_IN0, ARG_SIZE, ARG_ANY),
	ENTRY(ringbuf_reserve, rt_ringbuf_reserve, HELPER_ALL | HELPER_MEMORY, RECORD,
	      "", ARG_RING, ARG_CONST, ARG_ANY),
	ENTRY(ringbuf_submit, rt_ringbuf_submit, HELPER_ALL, NONE, "", ARG_RECORD, ARG_ANY),
	ENTRY(ringbuf_discard, rt_ringbuf_discard, HELPER_ALL, NONE, "", ARG_RECORD, ARG_ANY),
	ENTRY(ringbuf_query, rt_ringbuf_query, HELPER_ALL, NUMBER, "", ARG_RING, ARG_ANY),
	ENTRY(strncmp, rt_strncmp, HELPER_ALL, NUMBER, "", ARG_IN, ARG_SIZE, ARG_STRING),
	ENTRY(probe_write_user, rt_probe_write_user,
	      HELPER_TRACING | HELPER_READS_MEM | HELPER_WRITES, NUMBER,
	      "only with `--allow-write`, see below", ARG_ANY, ARG_IN, ARG_SIZE),
	ENTRY(perf_event_output, rt_perf_event_output, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER,
	      "see below", ARG_CTX, ARG_MAP, ARG_ANY, ARG_IN0, ARG_SIZE),
	ENTRY(get_func_ip, rt_get_func_ip, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER,
	      "the address of the function, not of its patched bytes", ARG_CTX),
	/* the value is the attachment's: the engines put it in, the address is not called */
	INLINE(get_attach_cookie, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER, "", ARG_CTX),
	ENTRY(get_func_arg, rt_get_func_arg, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER,
	      "", ARG_CTX, ARG_ANY, ARG_OUT8),
	ENTRY(get_func_arg_cnt, rt_get_func_arg_cnt, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER,
	      "", ARG_CTX),
	/* in fentry it loads and says -EOPNOTSUPP at run time, as in the kernel */
	ENTRY(get_func_ret, rt_get_func_ret, HELPER_TRACING | HELPER_TAKES_CTX, NUMBER,
	      "", ARG_CTX, ARG_OUT8),
	ENTRY(get_stack, rt_get_stack,
	      HELPER_TRACING | HELPER_TAKES_CTX | HELPER_READS_MEM | HELPER_WALKS, LENGTH, "see below",
	      ARG_CTX, ARG_OUT0, ARG_SIZE, ARG_ANY),
	ENTRY(get_stackid, rt_get_stackid,
	      HELPER_TRACING | HELPER_TAKES_CTX | HELPER_READS_MEM | HELPER_WALKS, NUMBER, "see below",
	      ARG_CTX, ARG_MAP, ARG_ANY),
	ENTRY(override_return, rt_override_return,
	      HELPER_FMOD_RET | HELPER_TAKES_CTX | HELPER_OVERRIDES, NUMBER,
	      "the kernel's is for kprobes", ARG_CTX, ARG_ANY),
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
	/* out, its size, the format's address in the target, &ctx[...] or a va_list, how */
	.proto = { HELPER_FORMAT_ARGS,
		   { ARG_OUT0, ARG_SIZE, ARG_ANY, ARG_ANY, ARG_ANY },
		   RET_NUMBER },
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
