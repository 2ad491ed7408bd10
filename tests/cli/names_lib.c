/*
 * names_lib.c - a library with a function in two versions, and one with three names.
 */
#include "names.h"

KEPT int versioned_old(int n)
{
	ROOM;
	return n;
}

KEPT int versioned_new(int n)
{
	ROOM;
	return n + 1;
}

__asm__(".symver versioned_old, versioned@NAMES_1");
__asm__(".symver versioned_new, versioned@@NAMES_2");

KEPT int one_of_three(int n)
{
	ROOM;
	return n + 2;
}

extern __typeof__(one_of_three) two_of_three __attribute__((alias("one_of_three")));
extern __typeof__(one_of_three) three_of_three __attribute__((weak, alias("one_of_three")));
