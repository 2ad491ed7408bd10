/*
 * thrown.cc - exceptions from a call that is among a function's first instructions: one that is
 * moved when the function is patched.  Where it was thrown from must still be told by the pc.
 */
#include "cases.h"

static long alive;

struct counted {
	counted()
	{
		alive++;
	}
	~counted()
	{
		alive--;
	}
};

extern "C" {
NOINLINE long thrower()
{
	if (seed != 2)
		throw seed;
	return 100;
}

/* The call is its second instruction, and its handler is this function's. */
NOINLINE long t_catches()
{
	try {
		return thrower() + 1;
	} catch (long n) {
		return n * 10;
	}
}

/* Passed through. */
NOINLINE long t_passes()
{
	return thrower() + 2;
}
}

static long call_t_catches()
{
	return t_catches();
}

static long call_t_passes()
{
	long got;

	try {
		counted k;

		got = t_passes();
	} catch (long n) {
		got = n * 1000;
	}
	return got + alive;
}

MAIN(CASE(t_catches), CASE(t_passes))
