/*
 * rt/func.c - helpers on the context of a function probe; its layout: model/func_model.h.
 *
 * Context  [probe]
 * Spec     kernel/trace/bpf_trace.c, bpf_get_func_*
 */
#include "rt/probe.h"

uint64_t rt_get_func_arg_cnt(const uint64_t *ctx)
{
	return ctx[-1] & 0xff;
}

uint64_t rt_get_func_arg(const uint64_t *ctx, uint32_t n, uint64_t *value)
{
	if (n >= rt_get_func_arg_cnt(ctx))
		return RT_ERR(EINVAL);
	*value = ctx[n];
	return 0;
}

uint64_t rt_get_func_ret(const uint64_t *ctx, uint64_t *value)
{
	*value = ctx[rt_get_func_arg_cnt(ctx)];
	return 0;
}

uint64_t rt_get_func_ip(const uint64_t *ctx)
{
	return ctx[-2];
}

uint64_t rt_override_return(uint64_t *ctx, uint64_t rc)
{
	ctx[-3] = 1;
	ctx[rt_get_func_arg_cnt(ctx)] = rc;
	return 0;
}
