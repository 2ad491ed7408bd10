/*
 * gen/bell.h - the eBPF program that tells us of calls without saying anything about them.
 *
 * One word counts them; the time of the first that we have not seen yet stands beside it.
 *
 * Every other call can be held until we have reacted.  A lossless ring of one page does that, in
 * which there is room for one record and no second: the caller puts a record there, which takes no
 * time, and another, for which it waits until the first is consumed.  The second is discarded.
 *
 * Errors   -ENOMEM
 * Context  [ctl]
 */
#ifndef GEN_BELL_H
#define GEN_BELL_H

#include "gen/writer.h"

/* The one value of the array that the program has. */
struct gen_bell {
	uint64_t rings;
	uint64_t seen;     /* rings, when we looked last; ours to write */
	uint64_t first_ns; /* CLOCK_MONOTONIC, of the first ring behind `seen` */
	uint64_t phase;    /* calls of which so many came before, modulo 2, are held; 2: none */
	uint64_t holds; /* 1: somebody is held, or about to be; what is in the ring may be older */
};

#define GEN_BELL_NEVER  2
#define GEN_BELL_RING   4096
#define GEN_BELL_RECORD 3000

/* An entry program; fd: of the array, ring_fd: of the ring. */
int gen_bell_program(int fd, int ring_fd, struct gen_prog *out);

#endif
