/* tails_lib.c - the other module of tails.c. */
#include <stdint.h>

uint64_t ping(uint64_t n, uint64_t h);

__attribute__((noipa, noinline)) uint64_t lib_pong(uint64_t n, uint64_t h)
{
	if (!n)
		return h;
	return ping(n - 1, h * 6364136223846793005ull + 8);
}
