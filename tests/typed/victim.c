/*
 * victim.c - functions of all sorts of arguments, called with anything in the bits that do not count.
 *
 * Prints what each of them saw, as programs ought to see it.
 */
#include "typed.h"

#include <stdio.h>

#define FUNC __attribute__((noipa))

struct fwd {
	long pad;
	int value;
};

FUNC long numbers(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f,
		  signed char g, unsigned short h, _Bool i, enum color j)
{
	printf("numbers %d %u %d %u %d %u %d %u %d %d\n", a, b, c, d, e, f, g, h, i, j);
	return 0;
}

/* The same of another function, and words where they have numbers. */
FUNC long same(signed char a, unsigned char b, short c, unsigned short d, int e, unsigned f,
	       signed char g, unsigned short h, _Bool i, enum color j)
{
	return a + b + c + d + e + (long)f + g + h + i + j;
}

FUNC long wide(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j)
{
	return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j;
}

FUNC long walk(struct big b, struct req *r, const char *text, unsigned long handle, struct fwd *f,
	       struct pair p)
{
	printf("walk %ld %d %d %d %d %d %u %d %d\n", b.c, b.conn->port, r->own.peer->port,
	       r->two[1].port, r->rows[1][0], r->conn->port, r->own.level, r->more[1].port,
	       text[3]);
	printf("more %d %d %d %d %d\n", ((struct conn *)r->opaque)->port,
	       ((struct conn *)r->handle)->port, ((struct conn *)handle)->port, f->value, p.hi);
	return 0;
}

FUNC struct conn *agree_a(struct req *r, int n)
{
	return n ? &r->own : r->two;
}

FUNC struct conn *agree_b(struct req *r, struct conn *c)
{
	return c ? c : r->two;
}

static void call_numbers(const long *v)
{
	/* through a type with words, so that whatever is above stays there */
	__typeof__(&wide) word[] = { (__typeof__(&wide))numbers, (__typeof__(&wide))same, wide };

	for (int i = 0; i < 3; i++)
		word[i](v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9]);
}

int main(void)
{
	static const long words[][10] = {
		{ 0x1234567890abcd80, -1, 0x7fffffffffff8000, -1, 0x0123456780000000, -1,
		  0x7654321012345680, -1, 0x1111111111111101, 0x2222222200000007 },
		{ 0x7f, 0xa000000000000000, 0x5555555555557fff, 0x7777777777770000,
		  0x5a5a5a5a7fffffff, 0x3333333300000000, 0x7f, 0x5555555555550001,
		  0x7777777777777700, 0x44444444ffffffff },
	};
	static struct conn peer = { .port = 1 }, last = { .port = 2 };
	static struct {
		struct req r;
		struct conn more[2];
	} all = { .r = { .own = { &peer, 3, .flags = 5, .level = 4567, .rest = 1 },
			 .two = { { .port = 4 }, { .port = 5 } },
			 .rows = { { 6, 7 }, { -8, 9 } },
			 .conn = &last,
			 .opaque = &peer,
			 .name = "name",
			 .n = 2 },
		  .more = { { .port = 10 }, { .port = 11 } } };
	struct fwd f = { 0, 12 };

	all.r.handle = (unsigned long)&last;
	for (unsigned i = 0; i < 2; i++)
		call_numbers(words[i]);
	walk((struct big){ 1, 2, 13, &last }, &all.r, "text", (unsigned long)&all.r.two[0], &f,
	     (struct pair){ 14, 15 });
	printf("agree %d\n", agree_a(&all.r, 0)->port + agree_b(&all.r, &last)->port);
	return 0;
}
