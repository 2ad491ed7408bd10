/*
 * attach/reclaim.h - images that no slot names any more: when their room may be used again.
 *
 * An image is retired when its slot's pointer names another one (all threads are stopped then).
 * It is freed when it is proven from outside that no thread can come back to it; the hit pays
 * nothing for that.  A look is taken only when a slab's room gets short:
 *
 * 1. All memory of the running process is searched for addresses inside of retired images
 *    (ctl/scan.h).  What is found stays; how long it takes tells how large the process is.
 * 2. In one stop the proof is made of what was not found.  Nobody else may run in that memory.
 *      pcs and registers of all threads hold no address inside, and
 *      memory, searched again, has none.
 *    Nothing moves meanwhile, so this holds whatever the program does with its stacks.
 *    Where 1 took too long for a stop, memory is not searched again.  Instead
 *      the threads' stacks are, from their rsp on, and
 *      the calls that slots counted in and out are even, for the image's counter.
 *    A return address stays where it was pushed until it is popped: one that is older than 1 was
 *    seen there, one that a running thread pushed since is on its stack.  Only a program
 *    that copies stacks to and fro could have hidden one from 1; that call is counted in.
 *
 * Who could enter since its retirement?  The slot jumps through its pointer in memory in one
 * instruction: a thread stands before it and will read the new pointer, or its pc is the
 * image's first byte, which 2 sees, in a register or in a signal's frame.  Nobody keeps an image's
 * address but as a return address or an interrupted pc: images give none away, and call nothing that
 * returns twice.  (A jmp_buf holds its pc encrypted; it is that of a setjmp() or getcontext()
 * whose caller is the application's, as such functions have no exit programs and so are jumped
 * to: attach/policy.c.  What longjmp() leads back to has its return addresses on its stack.)
 * A thread that is created later begins where its maker stood: outside, as that one was seen.
 *
 * Forked children have copies of all pages that hold our code, their own pointers among them, so
 * what is written here afterwards is not there.  They share the arena: see below.
 *
 * What is not proven stays, and is looked at again, later and later.  Stale words in memory
 * may keep an image for long, but each word only one.
 *
 * A process that traces itself is looked at by a helper (ctl/self.h), whose copies of our notes of
 * where images are nobody searches; ours are hidden meanwhile (attach/hide.h).
 *
 * Not freed at all: slots, and code of programs that tail calls reach (attach/tails.h).
 *
 * Memory   a retired image holds references on its programs, and so on their maps: a thread inside
 *          uses them.  The arena never takes memory back, so children may go on in it, too.  Who
 *          makes it do so has to hold programs for code of tail calls, rings for the personality's
 *          list (struct shm_sink), and everything for a child that has the arena mapped.
 * Errors   none: without a proof nothing is done
 * Context  [ctl] the thread that traces
 */
#ifndef ATTACH_RECLAIM_H
#define ATTACH_RECLAIM_H

#include "base/diag.h"
#include "base/types.h"

struct hook;
struct program;
struct utramp_target;

/* The place in an image from which its exit programs are left out; see tramp_marks. */
struct gate {
	taddr_t nop, skip; /* 0: none */
};

/* Code that was written for a hook. */
struct image {
	struct image *next; /* retired: the next one */
	struct hook *hook;
	taddr_t at;
	uint32_t size;
	uint32_t name; /* attach/names.h */
	struct gate gate;
	unsigned nprogs;
	struct program *prog[]; /* references */
};

struct reclaim {
	struct image *retired;
	uint64_t bytes[2];                  /* of them, in each slab */
	uint64_t not_before;                /* CLOCK_MONOTONIC ns */
	unsigned in_vain;                   /* looks that freed little, one after another */
	uint64_t looks, freed, freed_bytes; /* so far */
	/* for tests: called between 1 and 2; what 1 may take, 0: as usual */
	void (*looked)(void *ctx);
	void *ctx;
	uint64_t stop_ns;
};

/* Of the hook's programs as they are; NULL: no memory. */
struct image *image_new(struct hook *h);
void image_free(struct image *im); /* NULL is fine */

/* No slot names it any more.  Takes it over. */
void reclaim_retire(struct utramp_target *t, struct image *im);

/* It was written, but nobody has ever entered it: its room is free at once.  NULL is fine. */
void reclaim_at_once(struct utramp_target *t, struct image *im);

/* Room is short, and there is something that a look might free. */
bool reclaim_due(const struct utramp_target *t);

/*
 * Take a look now.  Returns how many images were freed, or an error when the process could
 * not go on; d says why nothing could be proven.
 */
int reclaim_now(struct utramp_target *t, struct diag *d);

void reclaim_fini(struct utramp_target *t);

#endif
