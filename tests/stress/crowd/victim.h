/*
 * victim.h - what the victim of the crowd test shares with its functions and with the test.
 */
#ifndef CROWD_VICTIM_H
#define CROWD_VICTIM_H

#include <stdint.h>
#include <string.h>

#define FUNCTIONS 1000
#define STEADY    50 /* the first */
#define THREADS   16
/* Who calls: each thread; of handlers and of children all, counted atomically. */
enum { ROW_HANDLERS = THREADS, ROW_CHILDREN, ROWS };

/* A file that both map. */
struct shared {
	uint32_t ready, quiet; /* all run; none runs */
	uint64_t wrong, checked_for_others, signals, children, loaded;
	uint64_t calls[ROWS][FUNCTIONS];
};

extern uint64_t (*const call_of[FUNCTIONS])(uint64_t r);
extern uint64_t (*const value_of[FUNCTIONS])(uint64_t r);

static inline uint64_t bits_long(long v)
{
	return (uint64_t)v;
}

static inline uint64_t bits_int(int v)
{
	return (uint64_t)(int64_t)v;
}

static inline uint64_t bits_double(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

#endif
