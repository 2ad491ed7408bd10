/*
 * recorder.bpf.c - programs for any function: what a program can know of a call, as records.
 *
 * Tags as in tests/oracle: kind (1 entry, 2 fmod_ret, 3 exit) + 10 * number.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RECORDS);
	__type(key, __u32);
	__type(value, struct record);
} records SEC(".maps");

struct recorder_state state;

static __always_inline int record(void *ctx, __u64 tag)
{
	__u32 key = state.n;
	struct record *r = bpf_map_lookup_elem(&records, &key);
	__u64 v = 0xdeadbeef;

	if (!r)
		return 0;
	r->tag = tag;
	r->cnt = bpf_get_func_arg_cnt(ctx);
	r->reterr = bpf_get_func_ret(ctx, &v);
	r->ret = v;
	r->ip = bpf_get_func_ip(ctx);
	r->cookie = bpf_get_attach_cookie(ctx);
	for (__u32 i = 0; i < RECORD_SLOTS; i++) {
		v = 0;
		if (bpf_get_func_arg(ctx, i, &v) == 0)
			r->slot[i] = v;
	}
	r->past = bpf_get_func_arg(ctx, r->cnt, &v);
	state.n = key + 1;
	return 0;
}

#define RECORDER(kind, name, tag, result) \
	SEC(kind) \
	long name(void *ctx) \
	{ \
		record(ctx, tag); \
		return result; \
	}

RECORDER("fentry", ent, 1, 0)
RECORDER("fmod_ret", mod, 2, state.modret)
RECORDER("fexit", ext, 3, 0)
RECORDER("fentry", ent2, 11, 0)
RECORDER("fmod_ret", mod2, 12, 0)
RECORDER("fexit", ext2, 13, 0)
RECORDER("fentry", ent3, 21, 0)
RECORDER("fmod_ret", mod3, 22, 0)
RECORDER("fexit", ext3, 23, 0)

/* Both halves of a result of more than eight bytes, of a function of one argument slot. */
SEC("fexit")
int halves(__u64 *ctx)
{
	state.half[0] = ctx[1];
	state.half[1] = ctx[2];
	return 0;
}
