/*
 * shapes.h - declarations that a reader of headers has to get right; see btf.py.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum color { RED, GREEN = 5, BLUE = -1 };
enum big { SMALL = 1, HUGE_ONE = 0x123456789abcdef };
enum __attribute__((packed)) tiny { T0, T1 = 200 };
enum later;

struct opaque;
typedef struct opaque *handle;

struct node { /* in a circle */
	struct node *next, *const *others;
	enum color color;
};

struct bits {
	unsigned a : 3, : 2, b : 7;
	signed char c;
	long d : 40;
};

struct nested {
	int kind;
	union {
		long whole;
		struct {
			short lo, hi;
		};
	};
	char name[12], grid[2][3];
	struct bits bits;
};

/* What BTF has no word for: its alignment. */
struct wide {
	long v[3];
} __attribute__((aligned(32)));
struct plain {
	long v[3];
};
struct pair { /* two registers, or 16 bytes of the stack: at a multiple of 16 */
	long a, b;
} __attribute__((aligned(16)));
struct packed {
	char c;
	long l;
	int tail[3];
} __attribute__((packed));

typedef int callback(struct node *n, void *arg);
typedef long matrix[3][4];
typedef double vec2 __attribute__((vector_size(16)));
typedef int apart __attribute__((aligned(16)));
typedef union {
	struct node *n;
	handle h;
} either __attribute__((transparent_union));
struct has_vector {
	vec2 v;
};

/* six registers are full where the struct comes */
long over_wide(int a, int b, int c, int d, int e, int f, int g, struct wide w, int last);
long over_plain(int a, int b, int c, int d, int e, int f, int g, struct plain w, int last);
long over_pair(int a, int b, int c, int d, int e, int f, int g, struct pair w, int last);
long over_packed(int a, int b, int c, int d, int e, int f, int g, struct packed w, int last);
struct plain give(int __a, struct nested *__restrict n);
long double extended(long double x, int n, long double y, int m, __int128 big, _Bool yes);
double _Complex turn(double _Complex z, float _Complex w);
int walk(struct node *n, callback *fn, callback fn2, void *arg);
int table(matrix m, const char *const names[], volatile int *restrict v, char c);
enum big colors(enum color c, enum big b, enum tiny t, enum later *l);
int either_of(either e, int n);
int opened(handle h, const struct opaque *o);
int logs(const char *fmt, ...);
int vlogs(const char *fmt, va_list ap);
void commented(int /* width */, long /* not a name */, char * /* text */);
void (*chooser(int which))(int, double);
int renamed(int x) __asm__("real_name");
void stop(int code) __attribute__((noreturn));

/* what is left out */
int vectors(vec2 v);
int vectors_within(struct has_vector v);
int odd_alignment(apart a, int b);
long double _Complex too_long(long double _Complex z);
int windows(int a) __attribute__((ms_abi));
int unknown();
int twice(int a) __attribute__((returns_twice));
int has_gap(struct bits b);
int hidden_one(int a);
static inline int inlined(int a)
{
	return a;
}

#ifdef MORE
int more(int a);
#endif

#endif
