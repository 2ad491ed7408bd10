/*
 * names2.c - the second file of names.c.
 */
#include "names.h"

KEPT static int twin(int n, long m)
{
	ROOM;
	return n + (int)m;
}

int second(int n)
{
	ROOM;
	return twin(n, 1) + 1;
}
