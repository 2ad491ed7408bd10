/*
 * bpf/proto.c - see proto.h.
 */
#include "bpf/proto.h"

#include "base/types.h"
#include "bpf/helper.h"

#include <linux/bpf.h>
#include <stddef.h>

#define ROW(name_, ret_, ...) \
	{ \
		BPF_FUNC_##name_, { __VA_ARGS__ }, RET_##ret_ \
	}
#define READ(name_)     ROW(name_, NUMBER, ARG_OUT0, ARG_SIZE, ARG_ANY)
#define READ_STR(name_) ROW(name_, LENGTH, ARG_OUT0, ARG_SIZE, ARG_ANY)

/* clang-format off */
static const struct helper_proto table[] = {
	ROW(map_lookup_elem,        VALUE,  ARG_MAP, ARG_KEY),
	ROW(map_lookup_percpu_elem, VALUE,  ARG_MAP, ARG_KEY, ARG_ANY),
	ROW(map_update_elem,        NUMBER, ARG_MAP, ARG_KEY, ARG_VALUE, ARG_ANY),
	ROW(map_delete_elem,        NUMBER, ARG_MAP, ARG_KEY),
	READ(probe_read),
	READ_STR(probe_read_str),
	READ(probe_read_user),
	READ_STR(probe_read_user_str),
	READ(probe_read_kernel),
	READ_STR(probe_read_kernel_str),
	ROW(ktime_get_ns,           NUMBER, ARG_NONE),
	ROW(trace_printk,           NUMBER, ARG_IN, ARG_SIZE, ARG_NONE),
	ROW(trace_vprintk,          NUMBER, ARG_IN, ARG_SIZE, ARG_IN0, ARG_SIZE),
	ROW(get_prandom_u32,        NUMBER, ARG_NONE),
	ROW(get_smp_processor_id,   NUMBER, ARG_NONE),
	ROW(get_current_pid_tgid,   NUMBER, ARG_NONE),
	ROW(get_current_uid_gid,    NUMBER, ARG_NONE),
	ROW(get_current_comm,       NUMBER, ARG_OUT, ARG_SIZE),
	ROW(override_return,        NUMBER, ARG_CTX, ARG_ANY),
	ROW(get_stack,              LENGTH, ARG_CTX, ARG_OUT0, ARG_SIZE, ARG_ANY),
	ROW(ringbuf_output,         NUMBER, ARG_RING, ARG_IN0, ARG_SIZE, ARG_ANY),
	ROW(ringbuf_reserve,        RECORD, ARG_RING, ARG_CONST, ARG_ANY),
	ROW(ringbuf_submit,         NONE,   ARG_RECORD, ARG_ANY),
	ROW(ringbuf_discard,        NONE,   ARG_RECORD, ARG_ANY),
	ROW(ringbuf_query,          NUMBER, ARG_RING, ARG_ANY),
	ROW(get_func_ip,            NUMBER, ARG_CTX),
	ROW(get_attach_cookie,      NUMBER, ARG_CTX),
	ROW(strncmp,                NUMBER, ARG_IN, ARG_SIZE, ARG_STRING),
	ROW(get_func_arg,           NUMBER, ARG_CTX, ARG_ANY, ARG_OUT8),
	ROW(get_func_ret,           NUMBER, ARG_CTX, ARG_OUT8),
	ROW(get_func_arg_cnt,       NUMBER, ARG_CTX),
	ROW(loop,                   NUMBER, ARG_ANY, ARG_FUNC, ARG_FRAME, ARG_ANY),
	ROW(for_each_map_elem,      NUMBER, ARG_MAP, ARG_FUNC, ARG_FRAME, ARG_ANY),
	ROW(tail_call,              NONE,   ARG_CTX, ARG_MAP, ARG_ANY),
	ROW(perf_event_output,      NUMBER, ARG_CTX, ARG_MAP, ARG_ANY, ARG_IN0, ARG_SIZE),
	ROW(get_stackid,            NUMBER, ARG_CTX, ARG_MAP, ARG_ANY),
	ROW(get_numa_node_id,       NUMBER, ARG_NONE),
	ROW(ktime_get_boot_ns,      NUMBER, ARG_NONE),
	ROW(ktime_get_coarse_ns,    NUMBER, ARG_NONE),
	ROW(ktime_get_tai_ns,       NUMBER, ARG_NONE),
	READ(copy_from_user),
	ROW(probe_write_user,       NUMBER, ARG_ANY, ARG_IN, ARG_SIZE),
	ROW(snprintf,               NUMBER, ARG_OUT0, ARG_SIZE, ARG_STRING, ARG_IN0, ARG_SIZE),
	/* out, its size, the format's address in the target, &ctx[...] or a va_list, how */
	{ HELPER_FORMAT_ARGS, { ARG_OUT0, ARG_SIZE, ARG_ANY, ARG_ANY, ARG_ANY }, RET_NUMBER },
};
/* clang-format on */

const struct helper_proto *proto_by_id(uint32_t id)
{
	for (unsigned i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

/* check_map_func_compatibility() of the kernel's verifier has the same. */
bool proto_map_fits(uint32_t helper, uint32_t type)
{
	bool plain = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_HASH ||
		     type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH;

	switch (helper) {
	case BPF_FUNC_tail_call:
		return type == BPF_MAP_TYPE_PROG_ARRAY;
	case BPF_FUNC_perf_event_output:
		return type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	case BPF_FUNC_get_stackid:
		return type == BPF_MAP_TYPE_STACK_TRACE;
	case BPF_FUNC_ringbuf_output:
	case BPF_FUNC_ringbuf_reserve:
	case BPF_FUNC_ringbuf_query:
		return type == BPF_MAP_TYPE_RINGBUF;
	case BPF_FUNC_map_lookup_percpu_elem:
		return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH;
	default:
		return plain;
	}
}
