/*
 * context_body.c - the programs of context.c, by the helpers that BPF programs call.
 *
 * Built with -mgeneral-regs-only, like everything that runs inside a trampoline.
 */
#include "context.h"

#include "rt/rt.h"

enum { FENTRY, FMOD_RET, FEXIT };

struct context_seen context_seen;

static void keep(uint64_t *to, const uint64_t *from, unsigned n)
{
	for (unsigned i = 0; i < n && i < 8; i++)
		((volatile uint64_t *)to)[i] = from[i];
}

uint64_t context_body(uint64_t *ctx, uint64_t arg)
{
	struct context_seen *s = &context_seen;

	if (arg == FENTRY) {
		keep(s->arg, ctx, s->result);
		s->arg_err = (int64_t)rt_get_func_arg(ctx, 0, &s->got_arg);
	} else if (arg == FEXIT) {
		keep(s->ret, ctx + s->result, s->nresults);
		s->ret_err = (int64_t)rt_get_func_ret(ctx, &s->got_ret);
	} else if (s->overrides) {
		rt_override_return(ctx, s->given);
	} else if (s->sets) {
		s->said = (int64_t)rt_set_result(ctx, s->value, s->size);
	}
	return 0;
}
