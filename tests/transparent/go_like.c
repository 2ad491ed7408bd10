/*
 * go_like.c - what a Go program with C in it looks like from outside: Go's table of functions, and
 * its code between two symbols.  (Go itself is not needed to build the tests.)
 */
#include "cases.h"

__asm__(".section .gopclntab, \"a\"\n\t.long 0xfffffff1\n\t.text\n"
	"runtime.text:\n\t.globl runtime.text");

NOINLINE long t_go(long n)
{
	return n * 3;
}

__asm__(".text\nruntime.etext:\n\t.globl runtime.etext");

NOINLINE long t_cgo(long n)
{
	return t_go(n) + 1;
}

static long call_t_cgo(void)
{
	return t_cgo(seed);
}

MAIN(CASE(t_cgo))
