/*
 * harness.c - the part of a generated program that does not change: main, poison, digests.
 *
 *	program FILL
 *
 * Calls each call_N once a round from a stack of its own, all registers filled at random, and
 * prints a line for each: digests of the arguments as the callee saw them, of the result as the
 * caller saw it, of what the caller kept across the call, and of each register behind it.
 * FILL changes where that stack begins and what lies on it, nothing else: what two values of it
 * print differently depends on addresses or on memory that nobody wrote.  Exit status 42.
 *
 * Built with -mgeneral-regs-only, so that nothing here touches what it looks at.
 */
#include <cpuid.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INLINE inline __attribute__((always_inline))
#define PRIME  0x9e3779b97f4a7c15ull
#define STACK  (256 * 1024)
#define FILLED (32 * 1024)
#define NLIVE  16
#define NZMM   32
#define NMASK  8
#define COMPS  8 /* numbers of XSAVE's components that are looked at: SDM vol. 1, 13.1 */
#define WANTED 0xe7u
#define LEGACY 576

/* of poison.S; general registers by their numbers in instructions, then the flags */
uint64_t poison_before[16], poison_after[17];
_Alignas(64) unsigned char poison_image[8192], poison_seen[8192];
uint32_t poison_components;
void poisoned_call(void (*fn)(void), void *stack);

/* of the generated files */
extern void (*const calls[])(void);
extern const unsigned count, rounds, stride;
extern const unsigned char values[];

/* for them */
const unsigned char *at;
unsigned round_now, depth, fronts, copies, deaths;
uint64_t seen, got, kept;
volatile uint64_t live[NLIVE];
volatile uint64_t keep_floats[NLIVE];

static _Alignas(4096) unsigned char stack[STACK];
static uint64_t random_state;
static uint32_t where[COMPS], size[COMPS];

struct line {
	uint64_t seen, got, kept, gpr[16], zmm[NZMM], mask[NMASK], x87, mxcsr, df;
};

/* Here instead of libc's, which would leave addresses in registers and vectors zeroed. */
void *memcpy(void *restrict to, const void *restrict from, unsigned long n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, unsigned long n)
{
	unsigned char *t = to;

	while (n--)
		*t++ = (unsigned char)byte;
	return to;
}

uint64_t fold(uint64_t sum, const void *data, unsigned long n, const unsigned char *mask)
{
	for (unsigned long i = 0; i < n; i++)
		sum = (sum ^ (((const unsigned char *)data)[i] & mask[i])) * PRIME;
	return sum;
}

static INLINE uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * PRIME;
}

static INLINE void mix(uint64_t *sum, const void *data, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		*sum = (*sum ^ ((const unsigned char *)data)[i]) * PRIME;
}

static INLINE void fill(unsigned char *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (unsigned char)(rnd() >> 40);
}

/* Where XSAVE puts the components that this machine has, in its standard format. */
static void find_components(void)
{
	uint32_t a = 0, b = 0, c = 0, d = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
		fputs("no XSAVE\n", stderr);
		exit(77);
	}
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	poison_components = a & WANTED;
	for (unsigned i = 2; i < COMPS; i++) {
		if (poison_components & 1u << i)
			__get_cpuid_count(0xd, i, &size[i], &where[i], &c, &d);
	}
}

/* x87 empty, exceptions masked, DF clear: the rest is free (psABI 3.2.1). */
static void choose_poison(void)
{
	uint16_t cw = (uint16_t)(0x037f | (rnd() & 0x0c00)), sw = rnd() & 0x4700;
	uint32_t mxcsr = (uint32_t)(0x1f80 | (rnd() & 0xe07f));

	for (unsigned i = 0; i < 16; i++)
		poison_before[i] = rnd();
	fill(poison_image + 32, 128 + 256);
	for (unsigned i = 0; i < 8; i++)
		memset(poison_image + 32 + 16 * i + 10, 0, 6);
	memcpy(poison_image, &cw, 2);
	memcpy(poison_image + 2, &sw, 2);
	memcpy(poison_image + 24, &mxcsr, 4);
	memcpy(poison_image + 512, &poison_components, 4);
	for (unsigned i = 2; i < COMPS; i++)
		fill(poison_image + where[i], size[i]);
}

static void add_vectors(struct line *l)
{
	for (unsigned i = 0; i < 16; i++)
		mix(&l->zmm[i], poison_seen + 160 + 16 * i, 16);
	for (unsigned i = 0; i < 16 && size[2]; i++)
		mix(&l->zmm[i], poison_seen + where[2] + 16 * i, 16);
	for (unsigned i = 0; i < NMASK && size[5]; i++)
		mix(&l->mask[i], poison_seen + where[5] + 8 * i, 8);
	for (unsigned i = 0; i < 16 && size[6]; i++)
		mix(&l->zmm[i], poison_seen + where[6] + 32 * i, 32);
	for (unsigned i = 0; i < 16 && size[7]; i++)
		mix(&l->zmm[16 + i], poison_seen + where[7] + 64 * i, 64);
}

static void add_state(struct line *l, const unsigned char *sp)
{
	static const unsigned char saved[] = { 3, 5, 12, 13, 14, 15 };
	uint64_t df = poison_after[16] & 0x400;
	uint16_t cw;

	for (unsigned i = 0; i < sizeof(saved); i++) {
		if (poison_after[saved[i]] != poison_before[saved[i]])
			l->df += 0x10000;
	}
	memcpy(&cw, poison_seen, 2);
	l->df += df + (poison_after[4] != (uint64_t)(uintptr_t)sp);
	for (unsigned i = 0; i < 16; i++)
		mix(&l->gpr[i], &poison_after[i], 8);
	mix(&l->x87, poison_seen, 5); /* control, status, tags; not the last instruction */
	mix(&l->x87, poison_seen + 32, 128);
	mix(&l->mxcsr, poison_seen + 24, 4);
	add_vectors(l);
}

static void one_call(unsigned i, struct line *l, unsigned fill_number)
{
	unsigned char *sp = stack + STACK - 4096 - 4096 * fill_number - 16 * (rnd() % 4);

	choose_poison();
	for (unsigned n = 0; n < NLIVE; n++)
		live[n] = rnd(), keep_floats[n] = rnd();
	memset(stack + STACK - FILLED, (int)(0x11 * fill_number), FILLED);
	seen = got = kept = copies = deaths = 0;
	depth = 2;
	poisoned_call(calls[i], sp);
	mix(&l->seen, &seen, 8);
	mix(&l->got, &got, 8);
	mix(&kept, &copies, 4);
	mix(&kept, &deaths, 4);
	for (unsigned n = 0; n < NLIVE; n++)
		kept = (kept ^ keep_floats[n]) * PRIME;
	mix(&l->kept, &kept, 8);
	add_state(l, sp);
}

static void show(unsigned i, const struct line *l)
{
	printf("%u %016lx %016lx %016lx", i, l->seen, l->got, l->kept);
	for (unsigned n = 0; n < 16; n++)
		printf(" %08x", (uint32_t)(l->gpr[n] >> 32));
	for (unsigned n = 0; n < NZMM; n++)
		printf(" %08x", (uint32_t)(l->zmm[n] >> 32));
	for (unsigned n = 0; n < NMASK; n++)
		printf(" %08x", (uint32_t)(l->mask[n] >> 32));
	printf(" %08x %08x %08lx\n", (uint32_t)(l->x87 >> 32), (uint32_t)(l->mxcsr >> 32), l->df);
}

int main(int argc, char **argv)
{
	struct line *lines = calloc(count, sizeof(*lines));

	if (argc != 2 || !lines)
		return 2;
	find_components();
	random_state = 88172645463325252ull;
	for (round_now = 0; round_now < rounds; round_now++) {
		at = values + (unsigned long)stride * round_now;
		for (unsigned i = 0; i < count; i++)
			one_call(i, &lines[i], (unsigned)atoi(argv[1]));
	}
	for (unsigned i = 0; i < count; i++)
		show(i, &lines[i]);
	free(lines);
	return 42;
}
