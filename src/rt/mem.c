/*
 * rt/mem.c - the functions that a compiler may call on its own.
 *
 * Only in the slab: the native build has libc's.
 *
 * Context  [probe]
 */
#include "rt/probe.h"

#include <stddef.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;

	__asm__ volatile(RT_FORWARDS("rep movsb") : "+D"(d), "+S"(src), "+c"(n) : : "memory", "cc");
	return dst;
}

/* Backwards byte by byte without touching DF. */
void *memmove(void *dst, const void *src, size_t n)
{
	volatile uint8_t *d = dst;
	const uint8_t *s = src;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	while (n--)
		d[n] = s[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile(RT_FORWARDS("rep stosb") : "+D"(d), "+c"(n) : "a"(c) : "memory", "cc");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *p = a, *q = b;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != q[i])
			return p[i] < q[i] ? -1 : 1;
	}
	return 0;
}
