/*
 * bpf/proto.c - see proto.h.
 */
#include "bpf/proto.h"

#include "bpf/helper.h"

#include <linux/bpf.h>
#include <stddef.h>

const struct helper_proto *proto_by_id(uint32_t id)
{
	const struct helper *h = helper_by_id(id);

	return h ? &h->proto : NULL;
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
