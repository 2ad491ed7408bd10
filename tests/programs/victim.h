/*
 * victim.h - what the victim's functions are given; for it and for the programs that trace it.
 *
 * The programs read all of it by CO-RE, so for them every struct keeps its accesses.
 */
#ifndef PROGRAMS_VICTIM_H
#define PROGRAMS_VICTIM_H

enum method { GET = 1, PUT = 2, DROP = 7 };

struct peer {
	int id;
	unsigned char address[16];
	const char *name;
};

struct conn {
	int fd;
	unsigned long bytes;
	struct peer *peer; /* may be NULL */
};

struct request {
	enum method method;
	unsigned urgent : 1, retries : 4;
	signed int weight : 11;
	struct conn *conn;
	const char *path;
	unsigned long size;
	struct {
		unsigned short code;
		char text[14];
	} answer;
};

struct node {
	long value;
	struct node *next;
};

struct dir {
	const char *name;
	struct dir *parent; /* NULL: the root, whose name is empty */
};

struct point {
	double x;
	float y;
};

#endif
