/* A kfunc that nobody has, one declared otherwise than it is (-DWRONG), one refused (-DTHROW). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#ifdef WRONG
extern int bpf_session_cookie(void *ctx, int more) __ksym;
#define CALL(ctx) bpf_session_cookie(ctx, 3)
#elif defined(THROW)
extern void bpf_throw(__u64 cookie) __ksym;
#define CALL(ctx) (bpf_throw(7), 0)
#else
extern int bpf_from_the_future(void *ctx) __ksym;
#define CALL(ctx) bpf_from_the_future(ctx)
#endif

SEC("fsession/f")
int calls(void *ctx)
{
	return CALL(ctx);
}
