/*
 * session.bpf.c - fsession programs: twins of the kernel's fsession selftests, and bare ones.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

struct session_state state;

static __always_inline bool see(__u32 id, void *ctx, const __s64 *v, int n, __s64 ret)
{
	bool leaving = bpf_session_is_return(ctx);
	struct session_seen *s = &state.at[id];
	typeof(s->phase[0]) *p = &s->phase[leaving];

	p->runs++;
	p->turn = ++state.turn;
	for (int i = 0; i < n; i++)
		p->arg[i] = v[i];
	p->ret = ret;
	p->ret_err = bpf_get_func_ret(ctx, (__u64 *)&p->got_ret);
	p->cnt = bpf_get_func_arg_cnt(ctx);
	p->ip = bpf_get_func_ip(ctx);
	p->attach_cookie = bpf_get_attach_cookie(ctx);
	return leaving;
}

static __always_inline void keep(__u32 id, void *ctx, bool leaving, __u64 value)
{
	__u64 *cookie = bpf_session_cookie(ctx);

	state.at[id].phase[leaving].cookie = *cookie;
	if (!leaving)
		*cookie = value;
}

#define SEE(id, args...) \
	({ \
		__s64 v_[] = { args }; \
		bool leaving_ = see(id, ctx, v_, sizeof(v_) / sizeof(v_[0]), ret); \
		keep(id, ctx, leaving_, 0xc00c1e00 + (id)); \
		0; \
	})

SEC("fsession/fentry_test1")
int BPF_PROG(test1, int a, int ret)
{
	return SEE(SESSION_TEST1, a);
}

SEC("fsession/fentry_test3")
int BPF_PROG(test3, char a, int b, __u64 c, int ret)
{
	return SEE(SESSION_TEST3, a, b, c);
}

SEC("fsession/fentry_test4")
int BPF_PROG(test4, void *a, char b, int c, __u64 d, int ret)
{
	return SEE(SESSION_TEST4, (long)a, b, c, d);
}

SEC("fsession/fentry_test5")
int BPF_PROG(test5, __u64 a, void *b, short c, int d, __u64 e, int ret)
{
	return SEE(SESSION_TEST5, a, (long)b, c, d, e);
}

SEC("fsession.s/fentry_test7")
int BPF_PROG(test7, void *a, int ret)
{
	return SEE(SESSION_TEST7, (long)a);
}

SEC("fsession")
int BPF_PROG(other)
{
	bool leaving = see(SESSION_OTHER, ctx, 0, 0, 0);

	keep(SESSION_OTHER, ctx, leaving, 0x0123456789abcdef);
	return 0;
}

SEC("fsession")
int BPF_PROG(plain)
{
	see(SESSION_PLAIN, ctx, 0, 0, 0);
	return 0;
}

/* A function that calls itself: each call's own argument comes back at its end. */
SEC("fsession")
int BPF_PROG(recursion, int n)
{
	bool leaving = see(SESSION_RECURSION, ctx, 0, 0, 0);
	__u64 *cookie = bpf_session_cookie(ctx);

	if (leaving)
		state.at[SESSION_RECURSION].odd += *cookie != 1000 + (__u64)n;
	else if (*cookie)
		state.at[SESSION_RECURSION].odd += 1000;
	else
		*cookie = 1000 + n;
	return 0;
}
