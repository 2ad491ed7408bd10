/* x87.c - st0 and st1 in use around a call: results of the original, which nothing may change. */
#include "harness.h"

#include <string.h>

#define TOP_6       (6u << 11) /* two registers are in use */
#define STATUS_BITS 0x38ffu    /* the top, exceptions; not the condition codes */

uint8_t harness_st[2][16];

void harness_load_x87(uint64_t *s)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t mantissa = rnd(s) | 1ull << 63;
		uint16_t exponent = (uint16_t)rnd(s);

		memcpy(harness_st[i], &mantissa, 8);
		memcpy(harness_st[i] + 8, &exponent, 2);
	}
	__asm__ volatile("fninit\n\tfldt %0\n\tfldt %1" : : "m"(harness_st[1]), "m"(harness_st[0]));
}

int harness_kept_x87(void)
{
	uint8_t now[2][16] = { { 0 } };
	uint16_t status;

	__asm__ volatile("fnstsw %2\n\tfstpt %0\n\tfstpt %1"
			 : "+m"(now[0]), "+m"(now[1]), "=m"(status));
	return !memcmp(now, harness_st, sizeof(now)) && (status & STATUS_BITS) == TOP_6;
}
