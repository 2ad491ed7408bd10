/*
 * progs.c - see progs.h.  Undefined behaviour would let the compilers differ: unsigned
 * arithmetic, divisors and shift counts made safe.
 */
#include "progs.h"

#define noinline static __attribute__((noinline))

u64 entry(u8 *mem, u64 len);

#if PROG == 0 /* hashing, 64-bit multiplication, byte loads */
u64 entry(u8 *mem, u64 len)
{
	u64 h = 0xcbf29ce484222325;

	for (u64 i = 0; i < len; i++)
		h = (h ^ mem[i]) * 0x100000001b3;
	return h;
}
#elif PROG == 1 /* 32-bit arithmetic and shifts by variables */
u64 entry(u8 *mem, u64 len)
{
	u32 a = 1, b = 0, *w = (u32 *)mem;

	for (u32 i = 0; i < len / 4; i++) {
		a += w[i];
		b ^= a << (i & 31) | a >> (-i & 31);
		a = a * 2654435761u + (u32)((s32)b >> (w[i] & 15));
	}
	return (u64)b << 32 | a;
}
#elif PROG == 2 /* signed comparisons and extensions of every width */
u64 entry(u8 *mem, u64 len)
{
	s64 sum = 0;

	for (u64 i = 0; i + 8 <= len; i += 8) {
		s8 c = *(s8 *)(mem + i);
		s16 h = *(s16 *)(mem + i + 2);
		s32 w = *(s32 *)(mem + i + 4);

		if (c < h)
			sum += c;
		if (h > w)
			sum -= h;
		if (w <= -1)
			sum ^= w;
		if ((s64)w < sum)
			sum = (u64)sum * 3;
	}
	return (u64)sum;
}
#elif PROG == 3 /* unsigned division and modulo */
u64 entry(u8 *mem, u64 len)
{
	u64 acc = ~0ull, *q = (u64 *)mem;

	for (u64 i = 0; i < len / 8; i++) {
		u32 d = (u32)(q[i] >> 7) | 1;

		acc = acc / d + acc % (q[i] | 1);
		acc ^= (u64)((u32)acc / d) << 32 | (u32)acc % d;
		acc = acc * 0x9e3779b97f4a7c15 + acc / 10 + acc % 1000;
	}
	return acc;
}
#elif PROG == 4 /* insertion sort in place */
u64 entry(u8 *mem, u64 len)
{
	u64 check = 0;

	for (u64 i = 1; i < len; i++) {
		u8 v = mem[i];
		u64 j = i;

		for (; j > 0 && mem[j - 1] > v; j--)
			mem[j] = mem[j - 1];
		mem[j] = v;
	}
	for (u64 i = 0; i < len; i++)
		check = check * 31 + mem[i];
	return check;
}
#elif PROG == 5 /* arrays on the stack, indexed */
u64 entry(u8 *mem, u64 len)
{
	u32 count[32] = { 0 };
	u64 sum = 0;

	for (u64 i = 0; i < len; i++)
		count[mem[i] & 31] += (u32)i;
	for (u32 i = 0; i < 32; i++)
		sum = sum * 7 + count[(i * 11) & 31];
	return sum;
}
#elif PROG == 6 /* functions, and pointers to the caller's stack */
struct pair {
	u64 a, b;
};
noinline u64 gcd(u64 a, u64 b);
noinline void step(struct pair *p, u64 v);

u64 entry(u8 *mem, u64 len)
{
	struct pair p = { 1, 2 };
	u64 *q = (u64 *)mem, r = 0;

	for (u64 i = 0; i < len / 8; i++) {
		step(&p, q[i]);
		r += gcd(p.a, p.b & 0xffff);
	}
	return r ^ p.a ^ p.b;
}
noinline u64 gcd(u64 a, u64 b)
{
	for (int i = 0; i < 200 && b; i++) {
		u64 t = a % b;

		a = b;
		b = t;
	}
	return a;
}
noinline void step(struct pair *p, u64 v)
{
	u64 a = p->a;

	p->a = p->b ^ v;
	p->b = a * 5 + (v >> 3);
}
#elif PROG == 7 /* five arguments, registers that calls keep */
noinline u64 mix(u64 a, u64 b, u64 c, u64 d, u64 e);

u64 entry(u8 *mem, u64 len)
{
	u64 a = 1, b = 2, c = 3, d = 4, e = 5;

	for (u64 i = 0; i < len; i++) {
		u64 t = mix(a, b, c, d, e + mem[i]);

		a = b, b = c, c = d, d = e, e = t;
	}
	return a + 3 * b + 5 * c + 7 * d + 11 * e;
}
noinline u64 mix(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	return (a ^ b << 3) + (c ^ d >> 5) * (e | 1);
}
#elif PROG == 8 /* atomic additions, and byte swaps */
u64 entry(u8 *mem, u64 len)
{
	u64 *q = (u64 *)mem, r = 0;
	u32 *w = (u32 *)mem;

	for (u64 i = 1; i < len / 8; i++) {
		__sync_fetch_and_add(q, q[i]);
		__sync_fetch_and_add(w + 3, (u32)i);
		r ^= __builtin_bswap64(q[i]) + __builtin_bswap32((u32)q[0]);
		r += __builtin_bswap16((u16)r);
	}
	return r;
}
#else           /* a switch, and a finite automaton over the bytes */
u64 entry(u8 *mem, u64 len)
{
	u64 state = 0, seen = 0;

	for (u64 i = 0; i < len; i++) {
		switch ((state + mem[i]) % 7) {
		case 0:
			state = 3;
			break;
		case 1:
			state += 2;
			seen++;
			break;
		case 2:
			state ^= 5;
			break;
		case 3:
			seen += state;
			break;
		case 5:
			state = state ? state - 1 : 6;
			break;
		default:
			seen ^= i << 5;
		}
	}
	return seen << 8 | state;
}
#endif
