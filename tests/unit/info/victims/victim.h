/*
 * types of the C victim; the tests include it too, so that sizeof and offsetof tell what
 * the reader has to find.
 */
#ifndef VICTIM_H
#define VICTIM_H

struct pt {
	int x, y;
};

struct mixed {
	char c;
	short s;
	int i;
	long l;
	double d;
	float f;
	_Bool b;
	long double ld;
	const char *str;
	int (*cb)(int);
	unsigned char bytes[6];
};

struct bits {
	unsigned a           : 3;
	unsigned b           : 5;
	int c                : 10;
	unsigned long long d : 40;
	unsigned char e      : 1;
};

struct __attribute__((packed)) packed_offset {
	char c;
	long l;
};

struct __attribute__((packed)) packed_size {
	int a;
	char b;
};

struct over {
	long a;
} __attribute__((aligned(32)));

/* Asked for less than they have: without packed that changes nothing. */
union low_member {
	long double x;
	long l __attribute__((aligned(2)));
};

struct low {
	long double x;
	int i;
} __attribute__((aligned(8)));

/* Not packed itself: the gap before f shows it. */
struct __attribute__((packed)) packed_pointer {
	void *p;
};

struct packed_inside {
	char c;
	struct packed_pointer p;
	float f;
	long double x;
};

struct __attribute__((packed)) low_packed {
	long l __attribute__((aligned(2)));
	short s;
};

/* clang repeats the 32 of its type at the member. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wpacked-not-aligned"
#endif
struct __attribute__((packed)) over_packed {
	struct over o;
	char c;
};

struct flex {
	int n;
	char data[];
};

struct multi {
	int m[3][5];
	const char *names[2];
};

struct anon {
	int tag;
	union {
		int i;
		float f;
		struct {
			short lo, hi;
		};
	};
};

enum color { RED = -1, GREEN, BLUE = 7 };
enum big { NONE = 0, TOP = 0x80000000U };

typedef float vec4 __attribute__((vector_size(16)));
typedef struct {
	long a, b;
} pair_t;
typedef unsigned long my_size;

struct hidden;

struct deep {
	struct deep *next;
	struct hidden *owner;
	struct pt pt[2];
};

#endif
