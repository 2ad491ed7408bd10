/*
 * shapes.c - the functions of shapes.h, built without debug information.
 */
#define MORE
#include "shapes.h"

#include <complex.h>
#include <stdlib.h>

#define SUM(name, type, sum) \
	long name(int a, int b, int c, int d, int e, int f, int g, type w, int last) \
	{ \
		return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + (sum) + 1000L * last; \
	}

SUM(over_wide, struct wide, w.v[0] + 3 * w.v[1] + 5 * w.v[2])
SUM(over_plain, struct plain, w.v[0] + 3 * w.v[1] + 5 * w.v[2])
SUM(over_pair, struct pair, w.a + 3 * w.b)
SUM(over_packed, struct packed, w.c + w.l + w.tail[2])

struct plain give(int a, struct nested *n)
{
	return (struct plain){ { a, n->hi, n->bits.d } };
}

long double extended(long double x, int n, long double y, int m, __int128 big, _Bool yes)
{
	return x * n + y * m + (long double)big + yes;
}

double _Complex turn(double _Complex z, float _Complex w)
{
	return z * w;
}

int walk(struct node *n, callback *fn, callback fn2, void *arg)
{
	return fn(n, arg) + fn2(n, arg);
}

int table(matrix m, const char *const names[], volatile int *restrict v, char c)
{
	return (int)m[2][3] + names[1][0] + *v + c;
}

enum big colors(enum color c, enum big b, enum tiny t, enum later *l)
{
	return c == BLUE && t == T1 && !l ? b : SMALL;
}

int either_of(either e, int n)
{
	return e.n->color + n;
}

int opened(handle h, const struct opaque *o)
{
	return h == o;
}

int logs(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vlogs(fmt, ap);
	va_end(ap);
	return n;
}

int vlogs(const char *fmt, va_list ap)
{
	return fmt[0] + va_arg(ap, int);
}

void commented(int width, long n, char *text)
{
	text[0] = (char)(width + n);
}

static void chosen(int n, double d)
{
}

void (*chooser(int which))(int, double)
{
	return which ? chosen : NULL;
}

int renamed(int x)
{
	volatile int n = x; /* long enough for a jump */

	return n + 1;
}

void stop(int code)
{
	exit(code);
}

int vectors(vec2 v)
{
	return (int)v[1];
}

int vectors_within(struct has_vector v)
{
	return (int)v.v[1];
}

int odd_alignment(apart a, int b)
{
	return a + b;
}

long double _Complex too_long(long double _Complex z)
{
	return z;
}

int __attribute__((ms_abi)) windows(int a)
{
	return a + 1;
}

int has_gap(struct bits b)
{
	return b.b;
}

int unknown(int a)
{
	return a + 2;
}

int twice(int a)
{
	return a + 3;
}

__attribute__((visibility("hidden"))) int hidden_one(int a)
{
	return a;
}

int more(int a)
{
	return a;
}
