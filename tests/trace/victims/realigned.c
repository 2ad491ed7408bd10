/*
 * realigned.c - gcc, compiling for AVX-512, aligns this function's stack itself, and says that its
 * struct lies wherever a register points that is no argument.  See transparent_test.py.
 */
#include <stdint.h>
struct in {
	uint64_t v[8];
};
struct out {
	uint64_t v[6];
};
extern uint64_t seen;
extern const unsigned char *at;
uint64_t fold(uint64_t sum, const void *data, unsigned long n);
__attribute__((noinline)) struct out drap(float a, struct in in, float b)
{
	uint64_t s = fold(1, &in, 64) + (uint64_t)b;
	volatile char *room = (volatile char *)__builtin_alloca(16 + (s & 255));
	struct out r;

	room[s & 15] = (char)s;
	seen = s + (unsigned char)room[s & 15];
	__builtin_memcpy(&r, at, 48);
	return r;
}
