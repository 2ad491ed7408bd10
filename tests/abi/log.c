/*
 * log.c - the program body of the ABI test: write down what it sees.
 *
 * Built with -mgeneral-regs-only, like everything that runs inside a trampoline; calls nothing.
 */
#include "abi.h"

struct log abi_logs[MAX_LOGS];
unsigned abi_nlogs, abi_nslots;
struct shown abi_shown[MAX_SHOWN];
unsigned abi_nshown;
struct shown abi_sret;
uint64_t abi_r0[MAX_LOGS];

static void show(struct log *log, const uint64_t *ctx, const struct shown *s)
{
	const volatile uint8_t *src = (const volatile uint8_t *)ctx[s->slot];

	for (uint32_t i = 0; i < s->size; i++)
		log->mem[s->at + i] = src[i];
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
	return abi_r0[arg % MAX_LOGS];
}
