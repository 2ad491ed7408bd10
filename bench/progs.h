/*
 * progs.h - C that is compiled for this machine and as eBPF: interpose.c and hit.bpf.c.
 */
#ifndef BENCH_PROGS_H
#define BENCH_PROGS_H

#ifdef __bpf__
#define PROGS_INLINE static __attribute__((always_inline)) inline
#else
#define PROGS_INLINE static inline
#endif

typedef unsigned long long progs_u64;

PROGS_INLINE progs_u64 fnv(const unsigned char *text, unsigned n)
{
	progs_u64 h = 0xcbf29ce484222325ull;

	for (unsigned i = 0; i < n; i++)
		h = (h ^ text[i]) * 0x100000001b3ull;
	return h;
}

/* Each turn needs the one before: nothing for a vectoriser.  Marsaglia's xorshift64. */
PROGS_INLINE progs_u64 loop(progs_u64 x, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

/* Here the machine's compiler has lea, which adds three at once, and eBPF has not. */
PROGS_INLINE progs_u64 sums_of(progs_u64 x, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		x = (x ^ x >> 7) + (x << 3) + i;
	return x;
}

PROGS_INLINE unsigned log2_of(progs_u64 v)
{
	unsigned r = 0, shift;

	shift = (v > 0xffffffffull) << 5;
	v >>= shift;
	r |= shift;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 3) << 1;
	v >>= shift;
	return r | shift | (unsigned)(v >> 1);
}

#endif
