/*
 * base/vec.c - see vec.h.
 */
#include "base/vec.h"

#include <stdint.h>

int vec_grow(void **at, size_t *cap, size_t need, size_t elem)
{
	size_t n = *cap ? *cap : 8;
	void *p;

	if (need <= *cap)
		return 0;
	while (n < need) {
		if (n > SIZE_MAX / 2 / elem)
			return -ENOMEM;
		n *= 2;
	}
	p = realloc(*at, n * elem);
	if (!p)
		return -ENOMEM;
	*at = p;
	*cap = n;
	return 0;
}
