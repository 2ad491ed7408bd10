/*
 * base/sum.c - see sum.h.
 */
#include "base/sum.h"

#include <string.h>

#define LANES 4

/* odd, so that a multiplication loses nothing; bits as irregular as those of any square root */
static const uint64_t factor[LANES] = { 0xb504f333f9de6485ull, 0xddb3d742c265539dull,
					0x8f1bbcdca7a2f1a3ull, 0xa953fd4e97c00a3full };

static uint64_t mix(uint64_t lane, uint64_t word, unsigned i)
{
	lane = (lane ^ word) * factor[i];
	return lane ^ lane >> 29;
}

uint64_t sum_of(uint64_t seed, const void *bytes, size_t n)
{
	uint64_t lane[LANES], word[LANES];
	const uint8_t *p = bytes;
	uint64_t sum = seed ^ n;

	for (unsigned i = 0; i < LANES; i++)
		lane[i] = seed + i + 1;
	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(word, p, sizeof(word));
		for (unsigned i = 0; i < LANES; i++)
			lane[i] = mix(lane[i], word[i], i);
	}
	memset(word, 0, sizeof(word));
	if (n)
		memcpy(word, p, n);
	for (unsigned i = 0; i < LANES; i++)
		sum = mix(sum, mix(lane[i], word[i], i), i);
	return sum;
}
