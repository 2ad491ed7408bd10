/* An fsession program with kfuncs, as users declare them; one that nobody has is weak. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;
extern int bpf_from_the_future(void *ctx, int n) __ksym __weak;

long seen[4];

SEC("fsession/f")
int both(void *ctx)
{
	__u64 *cookie = bpf_session_cookie(ctx);

	if (!bpf_session_is_return(ctx)) {
		*cookie = 77;
		return 0;
	}
	seen[0] = *cookie;
	seen[1] = bpf_get_func_arg_cnt(ctx);
	if (bpf_from_the_future)
		seen[2] = bpf_from_the_future(ctx, 3);
	if (bpf_session_cookie)
		seen[3] = 5;
	return 0;
}
