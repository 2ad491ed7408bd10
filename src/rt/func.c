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
	uint64_t *result = &ctx[rt_get_func_arg_cnt(ctx)];

	ctx[-3] = 1;
	result[0] = rc;
	result[1] = 0;
	return 0;
}

/* As a slot shows an integer that is narrower than it. */
static void extend(uint64_t *slot, uint64_t size)
{
	uint64_t unused = size < 8 ? 64 - 8 * size : 0;

	*slot = (uint64_t)((int64_t)(*slot << unused) >> unused);
}

uint64_t rt_set_result(uint64_t *ctx, const void *value, uint32_t size)
{
	uint64_t *slot = &ctx[rt_get_func_arg_cnt(ctx)];
	int64_t has = (int64_t)ctx[-5];
	uint64_t want = (uint64_t)(has < 0 ? -has : has);

	if (!size || size != want)
		return RT_ERR(EINVAL);
	if (ctx[-4]) {
		if (rt_write_all(ctx[-4], value, size))
			return RT_ERR(EFAULT);
	} else {
		slot[(size - 1) / 8] = 0;
		rt_copy(slot, value, size);
		if (has < 0)
			extend(slot, size);
	}
	ctx[-3] = 1;
	return 0;
}
