/*
 * gen/dump_priv.h - what the files of gen/dump share.
 *
 * Context  [ctl] private to gen/
 */
#ifndef GEN_DUMP_PRIV_H
#define GEN_DUMP_PRIV_H

#include "gen/dump.h"

struct dump {
	struct map *map;
	const char *name;
	const struct ty *key, *value; /* of the right sizes, or NULL */
	bool json, percpu;
	struct json w;
	dump_line_fn line;
	void *arg;
	int lines;
	uint8_t *bytes;                 /* one value */
	uint16_t slot[SHM_MAX_THREADS]; /* those whose values may be other than zero */
	unsigned nslots;
};

/* An integer, but no bool, of at most 8 bytes: what can be summed and ordered. */
bool dump_is_number(const struct ty *t);

/* Its value from its bytes, extended to 64 bits. */
uint64_t dump_number(const struct ty *t, const uint8_t *p);

/* The value of key as a number, of a per-CPU map the sum; -ENOENT: it is gone. */
int dump_sum(struct dump *d, const void *key, uint64_t *out);

/* -- dump_order.c ------------------------------------------------------------------ */

/* Every key of a hash in the order of printing, key_size bytes each; free *out. */
int dump_keys(struct dump *d, uint8_t **out, size_t *n);

#endif
