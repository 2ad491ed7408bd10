/*
 * many.c - a program whose functions take 7 to 16 arguments, structs and doubles.
 *
 * The second demo traces it; it prints the same with and without.
 */
#include <stdio.h>

struct point {
	long x, y;
};

struct pixel {
	short x, y;
	float value;
};

__attribute__((noinline)) long seven(int a, char b, short c, long d, unsigned e, long f, int g)
{
	return a + b + c + d + e + f + g;
}

__attribute__((noinline)) double blend(double a, struct point p, double b, int c, int d, int e,
				       int f, struct point q, double weight)
{
	return (a * weight + b * (1 - weight)) * (double)(p.x + p.y + q.x + q.y + c + d + e + f);
}

__attribute__((noinline)) long sixteen(long a, long b, long c, long d, long e, long f, long g,
				       long h, int i, short j, signed char k, unsigned char l,
				       double m, float n, struct pixel o, const char *p)
{
	return a + b + c + d + e + f + g + h + i + j + k + l + (long)(m + (double)n) + o.x + o.y +
	       (long)o.value + p[0];
}

int main(void)
{
	struct point p = { 1, 2 }, q = { 3, 4 };
	struct pixel o = { 5, -6, 7.5f };

	for (int i = 0; i < 3; i++) {
		printf("seven   %ld\n", seven(i, 'b', -3, 4000000000, 5u, -6, 7));
		printf("blend   %g\n", blend(0.5, p, 2.25, i, 2, 3, 4, q, 0.75));
		printf("sixteen %ld\n",
		       sixteen(1, 2, 3, 4, 5, 6, 7, 8, -9, -10, -11, 200, 1.5, 2.5f, o, "text"));
	}
	return 0;
}
