/*
 * args.bpf.c - values and error codes of bpf_get_func_arg, _arg_cnt, _ret, _ip and of
 * bpf_get_attach_cookie.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

struct args_state state;

static __always_inline void look(void *ctx, int i)
{
	__u64 v = 0;

	state.at[i].runs++;
	state.at[i].cnt = bpf_get_func_arg_cnt(ctx);
	state.at[i].ip = bpf_get_func_ip(ctx);
	state.at[i].cookie = bpf_get_attach_cookie(ctx);
	for (int n = 0; n < 3; n++) {
		v = 0;
		state.at[i].err[n] = bpf_get_func_arg(ctx, n, &v);
		state.at[i].arg[n] = v;
	}
	state.at[i].err[3] = bpf_get_func_arg(ctx, 64, &v);
	v = 0;
	state.at[i].ret_err = bpf_get_func_ret(ctx, &v);
	state.at[i].ret = v;
}

SEC("fentry/fentry_test1")
int test1(__u64 *ctx)
{
	look(ctx, 0);
	return 0;
}

SEC("fexit/fentry_test2")
int test2(__u64 *ctx)
{
	look(ctx, 1);
	return 0;
}

SEC("fmod_ret/modify_return_test")
int fmod_ret_test(__u64 *ctx)
{
	look(ctx, 2);
	return 1234;
}

SEC("fexit/modify_return_test")
int fexit_test(__u64 *ctx)
{
	look(ctx, 3);
	return 0;
}
