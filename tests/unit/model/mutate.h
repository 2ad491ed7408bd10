/*
 * tests/unit/model/mutate.h - hostile variants of a text, the same ones every time.
 */
#ifndef TEST_MUTATE_H
#define TEST_MUTATE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct mutator {
	uint64_t state;
	const char *alphabet; /* what a parser is likely to stumble on */
};

static inline uint64_t mutate_next(struct mutator *m)
{
	/* splitmix64, public domain (Vigna) */
	uint64_t z = m->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/*
 * A heap copy of seed with 1 to 8 changes, exactly as long as it is, so that ASan sees a read
 * past its end.
 */
static inline char *mutate(struct mutator *m, const char *seed)
{
	size_t n = strlen(seed), letters = strlen(m->alphabet);
	unsigned changes = 1 + (unsigned)(mutate_next(m) % 8);
	char *t = malloc(n + changes * 8 + 1), *out;

	memcpy(t, seed, n + 1);
	while (changes--) {
		size_t at = mutate_next(m) % (n + 1), len = mutate_next(m) % 8;
		char c = m->alphabet[mutate_next(m) % letters];

		switch (mutate_next(m) % 5) {
		case 0: /* replace */
			if (at < n)
				t[at] = c;
			break;
		case 1: /* repeat one */
			memmove(t + at + len, t + at, n - at + 1);
			memset(t + at, c, len);
			n += len;
			break;
		case 2: /* delete some */
			len = len < n - at ? len : n - at;
			memmove(t + at, t + at + len, n - at - len + 1);
			n -= len;
			break;
		case 3: /* cut */
			if (mutate_next(m) % 4 == 0) {
				t[at] = '\0';
				n = at;
			}
			break;
		case 4: /* any byte but NUL */
			if (at < n)
				t[at] = (char)(1 + mutate_next(m) % 255);
			break;
		}
	}
	out = strdup(t);
	free(t);
	return out;
}

#endif
