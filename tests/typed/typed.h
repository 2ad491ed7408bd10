/* typed.h - what the victim's functions take; programs have it too, as one who knows the target does. */
#ifndef TYPED_H
#define TYPED_H

struct conn {
	struct conn *peer;
	int port;
	unsigned flags : 3, level : 13, rest : 16;
};

struct fwd; /* the victim knows what it is, its functions' callers do not */

struct req {
	struct conn own; /* so a req is a conn, too */
	struct conn two[2];
	short rows[2][2];
	union {
		long number;
		struct conn *conn;
	};
	void *opaque;
	unsigned long handle;
	const char *name;
	int n;
	struct conn more[];
};

struct big {
	long a, b, c;
	struct conn *conn;
};

struct pair {
	int lo, hi;
};

enum color { RED = -1, GREEN = 7 };

#endif
