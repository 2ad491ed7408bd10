/*
 * shapes_main.c - calls every function of shapes.h and prints what it gives.
 */
#include "shapes.h"

#include <complex.h>
#include <stdio.h>

static int count(struct node *n, void *arg)
{
	return n->color + *(int *)arg;
}

int main(void)
{
	struct nested n = { .kind = 3, .lo = 4, .hi = 5, .bits = { .a = 5, .b = 77, .d = -9 } };
	const char *const names[] = { "one", "two" };
	struct node node = { &node, NULL, GREEN };
	matrix m = { { 0 } };
	char text[4] = "";
	int seven = 7;
	struct plain p;
	double _Complex z;

	m[2][3] = 11;
	printf("%ld\n", over_wide(1, 2, 3, 4, 5, 6, 7, (struct wide){ { 8, 9, 10 } }, 11));
	printf("%ld\n", over_plain(1, 2, 3, 4, 5, 6, 7, (struct plain){ { 8, 9, 10 } }, 11));
	printf("%ld\n", over_pair(1, 2, 3, 4, 5, 6, 7, (struct pair){ 8, 9 }, 11));
	printf("%ld\n",
	       over_packed(1, 2, 3, 4, 5, 6, 7, (struct packed){ 8, 1L << 40, { 1, 2, 3 } }, 11));
	p = give(2, &n);
	printf("%ld %ld %ld\n", p.v[0], p.v[1], p.v[2]);
	printf("%Lg\n", extended(1.5L, 2, -0.25L, 3, (__int128)1 << 70, 1));
	z = turn(1 + 2 * I, 3 - I);
	printf("%g %g\n", creal(z), cimag(z));
	printf("%d\n", walk(&node, count, count, &seven));
	printf("%d\n", table(m, names, &seven, 'x'));
	printf("%lx\n", (long)colors(BLUE, HUGE_ONE, T1, NULL));
	printf("%d %d %d\n", either_of(&node, 3), logs("a%d", 42), opened(NULL, NULL));
	commented(60, 5, text);
	printf("%s %d %d\n", text, chooser(1) != NULL, renamed(1));
	printf("%d %d\n", odd_alignment(4, 5), windows(6));
	fflush(stdout);
	stop(3);
}
