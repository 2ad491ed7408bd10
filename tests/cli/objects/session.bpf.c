/* session.bpf.c - one program at entry and exit of victim's nine(), with a cookie of its own. */
#include "probe.h"

extern _Bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

__u64 spent;

SEC("fsession/nine")
int nine_session(__u64 *ctx)
{
	__u64 *start = bpf_session_cookie(ctx);

	if (bpf_session_is_return(ctx))
		spent += bpf_ktime_get_ns() - *start;
	else
		*start = bpf_ktime_get_ns();
	return 0;
}
