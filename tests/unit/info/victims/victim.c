/*
 * a shared object full of prototypes, for the DWARF and ELF readers.
 */
#include "victim.h"

extern void abort(void) __attribute__((noreturn));

volatile long sink;

int f_plain(int a, const char *s, double d)
{
	return a + s[0] + (int)d;
}

void f_void(void)
{
	sink++;
}

int f_unprototyped()
{
	return (int)sink;
}

int f_variadic(const char *fmt, ...)
{
	return fmt[0];
}

_Noreturn void f_noreturn(int code)
{
	sink = code;
	abort();
}

long double f_ld(long double x, float f, _Bool b)
{
	return x + (long double)f + b;
}

__int128 f_i128(__int128 a, unsigned __int128 b)
{
	return a + (__int128)b;
}

long double _Complex f_complex_ld(long double _Complex z)
{
	return z + z;
}

double _Complex f_complex(double _Complex z)
{
	return z + z;
}

vec4 f_vector(vec4 v)
{
	return v + v;
}

struct pt f_struct(struct pt p, struct mixed *m, struct bits *b, pair_t pair)
{
	p.x += m->i + (int)b->c + (int)pair.a;
	return p;
}

int f_pointers(int (*cb)(const void *, const void *), int (*arr)[4], char **argv)
{
	return cb(arr, argv) + (*arr)[1];
}

int f_enums(enum color c, enum big b)
{
	return c == BLUE && b == TOP;
}

int f_layout(struct packed_offset *a, struct packed_size *b, struct over *c, struct flex *d,
	     struct multi *e, struct anon *f)
{
	return a->c + b->b + (int)c->a + d->data[0] + e->m[1][2] + f->lo;
}

int f_low(union low_member *a, struct low *b, struct low_packed *c, struct packed_inside *d,
	  struct over_packed *e)
{
	return (int)a->l + b->i + c->s + d->c + e->c;
}

int f_hidden(struct hidden *h)
{
	return h != 0;
}

int f_deep(struct deep *n)
{
	return n->next->pt[1].y + (n->owner != 0);
}

my_size f_typedef(const my_size n, volatile unsigned short *restrict p)
{
	return n + *p;
}

static inline __attribute__((always_inline)) long twice(long v)
{
	return v * 2 + sink;
}

long f_inlines(long a, long b)
{
	return twice(a) + twice(b) + twice(a + b);
}

struct big_arg {
	long unused[40];
	long used;
};

/* gcc -O2 makes f_clone.isra.0 or .constprop.0 of it */
static __attribute__((noinline)) long f_clone(struct big_arg *b, long k, long never)
{
	return b->used * k + sink;
}

long f_calls_clone(struct big_arg *b, long k)
{
	return f_clone(b, k, 3) + f_clone(b, k + 1, 3);
}

#ifdef __clang__
__attribute__((ms_abi)) int f_ms(int a)
{
	return a;
}
#endif
