/* no_helper.bpf.c - a helper that does not exist. */
#include "probe.h"

static long (*const no_such_helper)(void *) = (void *)9999;

SEC("fentry/work")
int no_helper(__u64 *ctx)
{
	return (int)no_such_helper(ctx);
}
