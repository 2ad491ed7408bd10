/* plain.c - built without debug information; see plain.h. */
#include "plain.h"

int plain_add(int a, int b)
{
	__asm__ volatile("" : "+r"(a));
	return a + b;
}

int plain_sub(int a, int b)
{
	__asm__ volatile("" : "+r"(a));
	return a - b;
}
