/*
 * names.c - C functions: with empty lists, of one name in two files, with several names.
 */
#include "names.h"

#include <stdio.h>

KEPT int empty_list()
{
	ROOM;
	return 1;
}

KEPT static int empty_static()
{
	ROOM;
	return 2;
}

KEPT int old_style(n, m)
int n;
long m;
{
	ROOM;
	return n + (int)m;
}

KEPT static int twin(int n)
{
	ROOM;
	return n + 3;
}

KEPT int named(int n)
{
	ROOM;
	return n + 4;
}

extern __typeof__(named) other_name __attribute__((alias("named")));
extern __typeof__(named) weak_name __attribute__((weak, alias("named")));

int main()
{
	int sum = empty_list() + empty_static() + old_style(3, 4L) + twin(5) + second(6);

	sum += named(7) + other_name(8) + weak_name(9);
#ifdef VERSIONS
	sum += versioned(10) + one_of_three(11);
#endif
	printf("sum %d\n", sum);
	return 0;
}
