/* session.bpf.c - one program at entry and exit, with a word that it leaves itself; recursion too. */
#include "../programs.h"

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

__u64 entries, exits, turned, deepest, wrong;

SEC("fsession/spend")
int BPF_PROG(turns, int n)
{
	__u64 *cookie = bpf_session_cookie(ctx);

	if (!bpf_session_is_return(ctx)) {
		entries++;
		*cookie = n * 3 + 1;
		return 0;
	}
	exits++;
	turned += *cookie;
	return 0;
}

SEC("fsession/depth")
int BPF_PROG(levels, int n)
{
	__u64 *cookie = bpf_session_cookie(ctx), now = bpf_ktime_get_ns();

	if (!bpf_session_is_return(ctx)) {
		*cookie = now;
		return 0;
	}
	if (now < *cookie || !*cookie)
		wrong++;
	if (n > deepest)
		deepest = n;
	return 0;
}
