/*
 * survive.h - what the victims survive*.c share.  Each case checks itself; status 7 and the
 * same line always: all was right.  The functions traced are named t_*.
 */
#ifndef STRESS_SURVIVE_H
#define STRESS_SURVIVE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define RIGHT  7
#define TRACED __attribute__((noinline))

extern long survive_bad;               /* checks that failed, so far */
extern volatile sig_atomic_t sig_seen; /* handlers that ran */

void check(bool good);

/* Not pure: every call is made. */
long t_mix(long a, long b, long c, long d, long e, long f, long g, long h);
long t_work(long n, double x, long a, int b, long c, long d, short e, long f, long g);

/* 1 + n traced calls; their result is right.  Calls nothing of libc. */
bool works(long n);

void every(int sig, long ns); /* this signal for the calling thread */
void on(int sig, void (*handler)(int), int flags);

/*
 * Calls that were entered and never return, once the case is over: what the slots' counters
 * must add up to (storm -c), at least and at most.
 */
void leaves(long least, long most);

/* Print the line, read stdin up to its end; the status. */
int survive_end(const char *name);

struct survive_case {
	const char *name;
	void (*run)(void);
};

int survive_main(int argc, char **argv, const struct survive_case *cases, size_t n);

#endif
