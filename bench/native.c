/*
 * native.c - the programs of hand.S, as the compiler makes them: what hit.bpf.c has as BPF.
 */
#include <stdint.h>

#define PROGRAM __attribute__((noinline, used, visibility("hidden"), aligned(64)))

uint64_t native_hits[16] __attribute__((aligned(64)));
uint64_t native_record[64 * 16] __attribute__((aligned(64))), native_records;

int native_empty(uint64_t *ctx);
int native_entry(uint64_t *ctx);
int native_exit(uint64_t *ctx);
int native_store(uint64_t *ctx);

PROGRAM int native_empty(uint64_t *ctx)
{
	__asm__ volatile("");
	return 0;
}

PROGRAM int native_entry(uint64_t *ctx)
{
	native_hits[0]++;
	return 0;
}

PROGRAM int native_exit(uint64_t *ctx)
{
	native_hits[8]++;
	return 0;
}

PROGRAM int native_store(uint64_t *ctx)
{
	uint64_t *to = &native_record[16 * (native_records++ & 63)];

	for (int i = 0; i < 12; i++)
		to[i] = ctx[i];
	return 0;
}
