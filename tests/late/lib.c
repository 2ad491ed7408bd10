/*
 * tests/late/lib.c - a library that comes and goes; -DPAD=1 moves its functions, so that a
 * second one of the same name has them elsewhere.
 */
#ifndef SEED
#define SEED 1
#endif
#ifndef PAD
#define PAD 0
#endif

struct point {
	int x, y;
};

#if PAD
__asm__(".text\n.skip 256, 0x90\n"); /* comes first, as gcc puts it */
#endif

__attribute__((noinline)) long late_one(long a, int b)
{
	return a * 3 + b * SEED;
}

__attribute__((noinline)) long late_two(const struct point *p)
{
	return p->x * 10L + p->y + SEED;
}

/* Calls the first before dlopen() returns. */
#ifdef EARLY
long late_early;

__attribute__((constructor)) static void init(void)
{
	late_early = late_one(1, 1);
}
#endif
