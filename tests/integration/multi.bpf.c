/*
 * multi.bpf.c - programs for many functions at once: arguments by bpf_get_func_arg().
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

struct multi_state state;

static __always_inline typeof(&state.at[0][0]) see(__u32 id, void *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	typeof(&state.at[0][0]) s = &state.at[id][cookie & (MULTI_COOKIES - 1)];

	s->ip = bpf_get_func_ip(ctx);
	s->cnt = bpf_get_func_arg_cnt(ctx);
	bpf_get_func_arg(ctx, 0, &s->arg0);
	bpf_get_func_arg(ctx, s->cnt - 1, &s->last);
	s->past = bpf_get_func_arg(ctx, s->cnt, &s->kept);
	s->kept = 0;
	return s;
}

SEC("fentry.multi/fentry_test*")
int entry(void *ctx)
{
	see(MULTI_ENTRY, ctx)->runs++;
	return 0;
}

SEC("fexit.multi/fentry_test*")
int leave(void *ctx)
{
	typeof(&state.at[0][0]) s = see(MULTI_EXIT, ctx);

	s->runs++;
	bpf_get_func_ret(ctx, &s->ret);
	return 0;
}

SEC("fsession.multi/fentry_test*")
int both(void *ctx)
{
	typeof(&state.at[0][0]) s = see(MULTI_SESSION, ctx);
	__u64 *cookie = bpf_session_cookie(ctx);

	bpf_get_func_ret(ctx, &s->ret);
	if (!bpf_session_is_return(ctx)) {
		s->runs++;
		*cookie = s->ip ^ s->arg0;
		return 0;
	}
	s->exits++;
	s->kept = *cookie;
	return 0;
}

SEC("fentry.multi")
int bare(void *ctx)
{
	see(MULTI_OTHER, ctx)->runs++;
	return 0;
}

SEC("fentry/fentry_test1")
int single(void *ctx)
{
	return 0;
}
