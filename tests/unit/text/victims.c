/*
 * Functions to be patched by slot_test, compiled several times: V(name) tells which.
 * Each takes two longs and is called through a table only.
 */
#define CAT_(a, b) a##b
#define CAT(a, b)  CAT_(a, b)
#define V(name)    CAT(VICTIM, name)

#ifdef __clang__
#define SHOWN __attribute__((noinline, visibility("default")))
#else
#define SHOWN __attribute__((noinline, noclone, visibility("default")))
#endif

#include <stdarg.h>

long V(global)(long a, long b);
long V(add)(long a, long b);
long V(nothing)(long a, long b);
long V(constant)(long a, long b);
long V(sign)(long a, long b);
long V(fib)(long a, long b);
long V(sum)(long a, long b);
long V(tail)(long a, long b);
long V(calls)(long a, long b);
long V(array)(long a, long b);
long V(pick)(long a, long b);
long V(va)(long n, ...);
long V(calls_va)(long a, long b);
double V(fp)(double a, double b);
long V(calls_fp)(long a, long b);
long V(nops)(long a, long b);

static volatile long counter;
static long table[4] = { 3, 1, 4, 1 };

SHOWN long V(global)(long a, long b)
{
	counter = a;
	return counter + b + table[b & 3];
}

SHOWN long V(add)(long a, long b)
{
	return a + b;
}

SHOWN long V(nothing)(long a, long b)
{
	counter = 0;
	return a;
}

SHOWN long V(constant)(long a, long b)
{
	return 42;
}

SHOWN long V(sign)(long a, long b)
{
	if (a < 0)
		return -b;
	return a > 100 ? b * 3 : b;
}

SHOWN long V(fib)(long a, long b)
{
	a &= 15;
	return a < 2 ? a + b : V(fib)(a - 1, b) + V(fib)(a - 2, b);
}

SHOWN long V(sum)(long a, long b)
{
	long s = 0;

	for (long i = 0; i < (a & 63); i++)
		s += i * b;
	return s;
}

SHOWN long V(tail)(long a, long b)
{
	return V(sign)(b, a);
}

SHOWN long V(calls)(long a, long b)
{
	return V(sign)(a, b) + V(add)(b, 7);
}

SHOWN long V(array)(long a, long b)
{
	volatile long big[80];

	for (int i = 0; i < 80; i++)
		big[i] = a + i;
	return big[b & 63];
}

SHOWN long V(pick)(long a, long b)
{
	switch (a & 7) {
	case 0:
		return b;
	case 1:
		return b * 5;
	case 2:
		return b - 3;
	case 3:
		return V(add)(b, a);
	case 4:
		return b ^ 0x55;
	default:
		return a;
	}
}

/* al holds the number of vector registers used */
SHOWN long V(va)(long n, ...)
{
	va_list ap;
	long s = 0;

	va_start(ap, n);
	for (long i = 0; i < n; i++)
		s += (long)va_arg(ap, double) + va_arg(ap, long);
	va_end(ap);
	return s;
}

SHOWN long V(calls_va)(long a, long b)
{
	return V(va)(3, (double)(a & 0xff), b, 2.0, a, 3.0, 4l);
}

SHOWN double V(fp)(double a, double b)
{
	return a * b + 0.5;
}

SHOWN long V(calls_fp)(long a, long b)
{
	return (long)V(fp)((double)(a & 0xfff), (double)(b & 0xfff));
}

__attribute__((patchable_function_entry(8, 3))) SHOWN long V(nops)(long a, long b)
{
	return a * 2 + b;
}
