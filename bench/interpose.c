/*
 * interpose.c - the NATIVE rows: what a program would cost if it were written for the function
 * and compiled with -O2, and the caller called it instead.
 */
#include "progs.h"
#include "rows.h"

#include <stdint.h>
#include <time.h>

#define HERE __attribute__((noinline, visibility("hidden"), aligned(64)))

#define ARGS_0
#define ARGS_2  a, b
#define ARGS_6  ARGS_2, c, d, e, f
#define ARGS_8  ARGS_6, g, h
#define ARGS_12 ARGS_8, i, j, k, l

/* Not static: the compiler must not know who reads and writes them. */
uint64_t c_entry_hits[16], c_both_hits[16], c_record[64 * 16], c_records, c_histogram[64];
uint64_t c_randoms, c_sums, c_turns, c_values[256], c_found, c_pids, c_cpus;
unsigned char c_text[64];
__thread uint64_t c_started, c_random_state = 88172645463325252ull, c_pid_tgid;

/* -- what helpers are --------------------------------------------------------------------- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Marsaglia's and Vigna's xorshift64*, as bpf_get_prandom_u32 has it here. */
HERE uint32_t native_random(void);
HERE uint32_t native_random(void)
{
	uint64_t x = c_random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	c_random_state = x;
	return (uint32_t)(x * 0x2545f4914f6cdd1dull >> 32);
}

static struct bucket {
	uint64_t key, value;
	struct bucket *next;
} * bucket[256], pool[256];

static unsigned used;

HERE uint64_t *native_lookup(uint64_t key);
HERE uint64_t *native_lookup(uint64_t key)
{
	struct bucket **at = &bucket[key * 0x9e3779b97f4a7c15ull >> 56], *b;

	for (b = *at; b; b = b->next) {
		if (b->key == key)
			return &b->value;
	}
	if (used == 256)
		return NULL;
	b = &pool[used++];
	*b = (struct bucket){ key, 0, *at };
	*at = b;
	return &b->value;
}

/* -- the rows ------------------------------------------------------------------------------ */

#define INTERPOSE(row, n, before, after) \
	HERE long row##_tramp_##n(PARAMS_##n); \
	HERE long row##_tramp_##n(PARAMS_##n) \
	{ \
		long result; \
\
		before; \
		result = row##_f##n(ARGS_##n); \
		after; \
		return result; \
	}

#define EACH(n) \
	INTERPOSE(c_empty, n, , ) \
	INTERPOSE(c_entry, n, c_entry_hits[0]++, ) \
	INTERPOSE(c_both, n, c_both_hits[0]++, c_both_hits[8]++)

EACH(0)
EACH(2)
EACH(6)
EACH(8)
EACH(12)

#define STORE \
	long *to = (long *)&c_record[16 * (c_records++ & 63)]; \
\
	to[0] = a, to[1] = b, to[2] = c, to[3] = d, to[4] = e, to[5] = f; \
	to[6] = g, to[7] = h, to[8] = i, to[9] = j, to[10] = k, to[11] = l;

INTERPOSE(c_store, 12, STORE, to[12] = result)

static void helpers(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 100; i++)
		sum += native_random();
	c_randoms = sum;
}

static void count_value(uint64_t *v)
{
	if (v)
		c_found = ++*v;
}

/* asm/segment.h: the limit of this entry has the number. */
static uint64_t processor(void)
{
	uint64_t limit = 0;

	__asm__ volatile("lslq %1, %0" : "+r"(limit) : "r"(0x7bul) : "cc");
	return limit & 0xfff;
}

#define PAIR(n) \
	INTERPOSE(c_clock, n, c_started = now(), ) \
	INTERPOSE(c_latency, n, c_started = now(), \
		  __sync_fetch_and_add(&c_histogram[log2_of(now() - c_started) & 63], 1)) \
	INTERPOSE(c_helpers, n, helpers(), ) \
	INTERPOSE(c_fnv, n, c_sums = fnv(c_text, sizeof(c_text)), ) \
	INTERPOSE(c_loop, n, c_turns = loop((uint64_t)b, 10000), ) \
	INTERPOSE(c_lea, n, c_turns = sums_of((uint64_t)b, 10000), ) \
	INTERPOSE(c_array, n, if ((uint32_t)b < 256) c_values[(uint32_t)b]++, ) \
	INTERPOSE(c_hash, n, count_value(native_lookup((uint64_t)b)), ) \
	INTERPOSE(c_pid, n, c_pids = c_pid_tgid, ) \
	INTERPOSE(c_cpu, n, c_cpus = processor() + 1, )

PAIR(2)
PAIR(12)
