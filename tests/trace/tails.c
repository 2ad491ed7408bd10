/*
 * tails.c - functions that jump to each other: itself, two, three, twenty, with arguments on the
 * stack, in two modules.  Each scenario prints its result and what the last hop's stack was below
 * main's, a line each; and how deep an ordinary recursion goes, by its bytes a level.
 *
 * Usage: tails HOPS DEPTH
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP __attribute__((noipa, noinline))
#define SLOW __attribute__((noinline, optimize("O0")))
#ifdef __clang__
#undef KEEP
#undef SLOW
#define SLOW __attribute__((noinline, optnone))
#define KEEP __attribute__((noinline))
#define JUMP __attribute__((musttail)) return
#else
#define JUMP return
#endif

typedef uint64_t u64;

u64 lib_pong(u64 n, u64 h);

static uintptr_t lowest;

/* The last hop. */
#define END(h) \
	do { \
		lowest = (uintptr_t)__builtin_frame_address(0); \
		return (h); \
	} while (0)

#define MIX(h, k) ((h)*6364136223846793005ull + (k))

/* By a pointer, or it would become a loop. */
u64 self(u64 n, u64 h);
static u64 (*volatile self_again)(u64, u64) = self;

KEEP u64 self(u64 n, u64 h)
{
	if (!n)
		END(h);
	JUMP self_again(n - 1, MIX(h, 1));
}

u64 odd(u64 n, u64 h);

KEEP u64 even(u64 n, u64 h)
{
	if (!n)
		END(h);
	JUMP odd(n - 1, MIX(h, 2));
}

KEEP u64 odd(u64 n, u64 h)
{
	if (!n)
		END(h);
	JUMP even(n - 1, MIX(h, 3));
}

#define HOP(name, next, k) \
	u64 next(u64 n, u64 h); \
	KEEP u64 name(u64 n, u64 h) \
	{ \
		if (!n) \
			END(h); \
		JUMP next(n - 1, MIX(h, k)); \
	}

HOP(three_a, three_b, 4)
HOP(three_b, three_c, 5)
HOP(three_c, three_a, 6)

HOP(c00, c01, 10)
HOP(c01, c02, 11)
HOP(c02, c03, 12)
HOP(c03, c04, 13)
HOP(c04, c05, 14)
HOP(c05, c06, 15)
HOP(c06, c07, 16)
HOP(c07, c08, 17)
HOP(c08, c09, 18)
HOP(c09, c10, 19)
HOP(c10, c11, 20)
HOP(c11, c12, 21)
HOP(c12, c13, 22)
HOP(c13, c14, 23)
HOP(c14, c15, 24)
HOP(c15, c16, 25)
HOP(c16, c17, 26)
HOP(c17, c18, 27)
HOP(c18, c19, 28)
HOP(c19, c00, 29)

/* The second passes less on the stack than it has room for. */
u64 stack_b(u64 n, u64 h, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, double x);

KEEP u64 stack_a(u64 n, u64 h, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, double x)
{
	if (!n)
		END(MIX(h, a + b + c + d + e + f + (u64)x));
	JUMP stack_b(n - 1, MIX(h, f), b, c, d, e, f, a, x + 1);
}

KEEP u64 stack_b(u64 n, u64 h, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, double x)
{
	if (!n)
		END(MIX(h, a + b + c + d + e + f + (u64)x));
	JUMP stack_a(n - 1, MIX(h, e), b, c, d, e, f, a, x + 1);
}

/* The other half is in a library. */
__attribute__((visibility("default"))) KEEP u64 ping(u64 n, u64 h)
{
	if (!n)
		END(h);
	JUMP lib_pong(n - 1, MIX(h, 7));
}

/* Not a tail call: every level has its own end. */
SLOW u64 deep(u64 n)
{
	if (n)
		return MIX(deep(n - 1), n);
	lowest = (uintptr_t)__builtin_frame_address(0);
	return 1;
}

/* A call inside a chain, whose callee begins a chain of its own. */
KEEP u64 outer(u64 n, u64 h)
{
	if (!n)
		END(h);
	JUMP odd(n % 2, MIX(h, even(n / 2, h)));
}

static void show(const char *name, u64 result, uintptr_t top)
{
	printf("%s %016llx %s\n", name, (unsigned long long)result,
	       top - lowest < 8192 ? "near" : "FAR");
}

int main(int argc, char **argv)
{
	u64 n = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000, d = 100, one;
	uintptr_t top = (uintptr_t)__builtin_frame_address(0);

	if (argc > 2)
		d = strtoull(argv[2], NULL, 0);
	show("self", self(n, 1), top);
	show("pair", even(n, 1), top);
	show("three", three_a(n, 1), top);
	show("twenty", c00(n, 1), top);
	show("stack", stack_a(n, 1, 1, 2, 3, 4, 5, 6, 0.5), top);
	show("modules", ping(n, 1), top);
	show("outer", outer(n / 100, 1), top);
	deep(1);
	one = lowest;
	printf("deep %016llx", (unsigned long long)deep(d));
	fprintf(stderr, "bytes a level: %llu\n", (unsigned long long)((one - lowest) / (d - 1)));
	putchar('\n');
	return 0;
}
