/*
 * log.c - the program body of the ABI test: write down what it sees.
 *
 * Built with -mgeneral-regs-only, like everything that runs inside a trampoline; calls nothing.
 */
#include "abi.h"

#include "rt/rt.h"

struct log abi_logs[MAX_LOGS];
unsigned abi_nlogs, abi_nslots;
struct shown abi_shown[MAX_SHOWN];
unsigned abi_nshown;
struct shown abi_sret;
uint64_t abi_r0[MAX_LOGS];
int abi_setter;
uint8_t abi_value[512];
uint32_t abi_value_size;
uint64_t abi_setter_said;

static void show(struct log *log, const uint64_t *ctx, const struct shown *s)
{
	const volatile uint8_t *src = (const volatile uint8_t *)ctx[s->slot];

	for (uint32_t i = 0; i < s->size; i++)
		log->mem[s->at + i] = src[i];
}

/* Another size is refused, and sets nothing. */
static uint64_t set_result(uint64_t *ctx)
{
	if (!rt_set_result(ctx, abi_value, abi_value_size + 1) ||
	    !rt_set_result(ctx, abi_value, abi_value_size - 1) || ctx[-3])
		return 1;
	if (ctx[-4])
		abi_written(ctx[-4], abi_value, abi_value_size);
	return rt_set_result(ctx, abi_value, abi_value_size);
}

uint64_t abi_log(const uint64_t *ctx, uint64_t arg, uint64_t rsp)
{
	struct log *log = &abi_logs[abi_nlogs % MAX_LOGS];

	abi_nlogs++;
	log->arg = arg;
	log->rsp = rsp;
	log->count = ctx[-1];
	log->ip = ctx[-2];
	for (unsigned i = 0; i < abi_nslots; i++)
		log->slot[i] = ctx[i];
	for (unsigned i = 0; i < abi_nshown; i++)
		show(log, ctx, &abi_shown[i]);
	if (abi_sret.size && arg & ABI_EXIT)
		show(log, ctx, &abi_sret);
	if (abi_setter >= 0 && arg == (uint64_t)abi_setter)
		abi_setter_said = set_result((uint64_t *)(uintptr_t)ctx);
	return abi_r0[arg % MAX_LOGS];
}
