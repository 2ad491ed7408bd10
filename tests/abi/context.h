/* context.h - what context.c and its program body share. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

/* One call: what the programs shall do, and what they saw. */
struct context_seen {
	bool sets, overrides;
	uint64_t given;
	uint8_t value[64];
	uint32_t size;
	unsigned result, nresults; /* slots */
	uint64_t arg[8], ret[8];   /* at entry, at exit */
	uint64_t got_arg, got_ret;
	int64_t arg_err, ret_err, said;
};

extern struct context_seen context_seen;

/* arg: enum tramp_kind */
uint64_t context_body(uint64_t *ctx, uint64_t arg);

#endif
